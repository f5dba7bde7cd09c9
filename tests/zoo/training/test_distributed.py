"""Two processes on one machine train as one with the doubled batch; where one fails, all end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from zoo.__main__ import main
from zoo.training import Event, Run
from zoo.training.distributed import ALONE, STARTED_BY, joined

ROOT = Path(__file__).resolve().parents[3]
EXACT = ("precision=float32", "rate=0.003", "matrix_rate=0.02")  # so that rounding is all that differs
SMALL = ("blocks=1", "heads=2", "width=16", "context=16", "evaluations=2", "checkpoints=2", *EXACT)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("the cat sat on the mat and the dog sat on the log. " * 40)
    return path


@pytest.fixture(scope="module")
def command(text: Path) -> Callable[..., list[str]]:
    """The arguments that train in a folder: `command(folder, "batch=4", "--steps", "6")`."""

    def make(folder: Path, batch: str, *more: str, model: str = "zoo/gpt") -> list[str]:
        settings = [batch] if model != "zoo/gpt" else [batch, *SMALL]
        words = [word for each in settings for word in ("--set", each)]
        return ["train", "--model", model, "--corpus", str(text), "--tokenizer", "byte",
                "--folder", str(folder), *words, *more]  # fmt: skip

    return make


@pytest.fixture(scope="module")
def alone(command: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """One process with a batch of eight, by optimiser."""

    def run(optimizer: str) -> Run:
        folder = tmp_path_factory.mktemp("alone") / "run"
        assert main(command(folder, "batch=8", "--steps", "6", "--set", f"optimizer={optimizer}")) == 0
        return Run(folder)

    return run


@pytest.fixture(autouse=True)
def _no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for pair in STARTED_BY for name in pair]:
        monkeypatch.delenv(name, raising=False)


def port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def tool(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}")
    return found


def assert_same_curve(two: Run, one: Run, rounding: float) -> None:
    """The same losses and weights, to what rounding makes of a mean of two means."""
    events, wanted = two.events(), one.events()
    for key in ("step", "tokens", "rate"):
        assert [event.get(key) for event in events] == [event.get(key) for event in wanted]
    for key in ("loss", "valid_loss"):
        assert values(events, key) == pytest.approx(values(wanted, key), rel=rounding)
    assert two.steps() == one.steps()
    for step in one.steps():
        for name, tensor in one.weights(step).items():
            assert torch.allclose(two.weights(step)[name], tensor, atol=20 * rounding), (step, name)


def values(events: list[Event], key: str) -> list[float]:
    return [event[key] for event in events if key in event]  # type: ignore[literal-required]


class TestTwoProcesses:
    def test_torchrun(self, command: Callable[..., list[str]], alone: Callable[[str], Run], tmp_path: Path) -> None:
        start = [tool("torchrun"), "--nproc-per-node=2", "--master-addr=127.0.0.1", f"--master-port={port()}"]
        found = subprocess.run(
            [*start, "-m", "zoo",
             *command(tmp_path / "run", "batch=4", "--steps", "6", "--json", "--set", "optimizer=adamw")],
            cwd=ROOT, capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        assert found.returncode == 0, found.stderr
        assert_same_curve(Run(tmp_path / "run"), alone("adamw"), rounding=1e-5)
        assert found.stdout.count("\n") == 7  # the leader alone prints

    def test_accelerate_launch(
        self, command: Callable[..., list[str]], alone: Callable[[str], Run], tmp_path: Path
    ) -> None:
        start = [tool("accelerate"), "launch", "--multi_gpu", "--num_processes=2", "--num_machines=1",
                 "--main_process_ip=127.0.0.1", f"--main_process_port={port()}"]  # fmt: skip
        found = subprocess.run(
            [*start, "-m", "zoo", *command(tmp_path / "run", "batch=4", "--steps", "6")],
            cwd=ROOT, capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        assert found.returncode == 0, found.stderr
        assert_same_curve(Run(tmp_path / "run"), alone("muon"), rounding=2e-4)  # its steps are made in bfloat16

    def test_one_clock_counts(self, command: Callable[..., list[str]], tmp_path: Path) -> None:
        """A budget in seconds, started as by mpirun: both processes take the same number of steps, or would hang."""
        folder = tmp_path / "run"
        outputs = both(command(folder, "batch=2", "--seconds", "0.2"))
        assert [code for code, _ in outputs] == [0, 0], outputs
        events = Run(folder).events()
        assert events[-1]["elapsed"] >= 0.2 > events[-2]["elapsed"]
        assert events[-1]["tokens"] == events[-1]["step"] * 2 * 2 * 16

    def test_where_one_fails_all_end_and_the_checkpoint_is_kept(
        self, command: Callable[..., list[str]], tmp_path: Path
    ) -> None:
        plugins = tmp_path / "plugins"
        plugins.mkdir()
        (plugins / "fails.py").write_text(FAILS)
        folder = tmp_path / "run"
        environment = {"PLAYGROUND_PLUGINS": str(plugins)}
        words = command(folder, "batch=2", "--steps", "50", "--set", "save_every=0", model="you/fails")
        (leader, error), (other, raised) = both(words, environment)
        assert other == 1
        assert "RuntimeError: enough" in raised
        assert (leader, error.count("zoo: another process of this training has ended")) == (1, 1)
        last = Run(folder).load_last()
        assert last is not None
        assert last[0] == 3

    def test_nothing_holds_a_group_that_was_left(self) -> None:
        """Its threads would outlive Python, and abort the process now and then."""
        outputs = both([], start=("-c", LEAVES))
        assert [code for code, _ in outputs] == [0, 0], outputs

    def test_bad_input_ends_both(self, command: Callable[..., list[str]], tmp_path: Path) -> None:
        (leader, error), (other, _) = both(command(tmp_path / "run", "batch=2", "--steps", "0"))
        assert leader == 2
        assert "steps: Input should be greater than or equal to 1" in error
        assert other == 1
        assert not (tmp_path / "run").exists()


FAILS = """
import os
import torch
from pydantic import BaseModel
from torch import nn
from zoo import ModelPlugin, ModelSpec

class Config(BaseModel):
    context: int = 16

class Fails(nn.Embedding):
    steps = 0
    def forward(self, ids):
        self.steps += self.training
        if self.steps == 4 and os.environ["PMI_RANK"] == "1":
            raise RuntimeError("enough")
        return super().forward(ids)

class Plugin(ModelPlugin):
    spec = ModelSpec(id="you/fails", title="Fails", family="other", task="next-token", summary="A test.")
    Config = Config
    def build(self, config, vocab_size):
        return Fails(vocab_size, vocab_size)
"""


LEAVES = """
import weakref
from torch import distributed
from zoo.training.distributed import joined

with joined():
    group = weakref.ref(distributed.group.WORLD)
    import torch.distributed.nn  # what a training may import on its way
assert group() is None
"""


def both(
    words: list[str], environment: dict[str, str] | None = None, start: tuple[str, str] = ("-m", "zoo")
) -> list[tuple[int, str]]:
    """The command in two processes, as mpirun starts them: exit status and standard error of each."""
    shared = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port(), "PMI_SIZE": "2"} | (environment or {})
    started = [
        subprocess.Popen(
            [sys.executable, *start, *words],
            cwd=ROOT,
            env=shared | {"PMI_RANK": rank},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    return [(process.returncode, error) for process in started for _, error in [process.communicate(timeout=240)]]


class TestAlone:
    def test_a_process_alone_talks_to_nobody(self) -> None:
        with joined() as group:
            assert group == ALONE
        layer = nn.Linear(2, 1, bias=False)
        layer.weight.grad = torch.tensor([[1.0, 2.0]])
        assert ALONE.average([layer.weight], torch.tensor(3.0)) == 3
        assert layer.weight.grad.tolist() == [[1, 2]]
        assert ALONE.from_leader(4.0) == 4
        ALONE.align([layer.weight])
        ALONE.wait()

    def test_a_group_that_is_not_there_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RANK", "0")
        monkeypatch.setenv("WORLD_SIZE", "2")
        monkeypatch.delenv("MASTER_ADDR", raising=False)
        with pytest.raises(ValueError, match=r"cannot join the other processes .*with torchrun"), joined():
            pass
