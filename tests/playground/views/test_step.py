"""One step opened: its shape in words, and the window of columns."""

from __future__ import annotations

import re

import numpy as np
import pytest

from playground.lessons import lesson_of
from playground.views import step as view
from playground.views.route import route
from playground.views.step import shape
from tests.playground.helpers import BYTES, FORWARD_PASS, faultless, sent, subject_of, tiny_gpt
from tests.zoo.trace.models import VARIANTS, loaded


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("embed.tok", "7 tokens × 8 numbers"),
        ("blocks.0.attn.q", "2 heads × 7 tokens × 4 numbers"),
        ("blocks.1.attn.mask", "7 tokens that look × 7 tokens looked at"),
        ("logits", "7 tokens × 257 tokens of the vocabulary"),
    ],
)
def test_a_shape_names_its_dimensions(step, words):
    assert shape(subject_of(tiny_gpt()).trace, step) == words


def test_the_shape_of_a_models_own_step_has_no_names():
    trace = subject_of(tiny_gpt()).trace
    own = type(trace)(trace.model, trace.ids, trace.tokens, {"mine": trace.steps["blocks.0.attn.q"]})
    assert [int(size) for size in re.findall(r"\d+", shape(own, "mine"))] == [2, 7, 4]
    assert not re.search("[a-z]", shape(own, "mine"))


def test_every_column_of_a_wide_step_can_be_reached(open_page):
    step = "blocks.0.mlp.pre"  # 192 · 4 columns in the shipped model
    app = open_page(FORWARD_PASS, prompt="the cat", step=step)
    slider = app.select_slider(key=f"columns-{step}")
    parts, ends = [], [0]
    for start in (slider.options[0], slider.options[1], slider.options[-1]):
        app.select_slider(key=f"columns-{step}").set_value(int(re.match(r"\d+", start)[0])).run()
        head, arrays = sent(faultless(app), "matrix")
        assert head["first_column"] == int(re.match(r"\d+", start)[0])
        parts.append(arrays["values"])
        ends.append(head["first_column"] + arrays["values"].shape[-1])
    assert ends[1] == int(re.match(r"\d+", slider.options[1])[0])
    assert ends[-1] == head["columns"]
    assert not np.array_equal(parts[0], parts[1])


@pytest.mark.parametrize(
    ("name", "step", "words"),
    [
        ("lstm", "layers.0.cell.f", "7 tokens × 8 numbers"),
        ("window", "window.input", "7 tokens × 3 places × 8 numbers"),
        ("encoder-decoder", "decoder.blocks.0.cross.pattern", "2 heads × 1 tokens that look × 7 tokens of the source"),
        ("seq2seq", "context", "8 numbers"),
        ("n-gram", "ngram.mix", "7 tokens × 4 orders"),
    ],
)
def test_the_shapes_of_other_models_are_in_words_too(name, step, words):
    assert shape(subject_of(loaded(name, BYTES)).trace, step) == words


class Shown:
    """Collects what a step sends to the matrix and to the pictures of the heads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.matrices, self.grids = [], []
        monkeypatch.setattr(view, "matrix", lambda sheet, **more: self.matrices.append((sheet, more)))
        monkeypatch.setattr(view, "head_grid", lambda patterns, **more: self.grids.append((patterns, more)))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", VARIANTS)
def test_every_step_of_every_model_is_drawn(monkeypatch, selected, name):
    subject, shown = subject_of(loaded(name, BYTES)), Shown(monkeypatch)
    stops = route(subject)
    for position in (0, None):
        selected(position)
        for stop in stops:
            view.draw(subject, stop)
            assert lesson_of(stop.id), stop.id
    present = [stop.id for stop in stops if not stop.missing]
    assert [sheet.step for sheet, _ in shown.matrices] == present * 2
    for sheet, more in shown.matrices:
        assert more["row"] is None or 0 <= more["row"] < len(sheet.row_labels)
        assert more["layer"] is None or 0 <= more["layer"] < len(sheet.layer_labels)
    for patterns, more in shown.grids:
        assert patterns.shape[2:] == (len(more["tokens"]),) * 2


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_columns_of_a_bag_are_the_tokens_that_are_in_it(monkeypatch):
    subject, shown = subject_of(loaded("bag-of-words", BYTES)), Shown(monkeypatch)
    view.draw(subject, next(stop for stop in route(subject) if stop.id == "bag.counts"))
    (sheet, more), *_ = shown.matrices
    assert sheet.column_labels[:1] == ["t"]  # twice in "the cat"
    assert {*sheet.column_labels[:6]} == {*"the ca"}
    assert sheet.values[0, -1, :7].tolist() == [2, 1, 1, 1, 1, 1, 0]
    assert more["row"] == 6
