"""The chart of a lattice: every bar stands at its place, no two over each other, and user text stays text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from playground.figures.lattice import BEST, OTHER, SECOND, Bar, described, lattice_chart, rows

BARS = [
    Bar(0, 2, "un", -2.0, BEST),
    Bar(2, 6, "like", -3.0, BEST),
    Bar(0, 1, "u", -5.0, SECOND),
    Bar(1, 6, "nlike", -6.5, SECOND),
    Bar(0, 3, "unl", -7.0, OTHER),
    Bar(3, 6, "ike", -7.5, OTHER),
    Bar(2, 4, "li", -4.0, OTHER),
]


def test_the_best_split_is_the_first_row_and_the_next_best_the_second():
    assert rows(BARS) == [0, 0, 1, 1, 2, 2, 3]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 6)), max_size=25))
def test_no_piece_stands_over_another(places):
    bars = [Bar(start, start + length, "x", -1.0, OTHER) for start, length in sorted(places)]
    placed = list(zip(bars, rows(bars), strict=True))
    for i, (one, row) in enumerate(placed):
        for other, its in placed[i + 1 :]:
            assert row != its or one.end <= other.start or other.end <= one.start


def test_each_bar_spans_its_characters_and_says_its_score():
    figure = lattice_chart("unlike", BARS)
    best = next(trace for trace in figure.data if trace.name == BEST)
    assert [round(at) for at in best.base] == [0, 2]
    assert [round(length) for length in best.x] == [2, 4]
    assert [tuple(each) for each in best.customdata] == [("un", "−2.0000"), ("like", "−3.0000")]
    assert list(figure.layout.xaxis.ticktext) == list("unlike")


def test_a_piece_that_looks_like_html_stays_text():
    figure = lattice_chart("<b>", [Bar(0, 3, "<b>", -1.0, BEST)])
    assert figure.data[0].text[0] == "&lt;b&gt;"


def test_the_chart_in_words():
    assert described("unlike", BARS) == "The 7 pieces that fit into unlike; the best split is un + like."
