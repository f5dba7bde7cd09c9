"""My runs: those that this browser started, each with its state; and loading one back from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from playground import engine, state
from playground.jobs import ACTIVE
from playground.jobs.limits import MIB
from playground.text import escaped, number, plural, sentence
from playground.views.runs import BADGES
from playground.views.train import facts, names
from playground.views.train.history import last_score
from playground.views.train.keys import key

if TYPE_CHECKING:
    from playground.jobs import Job
    from zoo.training import Run

PROBLEM = key("mine.problem")
LOADED = key("loaded")
"""The file that was loaded last, so that a rerun does not load it again."""


def draw(shown: str) -> None:
    """The list, newest first; `shown` is the run that the page is about."""
    jobs = engine.jobs().mine(state.owner())
    st.divider()
    st.subheader("My runs", anchor=False)
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(escaped(problem), icon=":material/error:")
    if not jobs:
        st.caption("None yet. What you train here is kept, and listed in this place.")
    for job in jobs:
        _row(job, job.id == shown)
    with st.expander("Load a run from a file", icon=":material/upload:", key="train.load"):
        _load()


def _row(job: Job, here: bool) -> None:
    words, colour, icon = BADGES[job.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"train.row.{job.id}"):
        st.badge(words, color=colour, icon=f":material/{icon}:")  # type: ignore[arg-type]
        st.markdown(f"{'**' if here else ''}{escaped(_about(job))}{'**' if here else ''}", width="stretch")
        st.button("Show", key=f"train.show.{job.id}", disabled=here, on_click=_show, args=(job.id,))
        st.button(
            "Delete",
            key=f"train.delete.{job.id}",
            icon=":material/delete:",
            disabled=job.state in ACTIVE,
            help="Stop it first." if job.state in ACTIVE else "For good, with its weights and its text.",
            on_click=_delete,
            args=(job.id,),
        )


def _about(job: Job) -> str:
    """A run in one line: its name, and how far it came."""
    from zoo.training import Run

    try:
        run = Run.open(job.folder)
    except ValueError:
        return f"{job.id[:8]}, not begun"
    scored = None if job.state in ACTIVE else last_score(run.folder)
    if scored is None:
        return names.of(run)
    return f"{names.of(run)}: {number(scored[1], 3)} nats per {_unit(run)} after {plural(scored[0], 'step')}"


def _unit(run: Run) -> str:
    """What its loss is the mean over: losses of different units are not to be compared."""
    try:
        return facts.of(run).unit
    except (ValueError, OSError):
        return "token"


def _show(run: str) -> None:
    st.session_state[state.RUN] = run


def _delete(run: str) -> None:
    try:
        engine.jobs().delete(run, state.owner())
    except (LookupError, ValueError, OSError) as error:
        st.session_state[PROBLEM] = sentence(str(error))
        return
    state.take_from_zoo(run)
    if state.get(state.RUN) == run:
        st.session_state[state.RUN] = ""


def _load() -> None:
    """A zip that “Download the run” made."""
    most = engine.jobs().limits.packed // MIB
    file = st.file_uploader(
        "A run's zip", type=["zip"], key=key("zip"), max_upload_size=most, label_visibility="collapsed"
    )
    st.caption(
        f"A zip that “Download the run” made, here or elsewhere, of at most {most} MB. Weights and JSON only: nothing "
        "in it is run."
    )
    if file is None or st.session_state.get(LOADED) == file.file_id:
        return
    st.session_state[LOADED] = file.file_id
    try:
        run = engine.jobs().load(file.getvalue(), state.owner())
    except (ValueError, OSError) as error:
        st.error(escaped(sentence(str(error))), icon=":material/error:")
        return
    st.session_state[state.RUN] = run
    st.rerun()
