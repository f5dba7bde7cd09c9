"""What each twin writes: the same prompt, the same settings of the draw, the same seed."""

from __future__ import annotations

import streamlit as st

from playground.text import number, plural
from playground.views import generation
from playground.views.twins import measure
from playground.views.twins.twin import Board, Twin, columns

TOKENS = 30


def draw(board: Board) -> None:
    """A column of text for each twin."""
    st.subheader("What they write")
    sampling, seed = generation.settings()
    st.caption(
        f"Your text and up to {TOKENS} tokens more, drawn at temperature {number(sampling.temperature)} with the "
        f"seed {seed} for all of them."
    )
    with st.spinner("The twins are writing …", show_time=True):
        for twin, column in columns(board):
            with column, st.container(border=True):
                room = max(0, board.model.context - len(board.ids))
                added = measure.continuation(twin.weights, board.ids, min(TOKENS, room), sampling, seed)
                st.text(written(twin, board.ids, added))
                st.caption(_length(added))


def written(twin: Twin, prompt: tuple[int, ...], added: list[int]) -> str:
    """The prompt, a mark where the model takes over, and what it wrote."""
    start = [each for each in prompt if each not in (twin.model.bos, twin.model.mark)]
    text, whole = twin.model.tokenizer.decode(start), twin.model.tokenizer.decode([*start, *added])
    return f"{text}▸{whole.removeprefix(text)}" if whole.startswith(text) else whole


def _length(added: list[int]) -> str:
    if not added:
        return "The text fills all that the model can read: there is no room for more."
    return f"{plural(len(added), 'token')} after the mark ▸."
