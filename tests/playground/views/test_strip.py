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
from tests.playground.helpers import BYTES, subject_of, tiny_gpt
from tests.zoo.trace.models import VARIANTS, loaded
from zoo.trace.parts import over_time


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


@pytest.mark.parametrize("name", VARIANTS)
def test_every_model_has_stations_that_open_a_step_and_one_named_after_its_task(name):
    subject = subject_of(loaded(name, BYTES))
    found = stations(subject)
    assert [each.id for each in found if each.id and each.id not in subject.trace] == []
    assert len({each.id for each in found if each.id}) == len([each for each in found if each.id])
    title = {
        "bert": "What fills the blank",
        "cbow": "What fills the blank",
        "skip-gram": "A word nearby",
        "seq2seq": "Next word of the translation",
        "lstm": "Next word",
    }
    assert found[-1].title == title.get(name, found[-1].title)
    assert found[-1].value == subject.piece(int(subject.trace["probs"][-1].argmax()))


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "seq2seq"])
def test_a_recurrent_model_shows_its_state(name):
    subject = subject_of(loaded(name, BYTES))
    half = "decoder." if name == "seq2seq" else ""
    station = next(each for each in stations(subject) if each.title == "State")
    assert station.id == f"{half}layers.1.cell.h"
    assert station.value == number(float(over_time(subject.trace)[station.id][-1, 0]))


def test_the_blocks_of_a_decoder_lengthen_its_own_vector():
    trace = (subject := subject_of(loaded("encoder-decoder", BYTES))).trace
    station = next(each for each in stations(subject) if each.title == "Blocks")
    before, after = trace["decoder.embed.out"][-1], trace["decoder.blocks.1.resid"][-1]
    assert station.value == f"{number(float(np.linalg.norm(after) / np.linalg.norm(before)), 1)}×"
    assert station.id == "decoder.blocks.0.attn.pattern"
