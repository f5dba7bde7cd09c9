"""Memory against distance: every figure stands in the charts as it was measured, and nothing else does."""

from __future__ import annotations

import pytest

from playground.figures.distance import GUESS, SMALLEST, Memory, Reach, memory_chart, reach_chart

LINES = [
    Memory("GPT <b>", "transformer", False, [[0.9, 0.7], [0.5, 0.6], []]),
    Memory("LSTM, now", "lstm", True, [[0.4], [0.2], []]),
]


def chart():
    return memory_chart(["2", "3–4", "5–8"], [40, 1200, 0], [0.25, 0.125, None], LINES)


def test_lines_are_means_and_whiskers_reach_to_the_worst_and_the_best_seed():
    _, ours, live = chart().data
    assert list(ours.y) == [pytest.approx(0.8), pytest.approx(0.55), None]
    assert list(ours.error_y.array)[:2] == [pytest.approx(0.1), pytest.approx(0.05)]
    assert list(ours.error_y.arrayminus)[:2] == [pytest.approx(0.1), pytest.approx(0.05)]
    assert ours.error_y.visible
    assert not live.error_y.visible
    assert list(live.y) == [0.4, 0.2, None]


def test_the_guess_is_dashed_and_live_lines_are_told_apart():
    guess, ours, live = chart().data
    assert (guess.name, guess.line.dash, list(guess.y)) == (GUESS, "dash", [0.25, 0.125, None])
    assert (ours.line.dash, live.line.dash) == ("solid", "dot")
    assert live.marker.symbol.endswith("-open")
    assert ours.name == "GPT &lt;b&gt;"


def test_what_is_pointed_at_names_the_words_and_the_seeds():
    hover = chart().data[1].customdata
    assert hover[1] == "3–4 words back: 55.0% of 1,200 words<br>2 seeds: 50.0% to 60.0%"
    assert "nothing asked" in hover[2]


def test_a_gradient_of_nothing_is_not_drawn():
    figure = reach_chart([Reach("W", "window", True, [1.0, 0.5, 0.0]), Reach("R", "rnn", False, [1.0, SMALLEST, 1e-9])])
    assert list(figure.data[0].y) == [1.0, 0.5, None]
    assert list(figure.data[1].y) == [1.0, SMALLEST, None]
    assert [each.line.dash for each in figure.data] == ["solid", "dot"]
    assert figure.layout.yaxis.type == "log"
