"""The page Next word: text, tokens, vectors, blocks, logits, word; then one token at a time."""

from __future__ import annotations

import streamlit as st

from playground import state
from playground.components.chips import token_chips
from playground.views import controls, distribution, export, generation, strip
from playground.views.controls import Subject


def draw() -> None:
    """The whole page."""
    st.title("Which word comes next?")
    st.markdown(
        "A language model reads a text and gives a probability to every token it knows: this one, the model says, "
        "is likely to come next. Take one, and it starts again. That is all that generating text is."
    )
    subject = controls.subject()
    if subject is None:
        return
    strip.draw(subject)
    st.subheader("Tokens")
    position = _tokens(subject)
    left, right = st.columns([3, 2], gap="large")
    with left:
        distribution.draw(subject, position)
    with right:
        generation.draw(subject)
        export.draw(subject)


def _tokens(subject: Subject) -> int | None:
    """The text's tokens; the one that is selected, None where the question is what comes next."""
    trace = subject.trace
    chosen = state.token()
    if chosen is not None and chosen >= len(trace.ids):
        chosen = None
    token_chips(
        trace.tokens,
        trace.ids,
        selected=chosen,
        key="tokens",
        new_from=subject.answers.start if subject.answers else None,
        on_select=state.set_token,
    )
    if chosen is None:
        near = subject.model is not None and subject.model.task == "skip-gram"
        st.caption(f"Select a token to see what the model {'expects near it' if near else 'expected in its place'}.")
    return chosen
