"""For the tests of the table, the chart of languages and the claims: trained tokenizers, and a part on its own."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from zoo.tokenizers import Tokenizer, train_tokenizer
from zoo.tokenizers.presets import PARALLEL, PRESETS

CORPUS = [PRESETS["Plain English"].text, PARALLEL["English"].text, "0123456789"]
TRAINED = {kind: train_tokenizer(kind, CORPUS, 330) for kind in ("char", "word", "bpe", "wordpiece", "unigram")}
WRONG = "the process took longer than 5 seconds; choose <another>"


def tokenizer(column: Any) -> Tokenizer:
    """Stands in for that of the page."""
    if column.kind not in TRAINED:
        raise ValueError(WRONG)
    return TRAINED[column.kind]


def drawn(part: str, text: str, *kinds: str, **state: Any) -> AppTest:
    """The part alone, drawn for these tokenizers, each with its kind as its title."""
    script = f"""
import streamlit as st
from playground.views.tokenizers import {part}
from playground.views.tokenizers.lab import Column, Lab
{part}.draw(Lab(st.session_state["the text"], [Column("deciding:" + k, k + " *x*", k) for k in {kinds!r}]))
"""
    page = AppTest.from_string(script, default_timeout=60)
    page.session_state["the text"] = text
    for name, value in state.items():
        page.session_state[name.replace("_", ".")] = value
    page.run()
    assert not page.exception, page.exception
    return page


def tables(page: AppTest) -> list[list[list[str]]]:
    """The cells of every table of the page, the head first, without the marks of bold."""
    found = [[list(each.value.columns), *each.value.to_numpy().tolist()] for each in page.table]
    return [[[cell.replace("**", "") for cell in line] for line in table] for table in found]


def words(page: AppTest) -> str:
    """All that is written on the page."""
    return "\n".join(each.value for each in (*page.markdown, *page.caption))
