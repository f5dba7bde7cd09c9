"""What if a part were switched off? The change in the most probable next tokens, measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from playground import engine, state, what_if
from playground.text import percent, quoted
from playground.views.controls import Subject

TOP = 5


def choose(subject: Subject) -> Subject:
    """A choice of parts; the subject as it is with the chosen one switched off."""
    if subject.model is None:
        return subject
    parts = what_if.parts(subject.trace)
    if not parts:
        st.caption("Nothing can be switched off here: this model names no attention, layer or state.")
        return subject
    state.choose(state.WHAT_IF, [what_if.NOTHING, *parts])
    st.selectbox(
        "What if a part were switched off?",
        [what_if.NOTHING, *parts],
        key=state.WHAT_IF,
        help="Its output is replaced by zeros, and everything after it is computed anew.",
    )
    chosen = state.get(state.WHAT_IF)
    if chosen not in parts:
        return subject
    return replace(subject, trace=engine.trace(subject.weights, tuple(subject.trace.ids), parts[chosen]))


def compare(whole: Subject, edited: Subject) -> None:
    """The next tokens of the whole model beside those of the model with a part switched off."""
    if not edited.trace.edited:
        return
    before, after = whole.trace["probs"][-1].astype(np.float64), edited.trace["probs"][-1].astype(np.float64)
    ids = sorted({*_top(before), *_top(after)}, key=lambda i: -before[i])
    rows = "\n".join(f"| {_cell(whole.piece(i))} | {percent(before[i])} | {percent(after[i])} |" for i in ids)
    st.markdown(f"| next token | whole model | with the part off |\n|---|---:|---:|\n{rows}")
    moved = float(np.abs(before - after).sum() / 2)
    st.markdown(f"**Notice.** Switching it off moved {percent(moved)} of the probability to other tokens.")


def _cell(piece: str) -> str:
    """A token inside a table, where a bar would begin the next cell."""
    return quoted(piece).replace("|", "\\|")


def _top(probs: np.ndarray) -> list[int]:
    return [int(i) for i in np.argsort(-probs, kind="stable")[:TOP]]
