"""The run folder: what is written can be read, whatever moment the power went off."""

from __future__ import annotations

import json
import resource
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from zoo.data import Corpus
from zoo.models.gpt import GPTPlugin
from zoo.pretrained.shipped import shipped_folder
from zoo.training import Event, Run, Unwritable, Yardsticks, train
from zoo.training.run import parameter_count, seeded_build

MakeRun = Callable[..., Run]


def event(step: int) -> Event:
    return Event(step=step, elapsed=step / 2, loss=1.5, rate=0.1, tokens=step, tokens_per_second=2.0)


def test_a_created_run_opens_as_it_was(make_run: MakeRun) -> None:
    run = make_run(steps=3)
    again = Run.open(run.folder)
    assert again.info == run.info
    assert again.info.config == {
        "blocks": 1,
        "heads": 2,
        "width": 16,
        "context": 16,
        "positions": "learned",
        "tied": False,
    }
    assert again.tokenizer.hash == again.info.tokenizer
    with pytest.raises(ValueError, match="holds a run already"):
        make_run(steps=3)


def test_a_run_folder_of_the_first_format_opens(make_run: MakeRun) -> None:
    """run.json as it was written before `save_every`."""
    run = make_run(steps=3)
    path = run.folder / "run.json"
    old = json.loads(path.read_text())
    del old["recipe"]["save_every"]
    path.write_text(json.dumps(old))
    assert Run.open(run.folder).info.recipe.save_every == 30


def test_the_shipped_run_of_the_first_format_opens() -> None:
    folder = shipped_folder("zoo/gpt")
    assert folder is not None
    run = Run.open(folder)
    assert (run.info.prompt, run.info.start, run.info.title, run.yardsticks) == ("", None, "", None)
    assert run.events()[-1]["step"] == run.steps()[-1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is not a run folder: it has no readable run.json"),
        (b"{", r"run\.json cannot be used: Invalid JSON"),
        (b"\xff", r"run\.json cannot be used: "),
        (b'{"model": "zoo/gpt"}', r"run\.json cannot be used: config: Field required; "),
    ],
)
def test_an_unusable_run_json_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        Run.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_events_are_read_back_without_a_line_cut_short(make_run: MakeRun) -> None:
    run = make_run(steps=3)
    assert run.events() == []
    for step in range(3):
        run.append(event(step))
    with (run.folder / "events.jsonl").open("a") as file:
        file.write('{"step": 3, "ela')
    assert run.events() == [event(step) for step in range(3)]
    run.forget_after(1)
    run.append(event(2))
    assert [each["step"] for each in run.events()] == [0, 1, 2]


def test_events_are_read_on_from_where_one_stopped(make_run: MakeRun) -> None:
    run = make_run(steps=3)
    assert run.events_from(0) == ([], 0)
    with run.log() as log:
        run.append(event(0), log)
        run.append(event(1), log)
        first, offset = run.events_from(0)  # each line is on disk as it is written
        assert [each["step"] for each in first] == [0, 1]
        log.write('{"step": 2, ')
        log.flush()
        assert run.events_from(offset) == ([], offset)
    run.forget_after(1)
    run.append(event(2))
    again, after = run.events_from(offset)
    assert again == [event(2)]
    assert run.events_from(after) == ([], after)
    run.forget_after(0)
    assert [each["step"] for each in run.events_from(after)[0]] == [0]  # the log became shorter: all of it


def test_a_log_that_needs_no_change_is_left_alone(make_run: MakeRun) -> None:
    run = make_run(steps=3)
    run.append(event(0))
    before = (run.folder / "events.jsonl").stat().st_mtime_ns
    run.forget_after(0)
    assert (run.folder / "events.jsonl").stat().st_mtime_ns == before


def test_yardsticks_come_back(make_run: MakeRun) -> None:
    run = make_run(steps=3)
    assert run.yardsticks is None
    known = Yardsticks(ceiling=4.5, unigram=3.0, bigram=2.0, floor=None, tokens=7, about={"floor": "unknown"})
    run.save_yardsticks(known)
    assert Run.open(run.folder).yardsticks == known
    (run.folder / "yardsticks.json").write_text("{")
    assert run.yardsticks is None


class TestFullDisk:
    """A limit on the size of files stands for a disk that is full."""

    @pytest.fixture
    def full(self) -> Iterator[Callable[[int], None]]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    def test_the_last_checkpoint_is_kept_and_nothing_half_written(
        self, make_run: MakeRun, corpus: Corpus, full: Callable[[int], None]
    ) -> None:
        run = make_run(steps=9, save_every=0)
        events = train(run, GPTPlugin(), corpus)
        for _ in range(3):
            next(events)
        full(5000)
        with pytest.raises(Unwritable, match=r"cannot write .*last\.safetensors: .*; make room, or") as why:
            list(events)
        full(-1)
        assert "\n" not in str(why.value)
        last = run.load_last()
        assert last is not None
        assert last[0] == 2
        assert not list(run.folder.rglob("*.tmp"))
        rest = list(train(run, GPTPlugin(), corpus))
        assert [each["step"] for each in rest] == [3, 4, 5, 6, 7, 8, 9]
        assert [each["step"] for each in run.events()] == list(range(10))

    def test_the_log_may_be_what_does_not_fit(self, make_run: MakeRun, full: Callable[[int], None]) -> None:
        run = make_run(steps=9)
        run.append(event(0))
        full((run.folder / "events.jsonl").stat().st_size + 10)
        with pytest.raises(Unwritable, match=r"cannot write .*events\.jsonl: File too large"):
            run.append(event(1))
        full(-1)
        assert run.events() == [event(0)]
        run.forget_after(0)
        run.append(event(1))
        assert run.events() == [event(0), event(1)]

    @pytest.mark.parametrize("there", [True, False])
    def test_a_run_that_cannot_be_started_leaves_nothing(
        self, make_run: MakeRun, tmp_path: Path, full: Callable[[int], None], there: bool
    ) -> None:
        folder = tmp_path / "run"
        if there:
            folder.mkdir()
            (folder / "corpus.txt").write_text("mine")
        full(100)
        with pytest.raises(Unwritable, match=r"cannot write .*tokenizer"):
            make_run(steps=9)
        full(-1)
        assert folder.exists() == there
        assert [each.name for each in tmp_path.rglob("*")] == (["run", "corpus.txt"] if there else [])


def test_forgetting_drops_later_weights_too(make_run: MakeRun) -> None:
    run = make_run(steps=3)
    for step in (0, 5, 12_345_678):
        run.save_weights(step, nn.Linear(2, 2))
    assert run.steps() == [0, 5, 12_345_678]
    run.forget_after(5)
    assert run.steps() == [0, 5]


def test_weights_come_back_and_are_plain_safetensors(make_run: MakeRun) -> None:
    run, module = make_run(steps=3), nn.Linear(3, 2)
    run.save_weights(7, module)
    for found in (run.weights(), run.weights(7), load_file(run.checkpoints / "0000007.safetensors")):
        assert found.keys() == {"weight", "bias"}
        assert torch.equal(found["weight"], module.weight)
    with pytest.raises(ValueError, match=r"no checkpoint of step 8; it has \[7\]"):
        run.weights(8)


def test_tied_weights_can_be_saved(make_run: MakeRun) -> None:
    run = make_run(steps=3)
    pair = nn.ModuleDict({"a": nn.Linear(2, 2, bias=False), "b": nn.Linear(2, 2, bias=False)})
    pair["b"].weight = pair["a"].weight
    run.save_weights(1, pair)
    assert torch.equal(run.weights()["a.weight"], run.weights()["b.weight"])
    assert parameter_count(pair) == 4


def test_half_written_and_foreign_files_are_ignored(make_run: MakeRun) -> None:
    run = make_run(steps=3)
    run.save_weights(1, nn.Linear(2, 2))
    for name in ("0000002.tmp", "last.tmp", "2 copy.safetensors", "notes.txt"):
        (run.checkpoints / name).write_bytes(b"half")
    assert run.steps() == [1]
    assert run.load_last() is None


def test_a_damaged_checkpoint_is_named(make_run: MakeRun) -> None:
    run = make_run(steps=3)
    for name in ("0000002.safetensors", "last.safetensors"):
        (run.checkpoints / name).write_bytes(b"not safetensors")
    with pytest.raises(ValueError, match=r"0000002\.safetensors cannot be read"):
        run.weights()
    with pytest.raises(ValueError, match=r"last\.safetensors cannot be read"):
        run.load_last()


def test_the_last_save_holds_all_that_is_needed_exactly(make_run: MakeRun) -> None:
    run, module = make_run(steps=3), nn.Linear(2, 2)
    assert run.load_last() is None
    memory = {"0.0.momentum_buffer": torch.randn(2, 2), "1.0.step": torch.tensor(4.0)}
    run.save_last(4, 1 / 3, module, memory)
    step, elapsed, weights, found = run.load_last()
    assert (step, elapsed) == (4, 1 / 3)
    assert torch.equal(weights["weight"], module.weight)
    assert all(torch.equal(found[name], tensor) for name, tensor in memory.items())
    assert not list(run.checkpoints.glob("*.tmp"))


def test_a_seeded_build_repeats_and_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    first, second, other = (seeded_build(lambda: nn.Linear(3, 3), seed).weight for seed in (5, 5, 6))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_two_threads_that_build_at_once_do_not_take_each_others_seed() -> None:
    first_begun, other_begun = threading.Event(), threading.Event()

    def first() -> nn.Module:
        first_begun.set()
        other_begun.wait(0.3)  # the other's seed would be put in now
        return nn.Linear(3, 3)

    def other() -> nn.Module:
        other_begun.set()
        thread.join(0.3)
        return nn.Linear(3, 3)

    made = list[nn.Module]()
    thread = threading.Thread(target=lambda: made.append(seeded_build(first, 5)))
    thread.start()
    first_begun.wait()
    made.append(seeded_build(other, 6))
    thread.join()
    for module, seed in zip(made, (5, 6), strict=True):
        wanted = seeded_build(lambda: nn.Linear(3, 3), seed)
        assert torch.equal(module.get_parameter("weight"), wanted.get_parameter("weight"))
