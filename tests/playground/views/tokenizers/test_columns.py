"""The columns on the page: the tokens are the library's, a failure stays in its column, and long texts are cut."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from playground.views.tokenizers import choosing, columns
from tests.playground.helpers import sent
from zoo.tokenizers import train_tokenizer

PART = """
import streamlit as st
from playground.views.tokenizers import columns
from playground.views.tokenizers.lab import Column, Lab
columns.draw(Lab(st.session_state["text of the page"], [Column(f"t:{k}", k, k) for k in st.session_state["kinds"]]))
"""
TRAINED = {kind: train_tokenizer(kind, ["The cat sat on the mat."] * 3, 300) for kind in ("byte", "bpe", "wordpiece")}


@pytest.fixture(autouse=True)
def trained(monkeypatch):
    def tokenizer(column):
        if column.kind not in TRAINED:
            raise ValueError("this one is not here; choose another")
        return TRAINED[column.kind]

    monkeypatch.setattr(choosing, "tokenizer", tokenizer)


def drawn(text: str, *kinds: str, shown: int | None = None, selected: tuple[str, int] | None = None) -> AppTest:
    page = AppTest.from_string(PART, default_timeout=60)
    page.session_state["text of the page"] = text
    page.session_state["kinds"] = kinds
    if shown is not None:
        page.session_state[columns.SHOWN] = (hash(text), shown)
        page.session_state[columns.SELECTED] = selected
    page.run()
    assert not page.exception, page.exception
    return page


def test_each_column_holds_the_librarys_tokens():
    text = "The cat \0 sat\n你"
    head, _ = sent(drawn(text, *TRAINED), "columns")
    assert [each["title"] for each in head["columns"]] == list(TRAINED)
    for told in head["columns"]:
        assert told["ids"] == TRAINED[told["title"]].encode(text).ids
        assert told["total"] == len(told["ids"])
    assert (head["more"], head["selected"], head["right_to_left"]) == (0, None, False)


def test_a_failure_stays_in_its_column_as_a_sentence():
    page = drawn("The cat", "bpe", "lost", "byte")
    head, _ = sent(page, "columns")
    assert [each["error"] for each in head["columns"]] == ["", "This one is not here; choose another.", ""]
    assert head["columns"][2]["ids"] == TRAINED["byte"].encode("The cat").ids
    assert "The 2 tokenizers agree" in page.markdown[0].value


def test_what_cannot_be_encoded_is_one_sentence_in_each_column():
    head, _ = sent(drawn("a\ud800", "bpe", "byte"), "columns")
    assert {each["error"] for each in head["columns"]} == {
        "The text is not valid Unicode at character 1: take that character out."
    }


def test_a_long_text_is_cut_and_the_whole_is_counted():
    text = "The cat sat on the mat. " * 20_000
    head, _ = sent(drawn(text, "bpe", "byte"), "columns")
    for told in head["columns"]:
        assert len(told["ids"]) == columns.STEP
        assert told["total"] == len(TRAINED[told["title"]].raw.encode(text))
    assert head["more"] == columns.STEP


def test_more_comes_in_steps_up_to_a_bound_that_no_session_moves():
    text = "cat " * 1000
    head, _ = sent(drawn(text, "byte", shown=1700, selected=("t:byte", 3)), "columns")
    assert (len(head["columns"][0]["ids"]), head["more"]) == (1700, 300)
    assert head["selected"] == ["t:byte", 3]
    page = drawn(text, "byte", shown=10**9)
    head, _ = sent(page, "columns")
    assert (len(head["columns"][0]["ids"]), head["more"]) == (columns.MOST, 0)
    assert "end at 2,000 tokens" in page.caption[0].value


def test_another_text_begins_anew():
    page = drawn("cat " * 1000, "byte", shown=1200, selected=("t:byte", 3))
    page.session_state["text of the page"] = "dog " * 1000
    head, _ = sent(page.run(), "columns")
    assert (len(head["columns"][0]["ids"]), head["selected"]) == (columns.STEP, None)


def test_a_token_of_a_column_that_left_is_not_selected():
    head, _ = sent(drawn("cat", "byte", shown=400, selected=("t:bpe", 0)), "columns")
    assert head["selected"] is None


def test_a_special_token_that_was_typed_is_said_to_be_text():
    page = drawn("The cat<|endoftext|>", "bpe", "lost", "byte")
    assert [each.value for each in page.caption] == [
        "A special token stands in this text: `<|endoftext|>` of **bpe** and **byte**. It is written out here like "
        "any text; a model's own software puts a special token in by its id."
    ]
    assert not drawn("The cat <|endoftext|", "bpe", "byte").caption
