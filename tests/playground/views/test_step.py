"""One step opened: its shape in words, and the window of columns."""

from __future__ import annotations

import re

import numpy as np
import pytest

from playground.views.step import shape
from tests.playground.helpers import FORWARD_PASS, faultless, sent, subject_of, tiny_gpt


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
