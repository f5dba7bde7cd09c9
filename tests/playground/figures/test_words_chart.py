"""Charts of words: their numbers are those that went in, and a token's text is only ever text."""

from __future__ import annotations

import json

from playground.figures.style import token
from playground.figures.words import KIND_COLOURS, divergence_line, story_chart, word_bars, word_lines

ODD = ["<b>bold</b>", "$x$", " dog", "\n", "<a href='x'>y</a>", ""]


def labels(axis) -> list[str]:
    return list(axis.ticktext)


def test_bars_hold_the_probabilities_of_both():
    figure = word_bars(["a", "b"], [0.7, None], [0.5, 0.5])
    model, right = figure.data
    assert (model.name, right.name) == ("model", "right")
    assert list(model.x) == [0.7, None]
    assert list(right.x) == [0.5, 0.5]
    assert list(model.text) == ["70.0 %", ""]


def test_without_a_right_answer_there_are_the_models_bars_alone():
    figure = word_bars(["a"], [0.7])
    assert [each.name for each in figure.data] == ["model"]
    assert figure.layout.xaxis.range[0] == 0
    assert figure.layout.xaxis.range[1] >= 1  # probabilities are always drawn on the same scale


def test_markup_in_a_token_is_shown_and_not_read():
    shown = labels(word_bars(ODD, [0.1] * len(ODD)).layout.yaxis)
    assert not any("<" in each or "$" in each for each in shown)
    assert shown[0] == "&lt;b&gt;bold&lt;/b&gt;"
    assert shown[2] == "␣dog"
    assert token("") == "∅"


def test_each_word_has_its_own_chart_with_its_right_probability():
    figure = word_lines([0, 5], {"a": [0.1, None], "<i>": [0.2, 0.3]}, {"a": 0.9})
    lines = [(each.name, each.xaxis, list(each.y)) for each in figure.data]
    assert lines == [("right", "x", [0.9, 0.9]), ("model", "x", [0.1, None]), ("model", "x2", [0.2, 0.3])]
    assert [tuple(axis.range) for axis in (figure.layout.yaxis, figure.layout.yaxis2)] == [(0, 1.04)] * 2
    assert [each.text for each in figure.layout.annotations] == ["a", "&lt;i&gt;"]


def test_many_words_take_more_rows_and_none_is_no_error():
    assert len(word_lines([0], {str(n): [0.1] for n in range(6)}).data) == 6
    assert len(word_lines([], {}).data) == 0


def test_each_checkpoint_has_its_distance():
    (line,) = divergence_line([0, 10, 20], [3.0, 1.0, 0.5]).data
    assert (list(line.x), list(line.y)) == ([0, 10, 20], [3.0, 1.0, 0.5])


def test_a_storys_words_are_each_drawn_once_in_the_colour_of_their_kind():
    words, kinds = ["The", "dog", "<b>"], ["grammar", "far", "far"]
    figure = story_chart(words, [0.1, 2.0, 1.0], [0.0, 1.0, 0.5], kinds, KIND_COLOURS)
    bars = {each.name: each for each in figure.data if each.type == "bar"}
    assert list(bars["far"].x) == [1, 2]
    assert list(bars["far"].y) == [2.0, 1.0]
    assert bars["far"].marker.color == KIND_COLOURS["far"]
    assert list(figure.data[-1].y) == [0.0, 1.0, 0.5]
    assert "<b>" not in json.dumps(labels(figure.layout.xaxis))
