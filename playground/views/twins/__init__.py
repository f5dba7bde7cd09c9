"""The page Untrained and pre-trained: twins of one architecture side by side, with the same text and the same seed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from playground.views.guard import guarded
from playground.views.twins import attention, bar, losses, neighbours, next_words, reliability, writing
from playground.views.twins.twin import Board


def draw() -> None:
    """The whole page."""
    st.title("What does training put into a model?")
    st.markdown(
        "Here stand **twins**: the same architecture, the same tokenizer, the same text and the same seed. "
        "Only the numbers in their weights differ: random ones, the trained ones put into a random order, those of a "
        "moment half-way through the training, and the trained ones."
    )
    board = bar.draw()
    if board is None:
        return
    asked: list[Callable[[Board], None]] = [next_words.draw, writing.draw]
    judged: list[Callable[[Board], None]] = [losses.draw, reliability.draw]
    inside: list[Callable[[Board], None]] = [neighbours.draw, attention.draw]
    for part in [losses.notice, *asked, *judged, *inside] if board.judged else [*asked, _not_judged, *inside]:
        guarded(part, board)


def _not_judged(board: Board) -> None:
    """A text cannot judge a model that does not predict it word by word."""
    words = {
        "translate": "A translator answers one text with another, so a single text cannot judge it. How well it "
        "translates is measured on the page Sequential and parallel.",
        "skip-gram": "This model says which words stand near a word, and not what a text says next, so a text cannot "
        "judge it word by word. Its neighbours below show what it has learned.",
    }
    st.info(words.get(board.model.task, "This model cannot be judged by a text."), icon=":material/info:")
