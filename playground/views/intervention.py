"""What if a part were switched off? The change in the most probable next tokens, measured."""

from __future__ import annotations

import numpy as np
import streamlit as st

from playground import engine, state, what_if
from playground.text import percent, quoted
from playground.views.controls import Subject
from playground.views.route import Stop

TOP = 5


def draw(subject: Subject, stop: Stop) -> None:
    """A choice of parts, and the next tokens with and without the chosen one."""
    st.subheader("What if …")
    if subject.model is None:
        st.caption("Parts can be switched off as soon as the model is loaded.")
        return
    options = what_if.options(subject.trace, stop.block or 0)
    current = str(st.session_state.get(state.WHAT_IF) or "")
    if len(options) == 1 and not current:
        st.caption("This model records no part that could be switched off by name.")
        return
    if current and current not in options:
        options[current] = f"{current} off"
    st.selectbox(
        "Switch a part off, and watch the prediction",
        list(options),
        format_func=options.__getitem__,
        key=state.WHAT_IF,
        bind="query-params",
    )
    if subject.trace.edited:
        _compare(subject)


def _compare(subject: Subject) -> None:
    whole = engine.trace(*subject.key, tuple(subject.trace.ids))
    before, after = whole["probs"][-1].astype(np.float64), subject.trace["probs"][-1].astype(np.float64)
    ids = list(dict.fromkeys([*_top(before), *_top(after)]))
    rows = "\n".join(
        f"| {quoted(subject.piece(i))} | {percent(before[i])} | {percent(after[i])} |"
        for i in sorted(ids, key=lambda i: -before[i])
    )
    st.markdown(f"| next token | whole model | with the part off |\n|---|---:|---:|\n{rows}")
    moved = float(np.abs(before - after).sum() / 2)
    st.markdown(f"**Notice.** Switching it off moved {percent(moved)} of the probability to other tokens.")


def _top(probs: np.ndarray) -> list[int]:
    return [int(i) for i in np.argsort(-probs, kind="stable")[:TOP]]
