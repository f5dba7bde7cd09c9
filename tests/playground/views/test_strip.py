"""The strip's stations: each value is one of this text in this model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from playground import recorded
from playground.catalogue import Weights
from playground.text import number, percent
from playground.views.controls import Subject
from playground.views.strip import stations
from tests.playground.helpers import subject_of, tiny_gpt


@pytest.fixture(scope="module")
def subject() -> Subject:
    return subject_of(tiny_gpt())


def test_each_value_is_the_models_own_at_the_last_token(subject):
    trace, found = subject.trace, {station.id: station for station in stations(subject) if station.id}
    best = int(trace["probs"][-1].argmax())
    assert found["probs"].value == subject.piece(best)
    assert percent(float(trace["probs"][-1, best])) in found["probs"].words
    assert found["logits"].value == number(float(trace["logits"][-1].max()))
    assert found["embed.out"].value == number(float(trace["embed.out"][-1, 0]))
    growth = np.sqrt((trace["blocks.1.resid"][-1] ** 2).sum()) / np.sqrt((trace["embed.out"][-1] ** 2).sum())
    assert number(float(growth), 1) in found["blocks.0.attn.pattern"].value


def test_the_text_and_its_last_token_come_first(subject):
    text, tokens = stations(subject)[:2]
    assert text.value == "the cat"
    assert tokens.value == "t"
    assert str(len(subject.trace.ids)) in tokens.words
    assert str(subject.trace.ids[-1]) in tokens.words


def test_every_station_that_opens_opens_a_step_of_the_trace(subject):
    assert [each.id for each in stations(subject) if each.id and each.id not in subject.trace] == []


def test_a_model_without_the_schemas_vectors_has_fewer_stations(subject):
    own = {name: subject.trace.steps[name] for name in ("logits", "probs")}
    bare = replace(subject, trace=replace(subject.trace, steps=own))
    assert [each.id for each in stations(bare)] == ["", "", "logits", "probs"]


@pytest.mark.parametrize("text", ["   ", "a" * 500])
def test_a_text_of_any_length_has_something_to_show(subject, text):
    first = stations(replace(subject, text=text))[0]
    assert 0 < len(first.value) <= 40
    assert str(len(text)) in first.words


def test_the_recording_fills_every_station_without_a_model():
    trace = recorded.trace()
    found = stations(Subject(trace, "".join(trace.tokens), len(trace.ids), None, Weights("")))
    assert len(found) == 6
    assert found[-1].value == recorded.tokenizer().piece(int(trace["probs"][-1].argmax()))
