"""The strip from text to next word: six stations, each with one real value of this text in this model."""

from __future__ import annotations

import numpy as np
import streamlit as st

from playground import state
from playground.components.strip import Station, strip
from playground.text import count, number, percent, plural
from playground.views.controls import Subject
from zoo.trace.trace import Trace

ROOM = 13
"""How many characters a station shows."""


def draw(subject: Subject) -> None:
    """Draw the strip; a click opens the station's step on the page Forward pass."""
    strip(stations(subject), key="strip", on_open=_open)
    if target := st.session_state.pop("open_step", None):
        state.set_step(target)
        st.switch_page("pages/forward_pass.py")


def _open(step: str) -> None:
    st.session_state["open_step"] = step


def stations(subject: Subject) -> list[Station]:
    """What each station shows: all about the last token, which is where the next word is read out."""
    trace = subject.trace
    text, probs, logits = subject.text, trace["probs"][-1], trace["logits"][-1]
    best = int(probs.argmax())
    middle = [found for found in (_vectors(trace), _blocks(trace)) if found]
    return [
        Station("", "Text", _ending(text), plural(len(text), "character")),
        Station("", "Tokens", trace.tokens[-1], f"the last of {plural(len(trace.ids), 'token')}, id {trace.ids[-1]}"),
        *middle,
        Station("logits", "Logits", number(float(logits.max())), f"the highest of {count(logits.size)} raw scores"),
        Station("probs", "Next word", subject.piece(best), f"{percent(float(probs[best]))}, the most probable token"),
    ]


def _ending(text: str) -> str:
    """As much of the text's end as a station holds."""
    short = text.strip() or text
    return short if len(short) <= ROOM else "…" + short[1 - ROOM :]


def _vectors(trace: Trace) -> Station | None:
    name = next((step for step in ("embed.out", "embed.tok") if step in trace), None)
    if name is None:
        return None
    vector = trace[name][-1]
    return Station(name, "Vector", number(float(vector[0])), f"the first of the {count(vector.size)} numbers for it")


def _blocks(trace: Trace) -> Station | None:
    if not trace.blocks or "embed.out" not in trace or f"blocks.{trace.blocks - 1}.resid" not in trace:
        return None
    before, after = trace["embed.out"][-1], trace[f"blocks.{trace.blocks - 1}.resid"][-1]
    growth = float(np.linalg.norm(after) / np.linalg.norm(before))
    words = f"how much longer {plural(trace.blocks, 'block')} made that vector"
    return Station("blocks.0.attn.pattern", "Blocks", f"{number(growth, 1)}×", words)
