"""The spine's stops: every step in the order in which the model ran it, and the reason for each that is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from playground import recorded
from playground.catalogue import Weights
from playground.text import number, percent, visible
from playground.views.controls import Subject
from playground.views.route import route, why_missing
from tests.playground.helpers import subject_of, tiny_gpt, write_plugin
from zoo.inference import LoadedModel, load
from zoo.registry import discover

POSITIONS = ["learned", "sinusoidal", "rotary", "none"]
OWN = {
    "averager": "return self.unembed(record('mean', x.cumsum(1)))",
    "lstm": "return self.unembed(self.lstm(x)[0])",
    "silent": "return self.unembed(x)",
    "scalar": "record('scale', torch.tensor(2.0)); return self.unembed(x)",
}


@pytest.fixture(params=[*POSITIONS, *OWN, "folder"])
def subject(request, tmp_path) -> Subject:
    """Every kind of model in turn."""
    if request.param in POSITIONS:
        return subject_of(tiny_gpt(positions=request.param))
    if request.param == "folder":
        return subject_of(load(str(request.getfixturevalue("stories260k"))))
    return subject_of(plugin(tmp_path, request.param))


def plugin(folder, name: str) -> LoadedModel:
    write_plugin(folder, name.title(), OWN[name], family="rnn" if name == "lstm" else "other")
    return load(f"you/{name}", untrained=True, registry=discover([folder]))


def test_every_stop_is_there_once_and_is_a_step_or_has_a_reason(subject):
    stops = route(subject)
    assert len({stop.id for stop in stops}) == len(stops)
    for stop in stops:
        assert stop.title
        assert stop.missing == (stop.id not in subject.trace)
        assert bool(why_missing(subject, stop)) == stop.missing, stop.id


def test_every_recorded_step_has_a_stop_in_the_order_of_the_computation(subject):
    present = [stop.id for stop in route(subject) if not stop.missing]
    assert sorted(present) == sorted(subject.trace.steps)
    if subject.trace.blocks:
        assert present[0].startswith("embed.")
        assert present[-3:] == ["final_norm", "logits", "probs"]


@pytest.mark.parametrize("positions", POSITIONS)
def test_the_textbook_transformer_misses_no_step(positions):
    subject = subject_of(tiny_gpt(positions=positions))
    stops = route(subject)
    assert not [stop.id for stop in stops if stop.missing]
    assert [stop.id for stop in stops] == list(subject.trace.steps)
    assert {stop.block for stop in stops} == {None, 0, 1}


def test_a_model_without_attention_says_so(tmp_path):
    subject = subject_of(plugin(tmp_path, "lstm"))
    missing = {stop.id: why_missing(subject, stop) for stop in route(subject) if stop.missing}
    assert "blocks.0.attn.pattern" in missing
    assert any(stop.id.endswith("cell.f") for stop in route(subject))


def test_a_step_that_the_budget_dropped_is_missing_with_that_reason():
    model = tiny_gpt()
    trace = model.trace("the cat", budget=3000)
    subject = Subject(trace, "the cat", 7, model, Weights("test"))
    stops = {stop.id: stop for stop in route(subject)}
    assert trace.dropped
    for name in trace.dropped:
        assert stops[name].missing
        assert "horten" in why_missing(subject, stops[name])


@pytest.mark.parametrize("position", [None, 0, 3, 99])
def test_the_notes_are_numbers_of_the_selected_token(selected, position):
    selected(position)
    subject = subject_of(tiny_gpt())
    trace, row = subject.trace, 6 if position in (None, 99) else position
    notes = {stop.id: stop.note for stop in route(subject)}
    assert notes["probs"] == percent(float(trace["probs"][row].max()))
    assert notes["logits"] == number(float(trace["logits"][row].max()))
    assert notes["blocks.1.attn.pattern"] == percent(float(trace["blocks.1.attn.pattern"][:, row].max()))
    assert notes["blocks.0.mlp.pre"] == number(math.sqrt((trace["blocks.0.mlp.pre"][row].astype(float) ** 2).sum()))
    q = trace["blocks.0.attn.q"][:, row].astype(float)
    assert notes["blocks.0.attn.q"] == number(float(np.sqrt((q**2).sum())))  # over all heads
    assert str(6 - row) in notes["blocks.0.attn.mask"]  # so many tokens come later


def test_after_the_last_block_the_lens_reads_the_models_own_prediction():
    subject = subject_of(tiny_gpt())
    probs = subject.trace["probs"][-1]
    note = {stop.id: stop.note for stop in route(subject)}["blocks.1.resid"]
    assert note == f"“{visible(subject.piece(int(probs.argmax())))}” {percent(float(probs.max()))}"


def test_the_recording_has_every_stop_without_a_model():
    trace = recorded.trace()
    stops = route(Subject(trace, "", len(trace.ids), None, Weights("")))
    assert [stop.id for stop in stops] == list(trace.steps)
    assert all(stop.note for stop in stops)
