"""The training generator: it repeats itself, survives being stopped, and learns."""

from __future__ import annotations

import json
import math
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import count, islice, pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from torch import Tensor, nn

from zoo.__main__ import main
from zoo.data import Corpus
from zoo.models.gpt import Config, GPTPlugin
from zoo.plugin import ModelPlugin, ModelSpec
from zoo.testing.template import AveragerConfig, AveragerPlugin
from zoo.training import Diverged, Event, Run, train
from zoo.training.run import seeded_build

MakeRun = Callable[..., Run]
SMALL = Config(blocks=1, heads=2, width=16, context=16)
ROOT = Path(__file__).resolve().parents[3]


class Droops(nn.Module):
    """A bigram table behind dropout, which breaks where a test says so."""

    def __init__(self, vocab: int) -> None:
        super().__init__()
        self.table, self.dropout = nn.Embedding(vocab, vocab), nn.Dropout(0.3)

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.dropout(self.table(ids))
        return logits


class NoConfig(BaseModel):
    pass


class DroopsPlugin(ModelPlugin):
    spec = ModelSpec(id="test/droops", title="Droops", family="other", task="next-token", summary="A test.")
    Config = NoConfig

    def build(self, config: NoConfig, vocab_size: int) -> nn.Module:
        return Droops(vocab_size)


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that moves on by a hundredth of a second each time that training reads it."""
    ticks = count()
    clock = SimpleNamespace(perf_counter=lambda: next(ticks) / 100)
    monkeypatch.setattr(sys.modules["zoo.training.train"], "time", clock)


def finish(run: Run, corpus: Corpus, plugin: ModelPlugin | None = None) -> list[Event]:
    return list(train(run, plugin or GPTPlugin(), corpus))


def killed(run: Run, corpus: Corpus, steps: int, folder: Path, plugin: ModelPlugin | None = None) -> Run:
    """What a kill after so many events leaves behind: a copy of the folder as it was at that moment."""
    events = train(run, plugin or GPTPlugin(), corpus)
    list(islice(events, steps))
    shutil.copytree(run.folder, folder)
    events.close()
    return Run(folder)


def losses(run: Run) -> list[float]:
    return [event["loss"] for event in run.events()]


def assert_same(run: Run, other: Run) -> None:
    """Two finished runs took the same steps and kept the same weights, bit by bit.

    The other one may have kept more of them: those of the steps at which it was stopped.
    """
    for key in ("step", "loss", "rate", "tokens", "valid_loss", "next", "sample"):
        assert [event.get(key) for event in run.events()] == [event.get(key) for event in other.events()]
    assert set(run.steps()) <= set(other.steps())
    for step in run.steps():
        assert all(torch.equal(tensor, other.weights(step)[name]) for name, tensor in run.weights(step).items())


class TestEvents:
    def test_what_is_yielded_is_what_is_written(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=6)
        events = finish(run, corpus)
        assert events == run.events()
        assert [event["step"] for event in events] == list(range(7))
        assert [event["step"] for event in events if "valid_loss" in event] == [0, 3, 6]
        assert run.steps() == [0, 3, 6]
        assert [event["tokens"] for event in events] == [step * 4 * 16 for step in range(7)]
        assert [event["rate"] for event in events[1:]] == [run.info.recipe.schedule(step / 6) for step in range(6)]
        assert all(a["elapsed"] < b["elapsed"] for a, b in pairwise(events))

    def test_an_event_is_on_disk_before_it_is_yielded(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=2)
        for event in train(run, GPTPlugin(), corpus):
            assert run.events()[-1] == event

    def test_the_kept_weights_are_those_of_their_step(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=4)
        finish(run, corpus)
        info = run.info
        untrained = seeded_build(lambda: GPTPlugin().build(Config(**info.config), 257), info.recipe.seed)
        assert all(torch.equal(tensor, untrained.state_dict()[name]) for name, tensor in run.weights(0).items())
        last = run.load_last()
        assert last is not None
        assert last[0] == 4
        assert all(torch.equal(tensor, run.weights()[name]) for name, tensor in last[2].items())

    def test_untrained_loss_is_near_ln_v(self, make_run: MakeRun, corpus: Corpus) -> None:
        first = next(train(make_run(steps=1), GPTPlugin(), corpus))
        assert first["loss"] == pytest.approx(math.log(257), abs=0.05)

    @pytest.mark.usefixtures("ticking")
    def test_a_budget_in_seconds_counts_training_alone(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(seconds=0.045)
        events = finish(run, corpus)  # a step reads the clock twice: before and after
        assert [event["elapsed"] for event in events] == pytest.approx([0, 0.01, 0.02, 0.03, 0.04, 0.05])
        assert [event["rate"] for event in events[1:]] == pytest.approx(
            [run.info.recipe.schedule(elapsed / 0.045) for elapsed in (0, 0.01, 0.02, 0.03, 0.04)]
        )
        assert "valid_loss" in events[-1]
        assert run.steps()[-1] == 5

    @pytest.mark.usefixtures("ticking")
    def test_it_saves_after_so_many_seconds_of_training(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=9, save_every=0.025)
        saved = []
        for _ in train(run, GPTPlugin(), corpus):
            last = run.load_last()
            saved.append(last[0] if last else None)
        assert saved == [0, 0, 0, 3, 3, 5, 5, 5, 8, 9]  # 5 is half of the budget: a checkpoint

    def test_a_finished_run_has_nothing_left_to_do(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=2)
        finish(run, corpus)
        before = run.events()
        assert finish(run, corpus) == []
        assert run.events() == before

    def test_a_corpus_too_short_is_refused(self, make_run: MakeRun, corpus: Corpus) -> None:
        with pytest.raises(ValueError, match="the held-out text has 3 tokens"):
            finish(make_run(steps=1), replace(corpus, valid=["ab"]))
        with pytest.raises(ValueError, match="the text has 3 tokens"):
            finish(make_run("other", steps=1), replace(corpus, train=["ab"]))


class TestRepeats:
    @pytest.mark.parametrize("optimizer", ["muon", "adamw"])
    def test_one_seed_one_run(self, make_run: MakeRun, corpus: Corpus, optimizer: str) -> None:
        first, second, other = (
            make_run(name, steps=5, optimizer=optimizer, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
        )
        for run in (first, second, other):
            torch.manual_seed(hash(run.folder))  # whatever the caller drew before
            finish(run, corpus)
        assert_same(first, second)
        assert losses(first) != losses(other)

    def test_dropout_draws_from_the_runs_own_seed(self, make_run: MakeRun, corpus: Corpus) -> None:
        runs = [make_run(name, NoConfig(), steps=4, save_every=0) for name in "ab"]
        torch.manual_seed(1)
        finish(runs[0], corpus, DroopsPlugin())
        torch.manual_seed(2)
        state = torch.random.get_rng_state()
        list(islice(train(runs[1], DroopsPlugin(), corpus), 3))
        finish(runs[1], corpus, DroopsPlugin())
        assert_same(*runs)
        assert torch.equal(state, torch.random.get_rng_state())

    def test_each_step_draws_anew(self, make_run: MakeRun, corpus: Corpus) -> None:
        drawn: list[float] = []

        class Draws(DroopsPlugin):
            def build(self, config: NoConfig, vocab_size: int) -> nn.Module:
                module = super().build(config, vocab_size)
                module.register_forward_hook(lambda *_: drawn.append(float(torch.rand(1))) if module.training else None)
                return module

        finish(make_run(config=NoConfig(), steps=4), corpus, Draws())
        assert len(set(drawn)) == 4


class TestResume:
    def test_a_stopped_run_goes_on_as_if_never_stopped(self, make_run: MakeRun, corpus: Corpus) -> None:
        whole, stopped = make_run("whole", steps=12, prompt="the"), make_run("stopped", steps=12, prompt="the")
        finish(whole, corpus)
        for events in (4, 3):  # stopped twice: after steps 3 and 6
            list(islice(train(stopped, GPTPlugin(), corpus), events))
        assert stopped.steps() == [0, 3, 6]
        rest = finish(stopped, corpus)
        assert rest[0]["step"] == 7
        assert_same(whole, stopped)

    def test_a_stop_saves_what_was_learned_once(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=12)
        events = train(run, GPTPlugin(), corpus)
        next(events)
        events.close()  # nothing was learned
        assert run.steps() == [0]
        events = train(run, GPTPlugin(), corpus)
        list(islice(events, 2))
        events.close()
        last = run.load_last()
        assert last is not None
        assert (last[0], run.steps()) == (2, [0, 2])
        before = (run.checkpoints / "last.safetensors").stat().st_mtime_ns
        train(run, GPTPlugin(), corpus).close()
        assert (run.checkpoints / "last.safetensors").stat().st_mtime_ns == before

    @given(
        seed=st.integers(0, 2**32 - 1),
        kills=st.lists(st.integers(1, 9), min_size=1, max_size=3),
        save_every=st.sampled_from([0.0, 1e9]),
        droops=st.booleans(),
    )
    @settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_killed_anywhere_it_comes_to_the_same_end(
        self, make_run: MakeRun, corpus: Corpus, seed: int, kills: list[int], save_every: float, droops: bool
    ) -> None:
        """With dropout and without, saved at each step or at checkpoints alone, killed once or again and again."""
        with tempfile.TemporaryDirectory() as place:
            plugin = DroopsPlugin() if droops else GPTPlugin()
            config = NoConfig() if droops else SMALL
            fields = {"steps": 10, "seed": seed, "save_every": save_every, "prompt": "the cat"}
            whole, part = (make_run(Path(place) / name, config, **fields) for name in ("whole", "part"))
            finish(whole, corpus, plugin)
            for i, kill in enumerate(kills):
                committed = set(part.steps())
                part = killed(part, corpus, kill, Path(place) / f"killed {i}", plugin)
                assert committed <= set(part.steps())
            finish(part, corpus, plugin)
            assert_same(whole, part)

    def test_steps_after_the_last_save_are_done_again(self, make_run: MakeRun, corpus: Corpus, tmp_path: Path) -> None:
        whole = make_run("whole", steps=8)
        finish(whole, corpus)
        stopped = killed(make_run("stopped", steps=8), corpus, 7, tmp_path / "killed")  # saved at step 4
        assert [event["step"] for event in stopped.events()] == list(range(7))
        resumed = train(stopped, GPTPlugin(), corpus)
        assert next(resumed)["step"] == 5
        assert [event["step"] for event in stopped.events()] == [0, 1, 2, 3, 4, 5]
        list(resumed)
        assert_same(whole, stopped)

    def test_without_a_save_it_starts_anew(self, make_run: MakeRun, corpus: Corpus, tmp_path: Path) -> None:
        whole = make_run("whole", steps=6)
        finish(whole, corpus)
        stopped = killed(make_run("stopped", steps=6), corpus, 5, tmp_path / "killed")
        (stopped.checkpoints / "last.safetensors").unlink()
        assert finish(stopped, corpus)[0]["step"] == 0
        assert_same(whole, stopped)

    def test_a_crash_in_the_middle_of_a_write_is_survived(
        self, make_run: MakeRun, corpus: Corpus, tmp_path: Path
    ) -> None:
        whole, stopped = make_run("whole", steps=6), make_run("stopped", steps=6, save_every=0)
        finish(whole, corpus)
        stopped = killed(stopped, corpus, 3, tmp_path / "killed")
        with (stopped.folder / "events.jsonl").open("a") as file:
            file.write('{"step": 3, "elap')
        for name in ("last.tmp", "0000003.tmp"):
            (stopped.checkpoints / name).write_bytes(b"half of a checkpoint")
        assert finish(stopped, corpus)[0]["step"] == 3
        assert_same(whole, stopped)

    @pytest.mark.usefixtures("ticking")
    def test_elapsed_counts_on(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(seconds=0.075, save_every=0)
        list(islice(train(run, GPTPlugin(), corpus), 4))
        rest = finish(run, corpus)
        assert [event["elapsed"] for event in rest] == pytest.approx([0.04, 0.05, 0.06, 0.07, 0.08])

    def test_a_plugin_that_has_changed_is_refused(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=4, save_every=0, config=AveragerConfig(width=8))
        list(islice(train(run, AveragerPlugin(), corpus), 2))

        class Changed(AveragerPlugin):
            def build(self, config: AveragerConfig, vocab_size: int) -> nn.Module:
                return nn.Embedding(vocab_size, vocab_size)

        with pytest.raises(ValueError, match="cannot go on: its weights do not fit"):
            finish(run, corpus, Changed())

    def test_a_killed_process_goes_on_to_the_same_end(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        text = tmp_path / "text.txt"
        text.write_text("the cat sat on the mat and the dog sat on the log. " * 40)
        small = ["blocks=1", "heads=2", "width=16", "context=16", "batch=4", "save_every=0"]
        command = ["train", "--model", "zoo/gpt", "--corpus", str(text), "--steps", "120", "--tokenizer", "byte"]
        command += [word for each in small for word in ("--set", each)]
        killed, whole = tmp_path / "killed", tmp_path / "whole"
        process = subprocess.Popen(
            [sys.executable, "-m", "zoo", *command, "--run", str(killed)], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        lines, deadline = 0, time.monotonic() + 60
        while lines < 15 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
            events = killed / "events.jsonl"
            lines = events.read_bytes().count(b"\n") if events.exists() else 0
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert 15 <= len(Run(killed).events()) < 121
        for folder in (killed, whole):
            assert main([*command, "--run", str(folder)]) == 0
        assert losses(Run(killed)) == pytest.approx(losses(Run(whole)), rel=1e-6)
        assert Run(killed).steps() == Run(whole).steps()
        capsys.readouterr()


class TestDivergence:
    def test_the_last_checkpoint_is_kept(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(config=NoConfig(), steps=9, save_every=0)
        calls = Counter[str]()

        class Breaks(DroopsPlugin):
            def build(self, config: NoConfig, vocab_size: int) -> nn.Module:
                module = super().build(config, vocab_size)
                module.register_forward_hook(lambda module, args, output: self.poison(module, output))
                return module

            def poison(self, module: nn.Module, output: Tensor) -> Tensor:
                calls["steps"] += module.training
                return output * math.nan if calls["steps"] == 4 else output

        events = []
        with pytest.raises(Diverged, match="became nan at step 3: lower the learning rate"):
            events += [event["step"] for event in train(run, Breaks(), corpus)]
        assert len(run.events()) == 4  # the untrained model and three steps
        last = run.load_last()
        assert last is not None
        assert last[0] == 3
        assert all(bool(torch.isfinite(tensor).all()) for tensor in (*last[2].values(), *last[3].values()))

    def test_a_gradient_that_is_no_number_stops_it_before_the_weights_move(
        self, make_run: MakeRun, corpus: Corpus
    ) -> None:
        run = make_run(config=NoConfig(), steps=9, save_every=0)

        class Breaks(DroopsPlugin):
            def build(self, config: NoConfig, vocab_size: int) -> nn.Module:
                module = Droops(vocab_size)
                module.table.weight.register_hook(lambda gradient: gradient * math.inf)
                return module

        with pytest.raises(Diverged, match="at step 0"):
            finish(run, corpus, Breaks())
        assert [event["step"] for event in run.events()] == [0]
        last = run.load_last()
        assert last is not None
        assert (last[0], run.steps()) == (0, [0])

    def test_every_line_of_the_log_is_json(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=2)
        finish(run, corpus)

        def refuse(word: str) -> float:
            raise ValueError(word)

        for line in (run.folder / "events.jsonl").read_text().splitlines():
            json.loads(line, parse_constant=refuse)


class TestLearning:
    def test_a_repetitive_text_falls_far_below_its_unigram_entropy(self, make_run: MakeRun, corpus: Corpus) -> None:
        counts = Counter("".join(corpus.train).encode())
        total = sum(counts.values())
        entropy = -sum(n / total * math.log(n / total) for n in counts.values())
        run = make_run(steps=60, batch=8, matrix_rate=0.05, rate=0.01)
        assert finish(run, corpus)[-1]["valid_loss"] < entropy / 2

    def test_a_model_without_matrices_or_context_trains(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(config=AveragerConfig(width=8), model="you/averager", steps=20, rate=0.05)
        events = finish(run, corpus, AveragerPlugin())
        assert events[-1]["valid_loss"] < events[0]["valid_loss"] - 0.5

    def test_bfloat16_trains_float32_weights(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=5, precision="bfloat16")
        events = finish(run, corpus)
        assert events[-1]["loss"] < events[0]["loss"]
        assert {tensor.dtype for tensor in run.weights().values()} == {torch.float32}

    def test_the_module_is_in_training_mode_between_scores(self, make_run: MakeRun, corpus: Corpus) -> None:
        modes: list[bool] = []

        class Watched(DroopsPlugin):
            def build(self, config: NoConfig, vocab_size: int) -> nn.Module:
                module = super().build(config, vocab_size)
                module.register_forward_hook(lambda module, args, output: modes.append(module.training))
                return module

        finish(make_run(config=NoConfig(), steps=4), corpus, Watched())
        eval_, train_ = False, True
        assert [mode for mode, after in zip(modes, [*modes[1:], None], strict=True) if mode != after] == [
            eval_, train_, eval_, train_, eval_,
        ]  # fmt: skip
        assert modes.count(True) == 4
