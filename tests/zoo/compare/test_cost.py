"""The measurement runs the models that it names, keeps to its time, and is written and read as it is. No real clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace

import pytest
import torch
from torch import nn

from zoo.compare import cost
from zoo.compare.cost import HEADS, LAYERS, LENGTHS, RECORDED, VOCAB, WIDTH, Measured, Subject, measure, subjects
from zoo.compare.counts import Flops
from zoo.layers.recurrent import RecurrentLayer
from zoo.models import gpt


class Counting(nn.Module):
    """Notes how long each text was that it read, and lets a clock that is not real run on meanwhile."""

    def __init__(self, clock: Time, seconds_per_token: float) -> None:
        super().__init__()
        self.clock, self.pace, self.read = clock, seconds_per_token, list[int]()

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        self.read.append(ids.shape[1])
        self.clock.now += self.pace * ids.shape[1]
        return ids.float()


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def made(clock: Time, name: str, pace: float) -> Subject:
    return Subject(name, "lstm", False, Counting(clock, pace), Flops(10, 2), 1, 0)


@pytest.fixture
def clock() -> Time:
    return Time()


def points(clock: Time, seconds: float, *models: Subject, lengths=(4, 8)) -> dict[str, dict[int, cost.Point]]:
    lines, _ = measure(models, lengths, seconds, clock=clock, processor=clock)
    return {line.name: {point.tokens: point for point in line.points} for line in lines}


def test_what_a_model_takes_is_what_the_clock_says_while_it_runs(clock):
    found = points(clock, 60, made(clock, "slow", 0.5), made(clock, "quick", 0.25))
    assert {name: {n: p.seconds for n, p in each.items()} for name, each in found.items()} == {
        "slow": {4: 2.0, 8: 4.0},
        "quick": {4: 1.0, 8: 2.0},
    }
    assert found["slow"][8].flops == 10 * 8 + 2 * 64
    assert found["slow"][8].steps == 8 + 1 + 1


def test_models_take_turns_within_a_round(clock):
    order = list[str]()
    one, other = made(clock, "one", 0.1), made(clock, "other", 0.1)
    for model in (one, other):
        model.module.register_forward_hook(lambda *_, name=model.name: order.append(name))
    measure([one, other], [4], 30, clock=clock, processor=clock)
    assert len(order) > 10
    assert order == ["one", "other"] * (len(order) // 2)


def test_short_texts_are_read_more_often(clock):
    found = points(clock, 40, made(clock, "a", 0.1), lengths=(2, 40))["a"]
    assert found[2].rounds > found[40].rounds >= 1


def test_a_length_that_the_time_does_not_reach_is_left_out_for_all(clock):
    found = points(clock, 10, made(clock, "a", 1.0), made(clock, "b", 1.0), lengths=(2, 4, 50, 100))
    assert set(found["a"]) == set(found["b"])
    assert 100 not in found["a"]
    assert 2 in found["a"]


def test_processor_time_is_kept_beside_the_wall(clock):
    model, half = made(clock, "a", 0.5), lambda: clock.now / 2
    (line,), _ = measure([model], [4], 30, clock=clock, processor=half)
    assert (line.points[0].seconds, line.points[0].processor) == (2.0, 1.0)


# --- the models --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models() -> dict[tuple[str, bool], Subject]:
    return {(each.kind, each.fused): each for each in subjects(longest=32)}


def test_each_name_is_the_model_that_runs(models):
    assert len(models) == 8
    for (kind, _), subject in models.items():
        names = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU", "transformer": "Transformer"}
        assert subject.name.startswith(names[kind])
        own = [each for each in subject.module.modules() if isinstance(each, RecurrentLayer)]
        assert len(own) == (0 if kind == "transformer" else 2)
        assert isinstance(subject.module, gpt.GPT) == (kind == "transformer")
        assert not subject.module.training
        if own:
            assert type(own[0]).__name__ == f"{names[kind]}Layer"


def ways(module: nn.Module, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Which way each recurrent layer goes in one pass."""
    seen = list[str]()
    for layer in module.modules():
        if isinstance(layer, RecurrentLayer):
            for way in ("cell", "kernel"):
                real = getattr(layer, way)
                monkeypatch.setattr(layer, way, lambda *a, real=real, way=way: (seen.append(way), real(*a))[1])
    with torch.no_grad():
        module(torch.zeros(1, 3, dtype=torch.long))
    yield from seen


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_fused_is_one_call_a_layer_and_the_loop_one_a_token(models, kind, monkeypatch):
    assert list(ways(models[kind, True].module, monkeypatch)) == ["kernel"] * 2
    assert list(ways(models[kind, False].module, monkeypatch)) == ["cell"] * 6


def test_the_transformer_reads_texts_longer_than_its_form_allows():
    model = subjects(longest=1500)[-1]
    with torch.no_grad():
        assert model.module(torch.zeros(1, 1500, dtype=torch.long)).shape == (1, 1500, VOCAB)


def test_building_them_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    subjects(longest=16)
    assert torch.equal(torch.rand(2), expected)


# --- the result --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small() -> Measured:
    lines, spent = measure(subjects(longest=8), [4, 8], 5)
    return Measured(lines, WIDTH, LAYERS, HEADS, VOCAB, spent)


def test_a_result_is_read_as_it_was_written(small, tmp_path):
    small.write(tmp_path / "cost.json")
    assert Measured.read((tmp_path / "cost.json").read_text()) == small


@pytest.mark.parametrize("text", ["{}", "not json", '{"lines": [{"name": "a"}]}', "[]"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Measured.read(text)


def test_busy_is_the_share_of_time_without_a_processor(small):
    halved = tuple(
        replace(line, points=tuple(replace(p, seconds=2.0, processor=0.5) for p in line.points)) for line in small.lines
    )
    assert replace(small, lines=halved).busy == pytest.approx(0.75)


def test_the_command_prints_and_writes_what_it_measured(tmp_path, capsys):
    assert cost.main(["--seconds", "0.1", "--longest", "32", "--json", "--out", str(tmp_path / "c.json")]) == 0
    printed = json.loads(capsys.readouterr().out)
    written = Measured.read((tmp_path / "c.json").read_text())
    assert printed == json.loads(json.dumps(asdict(written)))
    assert len(written.lines) == 8
    assert written.lines[0].points[0].tokens == 16


def test_the_recorded_measurement_is_whole_and_its_counts_are_those_of_the_formulas():
    found = Measured.read(RECORDED.read_text())
    assert [line.name for line in found.lines] == [each.name for each in subjects(longest=16)]
    known = {each.name: each for each in subjects()}
    for line in found.lines:
        assert [point.tokens for point in line.points] == list(LENGTHS)
        assert line.parameters == known[line.name].parameters
        assert [point.flops for point in line.points] == [known[line.name].flops.of(tokens) for tokens in LENGTHS]
        assert [point.steps for point in line.points] == [known[line.name].steps(tokens) for tokens in LENGTHS]
        assert all(point.seconds > 0 for point in line.points)
