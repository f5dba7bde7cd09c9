"""The spine's stops: every step in the order in which the model ran it, and the reason for each that is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from playground import recorded
from playground.catalogue import Weights
from playground.text import number, percent, visible
from playground.views.controls import Subject
from playground.views.route import part_of, route, row_of, why_missing
from tests.playground.helpers import BYTES, subject_of, tiny_gpt, write_plugin
from tests.zoo.trace.models import VARIANTS, loaded
from zoo.inference import LoadedModel, load
from zoo.registry import discover

POSITIONS = ["learned", "sinusoidal", "rotary", "none"]
OWN = {
    "averager": "return self.unembed(record('mean', x.cumsum(1)))",
    "lstm": "return self.unembed(self.lstm(x)[0])",
    "silent": "return self.unembed(x)",
    "scalar": "record('scale', torch.tensor(2.0)); return self.unembed(x)",
}


@pytest.fixture(params=[*POSITIONS, *OWN, *VARIANTS, "folder"])
def subject(request, tmp_path) -> Subject:
    """Every kind of model in turn."""
    if request.param in POSITIONS:
        return subject_of(tiny_gpt(positions=request.param))
    if request.param in VARIANTS:
        return subject_of(loaded(request.param, BYTES))
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
        assert [name for name in present if name in ("final_norm", "logits", "probs")] == present[
            -3:
        ] or "head.norm" in present
        assert present[-2:] == ["logits", "probs"]


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


@pytest.mark.parametrize("name", VARIANTS)
def test_a_model_of_the_zoo_shows_its_steps_in_its_own_order_and_lacks_at_most_attention(name):
    subject = subject_of(loaded(name, BYTES))
    stops = route(subject)
    assert [stop.id for stop in stops if not stop.missing] == list(subject.trace.steps)
    assert {stop.id for stop in stops if stop.missing} <= {"blocks.0.attn.pattern"}
    assert [
        why for stop in stops if stop.missing for why in [why_missing(subject, stop)] if "in pairs" not in why
    ] == []
    attends = any(".pattern" in step for step in subject.trace.steps)
    assert attends != any(stop.missing for stop in stops)


def test_a_recurrent_models_steps_are_kept_together_by_layer():
    blocks = [stop.block for stop in route(subject_of(loaded("lstm", BYTES)))]
    assert blocks == [None, None, *["Layer 0"] * 6, *["Layer 1"] * 6, None, None, None]
    assert part_of("encoder.layers.1.cell.h") == "Encoder, layer 1"
    assert part_of("decoder.blocks.0.cross.q") == "Decoder, block 0"
    assert part_of("blocks.3.resid") == 3
    assert part_of("lstm.cell.h") is None


@pytest.mark.parametrize("name", VARIANTS)
def test_no_two_stops_of_one_part_have_the_same_name(name):
    stops = [(stop.block, stop.title) for stop in route(subject_of(loaded(name, BYTES)))]
    assert len(set(stops)) == len(stops)


def test_the_note_of_a_cell_is_about_the_selected_token(selected):
    subject = subject_of(loaded("gru", BYTES))
    selected(2)
    notes = {stop.id: stop.note for stop in route(subject)}
    state = subject.trace.steps["layers.1.cell.h"][2].astype(float)
    assert notes["layers.1.cell.h"] == number(math.sqrt((state**2).sum()))


@pytest.mark.parametrize("name", ["seq2seq", "seq2seq-attention", "encoder-decoder"])
@pytest.mark.parametrize("position", [0, 6, 7, None])
def test_a_translators_selected_token_stands_in_one_of_its_texts(selected, name, position):
    subject = subject_of(loaded(name, BYTES), "the cat", [65, 66])
    selected(position)
    trace = subject.trace
    assert trace.source == 7
    in_source = position in (0, 6)
    assert row_of(trace, "encoder.embed.tok") == (position if in_source else None)
    assert row_of(trace, "decoder.embed.tok") == row_of(trace, "probs") == {7: 0, None: 2}.get(position)
    notes = {stop.id: stop.note for stop in route(subject)}
    assert bool(notes["encoder.embed.tok"]) == in_source
    assert bool(notes["probs"]) != in_source
    if name != "seq2seq":
        key = next(step for step in trace.steps if step.endswith("cross.k"))
        assert row_of(trace, key) == (position if in_source else None)
