"""The charts of the twins show the numbers that they were given, and tokens only as text."""

from __future__ import annotations

import math

import numpy as np
import pytest

from playground.figures.calibration import reliability
from playground.figures.surprise import MOST_LABELS, Series, token_losses
from zoo.evaluation import Score, calibration


def made(confidence: list[float], right: list[bool]) -> Score:
    zeros = np.zeros(len(right))
    return Score(zeros, zeros, np.array(confidence), np.array(right))


def test_each_line_holds_its_losses_from_the_second_token_on():
    lines = [Series("one", np.array([1.0, 2.0]), "#111111"), Series("other", np.array([3.0, 0.5]), "#222222", "dot")]
    figure = token_losses(["a", " b", " c"], lines, math.log(10))
    assert [list(trace.y) for trace in figure.data[:2]] == [[1.0, 2.0], [3.0, 0.5]]
    assert [list(trace.x) for trace in figure.data[:2]] == [[1, 2], [1, 2]]
    assert set(figure.data[2].y) == {math.log(10)}
    assert figure.layout.xaxis.ticktext == ("␣b", "␣c")


def test_a_token_is_only_text():
    figure = token_losses(["a", "<a href='x'>$y$"], [Series("one", np.array([1.0]), "#111111")], 1.0)
    for text in (*figure.layout.xaxis.ticktext, *figure.data[0].customdata):
        assert "<" not in text
        assert "$" not in text


def test_many_tokens_are_named_only_when_they_are_pointed_at():
    count = MOST_LABELS + 1
    figure = token_losses(["x"] * count, [Series("one", np.zeros(count - 1), "#111111")], 1.0)
    assert figure.layout.xaxis.ticktext is None
    assert len(figure.data[0].customdata) == count - 1


def test_a_line_of_another_length_is_refused():
    with pytest.raises(ValueError, match="1 values for 2 predicted tokens"):
        token_losses(["a", "b", "c"], [Series("one", np.array([1.0]), "#111111")], 1.0)


def test_the_diagram_shows_the_filled_bins_with_their_counts():
    found = calibration(made([0.05, 0.95, 0.95, 0.97], [False, True, True, False]))
    diagonal, bars, marks = reliability(found, "#111111").data
    assert list(diagonal.x) == list(diagonal.y) == [0, 1]
    assert list(bars.text) == ["1", "3"]
    np.testing.assert_allclose(bars.x, [0.05, 0.95])
    np.testing.assert_allclose(bars.y, [0, 2 / 3])
    np.testing.assert_allclose(marks.x, [0.05, (0.95 * 2 + 0.97) / 3])
    np.testing.assert_allclose(marks.y, bars.y)
