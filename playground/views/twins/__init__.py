"""The page Untrained and pre-trained: twins of one architecture side by side, with the same text and the same seed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from playground.text import escaped, sentence
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
    parts: list[Callable[[Board], None]] = [
        losses.notice,
        next_words.draw,
        writing.draw,
        losses.draw,
        reliability.draw,
        neighbours.draw,
        attention.draw,
    ]
    for part in parts:
        _guarded(part, board)


def _guarded(part: Callable[[Board], None], board: Board) -> None:
    """A user's own model may raise anything, on one text and not on another: the other parts go on."""
    try:
        part(board)
    except Exception as error:
        st.error(escaped(sentence(f"this part failed with {type(error).__name__}: {error}")), icon=":material/error:")
