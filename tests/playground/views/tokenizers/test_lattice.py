"""The words beside a lattice: how much likelier the best split is, and a piece too long to list."""

from __future__ import annotations

import math

import pytest
from streamlit.testing.v1 import AppTest

from playground.views.tokenizers.lattice import UNLEARNED, _how_much, _sum
from zoo.tokenizers.explain import Edge

PART = """
from playground.views.tokenizers import lattice
from zoo.tokenizers.explain import Lattice
lattice.draw(Lattice("ab" * 5000, (0, 10000), [], [], -123.456, None, None, [3, 4], ["ab", "ab"], "too long"), None)
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


def edges(*scores: float) -> list[Edge]:
    return [Edge(i, i + 1, "a", i, score) for i, score in enumerate(scores)]


def test_what_is_shown_adds_up_or_is_said_to_be_rounded():
    assert _sum(edges(-1.5, -2.25), -3.75) == "`a` + `a` with (−1.50) + (−2.25) = **−3.75**"
    assert _sum(edges(-7.274, -7.874), -15.148) == (
        "`a` + `a` with (−7.27) + (−7.87) ≈ **−15.15** (each is rounded to two decimals)"
    )
    assert _sum(edges(-7.274), -7.274) == "`a` with **−7.27**"


UNKNOWN_PART = """
import json
import streamlit as st
import tokenizers
from tokenizers import models
from playground.views.tokenizers import lattice
from zoo.tokenizers import Tokenizer
from zoo.tokenizers.explain import explain
from zoo.tokenizers.unknown import unknown_id
pieces = [("<unk>", 0.0), ("a", -1.0), ("b", -2.0), ("ab", -2.5), ("a?", -3.5), *((char, -3.0) for char in "<unk>")]
tokenizer = Tokenizer(tokenizers.Tokenizer(models.Unigram(pieces, unk_id=0)))
(word,) = explain(tokenizer, st.session_state["the text"]).words
lattice.draw(word, unknown_id(tokenizer))
"""


def drawn(text: str) -> tuple[str, list[str]]:
    page = AppTest.from_string(UNKNOWN_PART)
    page.session_state["the text"] = text
    page.run()
    assert not page.exception, page.exception
    return "\n".join(each.value for each in page.markdown), [each.value for each in page.caption]


def test_the_score_of_an_unknown_character_is_said_to_be_none_that_was_learned():
    said, captions = drawn("bx")
    assert "`b` + `<unk>` with (−2.00) + (−13.50) = **−15.50**" in said, "ten below −3.5"
    assert UNLEARNED in captions
    assert UNLEARNED in drawn("ab" * 20 + "x")[1]
    for text in ("ab", "<unk>a", "ab" * 20):
        assert UNLEARNED not in drawn(text)[1], text


def test_a_penalty_is_no_likelihood():
    said, captions = drawn("a?")
    assert "**Best split:** `a?` with **−3.50**" in said
    assert "**Next best:** `a` + `<unk>` with (−1.00) + (−13.50) = **−14.50**" in said
    assert "likely" not in said
    assert UNLEARNED in captions
    assert "times as likely" in drawn("abx")[0], "both splits have it"
