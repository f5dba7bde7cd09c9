"""What several pages say and do about runs: the words for a state, the unit of a loss, opening one on another page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from playground import state
from playground.catalogue import Choice
from playground.run_files import run_info
from zoo.plugin import CONTEXT

if TYPE_CHECKING:
    from playground.jobs import Job
    from zoo.training import Run

BADGES: dict[str, tuple[str, str, str]] = {
    "queued": ("waiting in line", "gray", "schedule"),
    "starting": ("starting", "blue", "hourglass_top"),
    "running": ("learning", "green", "trending_down"),
    "paused": ("paused", "orange", "pause"),
    "done": ("done", "violet", "check"),
    "stopped": ("stopped", "gray", "stop"),
    "failed": ("failed", "red", "error"),
}
"""A job's state -> its words, colour and icon."""
UNITS = {"masked-token": "blank", "skip-gram": "pair of words", "cbow": "blank"}
"""Task -> what its loss is the mean over; of the others, a token."""


def opened(job: Job) -> Run | None:
    """The run folder, once the worker has written it."""
    from zoo.training import Run

    try:
        return Run.open(job.folder)
    except ValueError:
        return None


def show(choice: Choice, run: Path | None) -> None:
    """Make it the model of the pages with a text. Its run's own prompt comes along: it may know no other words."""
    st.session_state[state.MODEL] = choice.title
    if choice.trained:
        st.session_state[state.WEIGHTS] = state.TRAINED
    if run is not None and (prompt := readable(run)):
        st.session_state[state.PROMPT] = prompt
    state.set_added([])
    state.set_at(None)


def readable(run: Path) -> str:
    """The prompt that a run was asked, or the end of it that leaves room for one token; "" where there is none.

    One token: the mark that the model's task may have, or the next word.
    """
    from zoo.tokenizers import Tokenizer

    info = run_info(run)
    text = " ".join(str(info.get("prompt") or "").splitlines())
    context = info.get("config", {}).get("context")
    room = min(context if isinstance(context, int) else CONTEXT, state.MAX_TOKENS) - 1
    try:
        tokenizer = Tokenizer.load(run / "tokenizer.json")
    except (OSError, ValueError):
        return ""
    ids = tokenizer.encode(text).ids
    if len(ids) <= room:
        return text
    ends = (tokenizer.decode(ids[first:]).strip() for first in range(len(ids) - room, len(ids)))
    return next((end for end in ends if len(tokenizer.encode(end).ids) <= room), "")  # cut, it may have more tokens
