"""The chart of who pays more holds the values it was given, in the order given, and names are only text."""

from __future__ import annotations

from playground.figures.fertility import COLOURS, Marks, fertility_chart

MARKS = [
    Marks("A <b>$T$</b>", [1.0, 2.5, None], [False, True, False], ["a", "<i>b</i>", "c"]),
    Marks("B", [3.0, 1.0, 2.0], [False] * 3, ["d", "e", "f"]),
]
LANGUAGES = ["Thai", "Hindi", "English"]


def test_each_mark_stands_at_its_value_in_the_row_of_its_language():
    figure = fertility_chart(LANGUAGES, MARKS, "tokens, English = 1", 1.0)
    assert [list(each.x) for each in figure.data] == [[1.0, 2.5, None], [3.0, 1.0, 2.0]]
    assert all(list(each.y) == LANGUAGES for each in figure.data)
    assert figure.layout.yaxis.autorange == "reversed"
    assert figure.layout.xaxis.title.text == "tokens, English = 1"


def test_tokenizers_differ_by_colour_and_by_shape_and_a_poor_mark_is_hollow():
    one, other = (each.marker for each in fertility_chart(LANGUAGES, MARKS, "", 1.0).data)
    assert (one.color, other.color) == COLOURS[:2]
    assert list(one.symbol) == ["circle", "circle-open", "circle"]
    assert {*other.symbol} == {"diamond"}


def test_the_line_stands_where_it_is_asked_for():
    (line,) = fertility_chart(LANGUAGES, MARKS, "", 1.0).layout.shapes
    assert (line.x0, line.x1) == (1.0, 1.0)
    assert not fertility_chart(LANGUAGES, MARKS, "", None).layout.shapes


def test_names_are_only_text():
    figure = fertility_chart(LANGUAGES, MARKS, "", None)
    for shown in (figure.data[0].name, figure.data[0].hovertemplate.split("<extra>")[1].removesuffix("</extra>")):
        assert "<" not in shown
        assert "$" not in shown
    assert "<" not in figure.data[0].customdata[1]
