"""Play, pause, single step, stop, reset: each at hand when it makes sense, and with the reason where it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from playground import engine, state
from playground.jobs import ACTIVE
from playground.text import count, escaped, sentence
from playground.views.runs import BADGES
from playground.views.train import names
from playground.views.train.keys import key

if TYPE_CHECKING:
    from playground.jobs import Job
    from playground.views.train.history import History
    from zoo.training import Run

PROBLEM = key("problem")
_STEP: dict[str, str] = {
    "queued": "It waits in line; it can step once it has started.",
    "starting": "It is still starting.",
    "running": "Pause it first; then it can take one step at a time.",
    "done": "Its budget is spent. Reset, and start a new run from its weights.",
}
_STILL = {
    "queued": "It waits in line, and starts by itself.",
    "starting": "It is starting already.",
    "done": _STEP["done"],
}
"""State -> why there is nothing to play."""


def draw(job: Job, run: Run | None, history: History) -> None:
    """What the run is, the state it is in, and the buttons of the one whose run it is."""
    mine = job.owned_by(state.owner())
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(escaped("A new run" if run is None else names.of(run)), anchor=False, width="content")
        words, colour, icon = BADGES[job.state]
        st.badge(words, color=colour, icon=f":material/{icon}:")  # type: ignore[arg-type]
    if mine:
        _buttons(job, history)
    else:
        st.caption("You are watching somebody else's run: whoever has its link can look, and only they can steer it.")
        st.button("Train one of my own", icon=":material/add:", on_click=leave, key="train.mine")
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(escaped(problem), icon=":material/error:")
    if job.state == "failed" and run is not None:
        st.error(escaped(sentence(job.message)), icon=":material/error:")
    elif job.state in ("done", "stopped") and job.message and run is not None:
        st.caption(escaped(sentence(job.message)))
    for note in job.notes:
        st.caption(escaped(note))


def leave() -> None:
    """Back to the setup, which still holds what was set; the run stays under "My runs"."""
    st.session_state[state.RUN] = ""


def _buttons(job: Job, history: History) -> None:
    jobs = engine.jobs()
    with st.container(horizontal=True):
        if job.state == "running":
            _button("Pause", "pause", job, jobs.pause, about="It stops between two steps, and can go on.")
        else:
            still = "" if job.can_play else _STILL.get(job.state, "")
            _button("Play", "play_arrow", job, jobs.play, still, "Go on from here.", primary=job.state == "paused")
        reason = "" if job.can_play else _STEP.get(job.state, "")
        _button("Single step", "skip_next", job, jobs.step, reason, "Learn from one batch, and show what changed.")
        over = "" if job.state in ACTIVE else "It has come to its end."
        _button("Stop", "stop", job, jobs.stop, over, "End it here, and keep what it has learnt.")
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            key="train.reset",
            on_click=_reset,
            args=(job.id,),
            help="Back to the setup, with the same settings. A run that is still going is stopped, and what it has "
            "learnt stays under “My runs”.",
        )
    if job.state == "paused" and history.last is not None:
        st.caption(f"Paused after step {count(history.last['step'])}. Press Play to go on, or take a single step.")


def _button(
    label: str,
    icon: str,
    job: Job,
    act: Callable[[str, str], None],
    reason: str = "",
    about: str = "",
    primary: bool = False,
) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"train.{label.lower().replace(' ', '_')}",
        type="primary" if primary else "secondary",
        disabled=bool(reason),
        help=reason or about,
        on_click=_do,
        args=(act, job.id),
    )


def _do(act: Callable[[str, str], None], run: str) -> None:
    """Hand the wish to the run; what is wrong with it is said on the page."""
    try:
        act(run, state.owner())
    except (LookupError, ValueError, OSError) as error:
        st.session_state[PROBLEM] = sentence(str(error))


def _reset(run: str) -> None:
    try:
        if engine.jobs().look(run).state in ACTIVE:
            engine.jobs().stop(run, state.owner())
    except (LookupError, PermissionError) as error:
        st.session_state[PROBLEM] = sentence(str(error))
    leave()
