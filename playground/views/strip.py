"""The strip from text to next word: six stations, each with one real value of this text in this model."""

from __future__ import annotations

import re

import numpy as np
import streamlit as st

from playground import state
from playground.components.strip import Station, strip
from playground.paths import FORWARD_PASS
from playground.text import count, number, percent, plural
from playground.views.controls import Subject
from zoo.trace.parts import HALVES, over_time
from zoo.trace.schema import block_of, entry
from zoo.trace.trace import Trace

ROOM = 13
"""How many characters a station shows."""
_ANSWERS = {
    "next-token": "Next word",
    "masked-token": "What fills the blank",
    "cbow": "What fills the blank",
    "skip-gram": "A word nearby",
    "translate": "Next word of the translation",
}
"""Task -> what the model's answer is."""


def draw(subject: Subject) -> None:
    """Draw the strip; a click opens the station's step on the page Forward pass."""
    strip(stations(subject), key="strip", on_open=_open)
    if target := st.session_state.pop("open_step", None):
        state.set_step(target)
        st.switch_page(FORWARD_PASS)


def _open(step: str) -> None:
    st.session_state["open_step"] = step


def stations(subject: Subject) -> list[Station]:
    """What each station shows: all about the last token, which is where the next word is read out."""
    trace = subject.trace
    text, probs, logits = subject.text, trace["probs"][-1], trace["logits"][-1]
    best = int(probs.argmax())
    share = percent(float(probs[best]))
    middle = [found for found in (_vectors(trace), _inside(trace)) if found]
    task = subject.model.task if subject.model else "next-token"
    return [
        Station("", "Text", _ending(text), plural(len(text), "character")),
        Station("", "Tokens", trace.tokens[-1], f"the last of {plural(len(trace.ids), 'token')}, id {trace.ids[-1]}"),
        *middle,
        Station("logits", "Logits", number(float(logits.max())), f"the highest of {count(logits.size)} raw scores"),
        Station("probs", _ANSWERS[task], subject.piece(best), f"{share}, the most probable token"),
    ]


def _ending(text: str) -> str:
    """As much of the text's end as a station holds."""
    short = text.strip() or text
    return short if len(short) <= ROOM else "…" + short[1 - ROOM :]


def _vectors(trace: Trace) -> Station | None:
    steps = [half + step for half in ("", HALVES[1]) for step in ("embed.out", "embed.tok")]
    name = next((step for step in steps if step in trace), None)
    if name is None:
        return None
    vector = trace[name][-1]
    return Station(name, "Vector", number(float(vector[0])), f"the first of the {count(vector.size)} numbers for it")


def _inside(trace: Trace) -> Station | None:
    """What the model makes of the vector, in one number: by its blocks, its state, or its own way."""
    return _blocks(trace) or _state(trace) or _counted(trace) or _read_out(trace)


def _blocks(trace: Trace) -> Station | None:
    half = HALVES[1] if trace.source else ""
    numbers = [block_of(name) or 0 for name in trace.steps if re.fullmatch(rf"{half}blocks\.\d+\.resid", name)]
    last = f"{half}blocks.{max(numbers, default=0)}.resid"
    if f"{half}embed.out" not in trace or last not in trace or (pattern := f"{half}blocks.0.attn.pattern") not in trace:
        return None
    before, after = trace[f"{half}embed.out"][-1], trace[last][-1]
    growth = float(np.linalg.norm(after) / np.linalg.norm(before))
    words = f"how much longer {plural(len(numbers), 'block')} made that vector"
    return Station(pattern, "Blocks", f"{number(growth, 1)}×", words)


def _state(trace: Trace) -> Station | None:
    """The state of the last layer after the last token."""
    name = next((step for step in reversed(list(trace.steps)) if step.endswith("cell.h")), None)
    if name is None:
        return None
    state_now = over_time(trace)[name][-1]
    words = f"the first of the {count(state_now.size)} numbers that the model remembers the text by"
    return Station(name, "State", number(float(state_now.flat[0])), words)


def _counted(trace: Trace) -> Station | None:
    if "ngram.seen" not in trace:
        return None
    orders = int(trace["ngram.seen"][-1])
    words = "the longest order that had seen these tokens: so many words, with the one to come"
    return Station("ngram.seen", "Counts", plural(orders, "word"), words)


def _read_out(trace: Trace) -> Station | None:
    """The vector from which the logits are read, where it is neither the embedding nor a norm."""
    name = trace.anatomy.read_out if trace.anatomy else ""
    found = entry(name)
    if found is None or name not in trace or name.startswith("embed.") or name.endswith("norm"):
        return None
    vector = trace[name][-1]
    words = f"the first of the {count(vector.size)} numbers that the last layer reads"
    return Station(name, found.title, number(float(vector[0])), words)
