"""The page Tokenizers: how a text becomes tokens, by several tokenizers side by side, and which one to choose."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from playground import state
from playground.views.guard import guarded
from playground.views.tokenizers import (
    choosing,
    columns,
    consequences,
    export,
    fertility,
    how,
    own,
    table,
    text,
    watched,
    when,
)
from playground.views.tokenizers.keys import HOW, PART
from playground.views.tokenizers.lab import Lab

PARTS: dict[str, Callable[[Lab], None]] = {
    HOW: how.draw,
    "Training, watched": watched.draw,
    "Who pays more": fertility.draw,
    "When to choose which": when.draw,
    "Consequences": consequences.draw,
    "Take it with you": export.draw,
}


def draw() -> None:
    """The whole page."""
    st.title("How is a text cut into tokens, and which tokenizer should you choose?")
    st.markdown(
        "A model never sees letters. A tokenizer, trained before the model and on its own, cuts the text into tokens, "
        "and each token is a number. Tokenizers differ, and a model has to live with the one that it was given."
    )
    written = text.draw()
    chosen = choosing.draw()
    lab = Lab(written, chosen)
    guarded(own.draw, lab)
    if not written:
        st.info("Write something, or choose an example: there is nothing to cut yet.", icon=":material/edit:")
        return
    if not chosen:
        st.info("Choose a tokenizer, or two to compare.", icon=":material/content_cut:")
        return
    guarded(columns.draw, lab)
    st.subheader("The table to decide by", anchor=False)
    guarded(table.draw, lab)
    _parts(lab)


def _parts(lab: Lab) -> None:
    """One part at a time: only what is looked at is worked out."""
    st.subheader("Look closer", anchor=False)
    if state.get(state.PART) not in PARTS:
        st.session_state[state.PART] = next(iter(PARTS))
    if PART not in st.session_state:
        st.session_state[PART] = state.get(state.PART)
    st.segmented_control(
        "Part", list(PARTS), key=PART, required=True, label_visibility="collapsed", persist_state="session"
    )
    part = st.session_state[PART]
    st.session_state[state.PART] = "" if part == next(iter(PARTS)) else part
    guarded(PARTS[part], lab)
