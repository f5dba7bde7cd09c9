"""The run folder: what is written can be read, whatever moment the power went off."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from zoo.training import Event, Run
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
