"""The race's chart: every figure is in it as it is, and one entrant has one colour."""

from __future__ import annotations

from playground.figures.tokenizer_race import Curve, race_chart

CURVES = [
    Curve("Bytes", 0, [0.0, 5.0, 10.0], [8.0, 3.0, 2.5]),
    Curve("Bytes", 0, [0.0, 5.0, 10.0], [8.0, 3.1, 2.6]),
    Curve("<b>BPE</b> $x$", 1, [0.0, 5.1], [4.0, 2.2]),
]


def test_every_point_stands_in_the_chart_as_it_is():
    drawn = [(list(each.x), list(each.y)) for each in race_chart(CURVES).data]
    assert drawn == [(curve.seconds, curve.bits) for curve in CURVES]


def test_an_entrant_has_one_colour_and_one_entry_in_the_legend():
    one, again, other = race_chart(CURVES).data
    assert one.line.color == again.line.color != other.line.color
    assert one.marker.symbol != other.marker.symbol
    assert [one.showlegend, again.showlegend, other.showlegend] == [True, False, True]


def test_names_are_text():
    assert race_chart(CURVES).data[2].name == "&lt;b&gt;BPE&lt;/b&gt; &#36;x&#36;"


def test_the_axis_holds_all_that_was_trained_and_the_floor():
    low, high = race_chart(CURVES, floor=0.2).layout.yaxis.range
    assert 0 <= low < 0.2
    assert 3.1 < high < 8.0
    assert [shape.y0 for shape in race_chart(CURVES, floor=0.2).layout.shapes] == [0.2]


def test_at_the_start_the_first_points_are_in_sight():
    low, high = race_chart([Curve("Bytes", 0, [0.0], [8.0])]).layout.yaxis.range
    assert low < 8.0 < high


def test_the_budget_sets_the_width_and_nothing_yet_is_no_error():
    assert race_chart(CURVES, seconds=60.0).layout.xaxis.range[1] > 60
    assert race_chart([]).layout.yaxis.range == (0.0, 8.0)


def test_the_axes_are_sentences():
    figure = race_chart(CURVES)
    assert "lower is better" in figure.layout.yaxis.title.text
    assert "seconds" in figure.layout.xaxis.title.text
