"""The chart of pairs holds the counts that it was given, the most frequent on top, the merged one in gold."""

from __future__ import annotations

from playground.figures.pair_counts import PairBar, pair_bars
from playground.figures.style import QUIET, RIGHT

PAIRS = [PairBar("e", "r", 1204), PairBar(" ", "<b>$", 9), PairBar("a" * 40, "b", 9)]


def test_the_bars_are_the_counts_from_top_to_bottom():
    figure = pair_bars(PAIRS, 0)
    (bars,) = figure.data
    assert list(bars.x) == [1204, 9, 9]
    assert list(bars.y) == list(figure.layout.yaxis.tickvals) == [0, 1, 2]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # the first is on top
    assert list(bars.text) == ["<b>1,204</b>", "9", "9"]
    assert figure.layout.xaxis.range[1] > 1204


def test_only_the_merged_pair_is_gold():
    assert list(pair_bars(PAIRS, 1).data[0].marker.color) == [QUIET, RIGHT, QUIET]
    assert set(pair_bars(PAIRS).data[0].marker.color) == {QUIET}


def test_tokens_are_only_text_and_a_long_one_is_cut():
    labels = pair_bars(PAIRS).layout.yaxis.ticktext
    assert labels[0] == "e + r"
    assert labels[1] == "␣ + &lt;b&gt;&#36;"
    assert labels[2] == "a" * 11 + "… + b"


def test_no_pairs_are_an_empty_chart():
    assert list(pair_bars([]).data[0].x) == []
