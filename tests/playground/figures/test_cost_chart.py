"""The chart of costs holds the figures that it was given, on logarithmic axes."""

from __future__ import annotations

from playground.figures.cost import COLOURS, Crossing, Curve, cost_chart

CURVES = [
    Curve("LSTM, fused", "lstm", False, [16, 32], [1.5, 3.0]),
    Curve("A <b>$T$</b>", "transformer", True, [16, 32, 64], [1.0, 4.0, 16.0]),
]


def test_each_line_holds_its_costs_as_they_are():
    figure = cost_chart(CURVES, [], "ms", "milliseconds")
    assert [list(line.x) for line in figure.data[:2]] == [[16, 32], [16, 32, 64]]
    assert [list(line.y) for line in figure.data[:2]] == [[1.5, 3.0], [1.0, 4.0, 16.0]]
    assert [line.line.dash for line in figure.data[:2]] == ["solid", "dot"]
    assert [line.line.color for line in figure.data[:2]] == [COLOURS["lstm"], COLOURS["transformer"]]


def test_both_axes_are_logarithmic_and_are_sentences():
    figure = cost_chart(CURVES, [], "ms", "milliseconds for one pass")
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    assert list(figure.layout.xaxis.tickvals) == [16, 32, 64]
    assert figure.layout.xaxis.title.text == "length of the text, in tokens"
    assert figure.layout.yaxis.title.text == "milliseconds for one pass"


def test_a_crossing_is_ringed_where_it_is():
    ring = cost_chart(CURVES, [Crossing("they cross", 20.0, 2.0)], "ms", "ms").data[-1]
    assert (list(ring.x), list(ring.y), list(ring.customdata)) == ([20.0], [2.0], ["they cross"])
    assert list(cost_chart(CURVES, [], "ms", "ms").data[-1].x) == []


def test_a_name_is_only_text():
    name = cost_chart(CURVES, [], "ms", "ms").data[1].name
    assert "<" not in name
    assert "$" not in name
