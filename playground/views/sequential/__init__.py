"""The page Sequential and parallel: what reading word by word costs and forgets, and what attention changed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from playground import engine
from playground.views.guard import guarded
from playground.views.sequential import bottleneck, clock, cost, distance, sides

PARTS = {
    "clock": "One clock for both",
    "cost": "Cost against length",
    "distance": "Words from long ago",
    "bottleneck": "A sentence in one vector",
    "blank": "Both sides of a blank",
}
"""The anchor of each part's heading, and what the jump to it is called."""


def draw() -> None:
    """The whole page."""
    st.title("Why transformers, and not seq2seq?")
    st.markdown(
        "A recurrent network reads **one token after another** and carries what it has read in one vector of fixed "
        "size. A transformer lets **every token look at all the others at once**. What does that cost, and what does "
        "it gain? Everything below is measured, or counted; where the older models win, it says so."
    )
    st.markdown(" · ".join(f"[{name}](#{anchor})" for anchor, name in PARTS.items()))
    if not engine.ready():
        with st.spinner("The models are being loaded, which takes a few seconds the first time …"):
            engine.wait()
    parts: list[Callable[[], None]] = [clock.draw, cost.draw, distance.draw, bottleneck.draw, sides.draw]
    for part in parts:
        guarded(part)
