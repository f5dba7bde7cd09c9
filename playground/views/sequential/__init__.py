"""The page Sequential and parallel: what reading word by word costs and forgets, and what attention changed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from playground import engine
from playground.text import escaped, sentence
from playground.views.sequential import bottleneck, clock, cost, distance, sides


def draw() -> None:
    """The whole page."""
    st.title("Why transformers, and not seq2seq?")
    st.markdown(
        "A recurrent network reads **one token after another** and carries what it has read in one vector of fixed "
        "size. A transformer lets **every token look at all the others at once**. What does that cost, and what does "
        "it gain? Everything below is measured; where the older models win, it says so."
    )
    if not engine.ready():
        with st.spinner("The models are being loaded, which takes a few seconds the first time …"):
            engine.wait()
    parts: list[Callable[[], None]] = [clock.draw, cost.draw, distance.draw, bottleneck.draw, sides.draw]
    for part in parts:
        _guarded(part)


def _guarded(part: Callable[[], None]) -> None:
    """A user's own model may raise anything: the other parts go on."""
    try:
        part()
    except Exception as error:
        st.error(escaped(sentence(f"this part failed with {type(error).__name__}: {error}")), icon=":material/error:")
