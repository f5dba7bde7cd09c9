"""What the rows of chips send to the browser."""

from __future__ import annotations

import pytest

from playground.components.words import Row, prepare
from tests.playground.helpers import unpack

ROWS = [Row("2 ×", [" <b>", "é\n"], [7, 8], {1}, "step 1"), Row("1 ×", [], [])]


def test_the_rows_come_back_in_order_and_as_they_were_given():
    head, arrays = unpack(prepare(ROWS, "k", "Words"))
    assert arrays == {}
    assert (head["key"], head["label"]) == ("k", "Words")
    assert head["rows"] == [
        {"label": "2 ×", "pieces": [" <b>", "é\n"], "ids": [7, 8], "lit": [1], "note": "step 1"},
        {"label": "1 ×", "pieces": [], "ids": [], "lit": [], "note": ""},
    ]


def test_each_piece_has_an_id():
    with pytest.raises(ValueError, match="2 pieces but 1 ids"):
        prepare([Row("", ["a", "b"], [1])], "k", "")
