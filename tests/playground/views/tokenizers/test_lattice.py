"""The words beside a lattice: how much likelier the best split is, and a piece too long to list."""

from __future__ import annotations

import math

import pytest
from streamlit.testing.v1 import AppTest

from playground.views.tokenizers.lattice import _how_much

PART = """
from playground.views.tokenizers import lattice
from zoo.tokenizers.explain import Lattice
lattice.draw(Lattice("ab" * 5000, (0, 10000), [], [], -123.456, None, None, [3, 4], ["ab", "ab"], "too long"))
"""


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (1, "exactly as likely"),
        (1.001, "hardly less likely"),
        (1.02, "1.02 times"),
        (35.7, "35.70 times"),
        (12345, "12,345 times"),
        (5e6, "more than a million times"),
        (math.inf, "more than a million times"),
    ],
)
def test_how_much_likelier_the_best_split_is(times, said):
    assert said in _how_much(math.log(times))


def test_of_a_piece_too_long_to_list_nothing_is_claimed():
    page = AppTest.from_string(PART).run()
    assert not page.exception, page.exception
    assert [each.value for each in page.markdown] == ["The best split has a score of **−123.46**."]
    assert not page.caption
