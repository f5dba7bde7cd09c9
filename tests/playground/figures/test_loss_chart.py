"""The loss chart: every held-out figure is in it as it is, and the thinned curve is made of real values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.figures.loss import MOST_POINTS, loss_chart, smoothed, thinned

LOSSES = [5.0, 4.0, 3.5, 3.0]


def chart(**changes: object):
    given = {
        "steps": [1, 2, 3, 4],
        "losses": LOSSES,
        "held_out_steps": [0, 2, 4],
        "held_out": [5.5, 3.9, 3.2],
        "lines": {"ceiling": 5.6, "floor": 1.3},
    }
    return loss_chart(**(given | changes))


def test_held_out_figures_stand_in_the_chart_as_they_are():
    trace = next(each for each in chart().data if each.name == "held-out text")
    assert list(trace.x) == [0, 2, 4]
    assert list(trace.y) == [5.5, 3.9, 3.2]


def test_every_yardstick_is_a_line_with_its_label_and_value():
    figure = chart()
    assert sorted(shape.y0 for shape in figure.layout.shapes) == [1.3, 5.6]
    assert {each.text for each in figure.layout.annotations} == {"ceiling 5.60", "floor 1.30"}


def test_the_axis_holds_all_that_is_drawn():
    low, high = chart().layout.yaxis.range
    assert 0 <= low < 1.3
    assert high > 5.6


def test_the_axes_are_sentences_and_name_the_unit():
    figure = chart(unit="word")
    assert "nats per word" in figure.layout.yaxis.title.text
    assert figure.layout.xaxis.title.text


def test_nothing_yet_is_an_empty_chart_and_no_error():
    figure = chart(steps=[], losses=[], held_out_steps=[], held_out=[], lines={})
    assert list(figure.data[0].y) == []


def test_long_curves_are_thinned_to_points_that_were_measured():
    losses = np.random.default_rng(0).random(5000).tolist()
    figure = chart(steps=list(range(1, 5001)), losses=losses)
    raw, mean = figure.data[0], figure.data[1]
    assert len(raw.x) == len(mean.x) == MOST_POINTS
    assert [losses[int(step) - 1] for step in raw.x] == list(raw.y)
    assert (raw.x[0], raw.x[-1]) == (1, 5000)


def test_a_loss_that_is_no_number_does_not_spoil_the_axis():
    low, high = chart(losses=[5.0, float("nan"), 3.0, 2.0]).layout.yaxis.range
    assert np.isfinite([low, high]).all()


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60), st.integers(1, 10))
def test_smoothing_is_the_mean_of_the_last_values(values, span):
    expected = [np.mean(values[max(0, i + 1 - span) : i + 1]) for i in range(len(values))]
    assert smoothed(np.array(values), span) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 5000), st.integers(2, 700))
def test_thinning_keeps_the_ends_and_the_order(count, most):
    kept = thinned(count, most)
    assert (kept[0], kept[-1]) == (0, count - 1)
    assert (np.diff(kept) > 0).all()
    assert len(kept) <= most
