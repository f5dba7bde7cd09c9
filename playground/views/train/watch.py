"""One run, watched: its state and controls, its curves, and what it says, drawn anew while it goes on.

The page is drawn once; only the live part is drawn again by a timer, and it reads no more of the run's
folder than what is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from playground import engine, state
from playground.text import escaped, sentence
from playground.views.runs import opened
from playground.views.train import controls as buttons
from playground.views.train import curves, prompt, result, right_answer
from playground.views.train.history import History
from playground.views.train.keys import key

if TYPE_CHECKING:
    from playground.jobs import Job

TICK = {"queued": 1.0, "starting": 0.1, "running": 0.7, "paused": 2.0}
"""State -> seconds between two looks; the others have come to their end and are looked at once."""
HISTORY = key("history")


def draw(run_id: str) -> None:
    """The run of this id, live; after its end, what can be done with it."""
    try:
        job = engine.jobs().look(run_id)
    except LookupError:
        _unknown()
        return
    st.fragment(_live, run_every=TICK.get(job.state))(run_id, job.state)
    run = opened(job)
    if run is None or job.state in ("queued", "starting", "running"):
        return
    result.draw(job, run)
    right_answer.draw(run, job.id)


def _unknown() -> None:
    st.warning(
        "There is no run of that name here. It may have been deleted, or belong to another server.",
        icon=":material/search_off:",
    )
    st.button("Set up a new run", type="primary", on_click=buttons.leave, key="train.unknown")


def _live(run_id: str, known: str) -> None:
    """What changes while the run goes on; after it the whole page, when the run's state has changed.

    After it: so the first loss is seen a page's drawing earlier.
    """
    jobs, mine = engine.jobs(), state.owner()
    try:
        job = jobs.look(run_id)
    except LookupError:
        st.rerun()
    if state.get(state.RUN) != run_id:  # a button of this part draws this part alone
        st.rerun()
    if job.owned_by(mine) and job.state in TICK:
        jobs.beat(run_id, mine)
    run = opened(job)
    history = _history(run_id)
    if run is not None:
        history.read(run)
    buttons.draw(job, run, history)
    if run is None:
        _waiting(job)
    elif history.last is None:
        st.info("The model is built. Its first loss comes in a moment …", icon=":material/hourglass_top:")
    else:
        curves.draw(job, run, history)
        prompt.draw(run, history)
    if job.state != known:
        st.rerun()


def _history(run_id: str) -> History:
    """This session's history of the run; another run starts a new one."""
    history: History | None = st.session_state.get(HISTORY)
    if history is None or history.run != run_id:
        history = st.session_state[HISTORY] = History(run_id)
    return history


def _waiting(job: Job) -> None:
    """Before there is anything to see."""
    if job.state == "queued":
        ahead = job.place - 1
        before = "There is 1 run before yours" if ahead == 1 else f"There are {ahead} runs before yours"
        place = "You are next" if ahead <= 0 else before
        st.info(f"{place}: this server trains one after the other. Yours starts by itself.", icon=":material/groups:")
    elif job.state == "starting":
        st.info("The text is being read, and the model built …", icon=":material/hourglass_top:")
    elif job.state == "failed":
        st.error(escaped(sentence(job.message)), icon=":material/error:")
    else:
        st.info("This run was stopped before it began.", icon=":material/stop_circle:")
