"""Models and traces for the pages: loaded in the background, cached, shared by all sessions.

Importing this costs no torch. A thread warms it up after the first page has been drawn.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from playground import catalogue, state, what_if
from playground.catalogue import Weights

if TYPE_CHECKING:
    from playground.jobs import Jobs
    from zoo.inference import LoadedModel
    from zoo.registry import Registry
    from zoo.trace import Trace

PAUSE = 1.5
"""Seconds that the loading waits for, so that it doesn't hold up the first page on its way to the browser."""

_done = threading.Event()
_wanted = threading.Event()
_start = threading.Lock()
_started = False


def warm_up() -> None:
    """Load torch and the first model in the background, once per server, soon after the first page."""
    global _started
    with _start:
        if not _started:
            _started = True
            threading.Thread(target=_load_first, name="warm-up", daemon=True).start()


def ready() -> bool:
    """Whether the models can answer at once."""
    return _done.is_set()


def wait(seconds: float = 120.0) -> bool:
    """Wait until the models can answer; False when that took too long."""
    _wanted.set()
    warm_up()
    return _done.wait(seconds)


def _load_first() -> None:
    _wanted.wait(PAUSE)
    try:
        import torch

        torch.set_num_threads(1)
        import zoo.inference

        zoo.inference.load(state.DEFAULT_MODEL).trace(state.DEFAULT_PROMPT)
    finally:
        _done.set()  # a model that can't be loaded is reported by the page that asks for it
    jobs().warm_up()


@st.cache_resource(ttl=10, show_spinner=False)
def _common() -> tuple[Registry, list[catalogue.Choice]]:
    """Plugins and models, looked up together so that they fit, and anew after ten seconds."""
    from zoo.registry import discover

    found = discover()
    return found, catalogue.choices(found.plugins)


def registry() -> Registry:
    """Every installed plugin."""
    return _common()[0]


def choices() -> list[catalogue.Choice]:
    """The models on offer: those of everybody, and this session's own runs."""
    return catalogue.distinct([*_common()[1], *catalogue.app_choices(state.zoo())])


@st.cache_resource(max_entries=6, show_spinner="The model is being loaded …")
def model(weights: Weights) -> LoadedModel:
    """A model by its weights; twins have the same architecture and tokenizer.

    Raises:
        LookupError, ValueError: with one sentence for the user.
    """
    from zoo.inference import load

    return load(
        weights.key,
        untrained=weights.kind == "untrained",
        shuffled=weights.kind == "shuffled",
        seed=weights.seed,
        step=weights.step,
    )


@st.cache_resource(max_entries=12, show_spinner=False)
def trace(weights: Weights, ids: tuple[int, ...], off: tuple[str, int | None] | None = None) -> Trace:
    """Every step of these ids through this model, with the step (or the head of it) that is `off` set to zero."""
    edits = {off[0]: what_if.silence(off[1])} if off else {}
    return model(weights).trace_ids(ids, edits=edits)


@st.cache_data(ttl=10, show_spinner=False)
def checkpoints(key: str, stamp: int) -> list[int]:
    """The steps whose weights a model keeps, in order; empty where it is no run."""
    return catalogue.checkpoints(key)


def jobs() -> Jobs:
    """The training runs of this server: one queue for all sessions."""
    return _jobs(catalogue.app_runs())


@cache
def _jobs(root: Path) -> Jobs:
    from playground.jobs import Jobs

    return Jobs(root)


def beat() -> None:
    """Whoever trains is still here, whatever page is read meanwhile; a run without anybody is stopped after a while."""
    runs = [run for run in (state.get(state.RUN), *state.race()) if run]
    if runs and _jobs.cache_info().currsize:
        owner = state.owner()
        for run in runs:
            with suppress(LookupError):
                if jobs().look(run).owned_by(owner):
                    jobs().beat(run, owner)


def put_away() -> None:
    """The server ends: every run is saved, to be gone on with later."""
    if _jobs.cache_info().currsize:
        jobs().close()
