"""What a run leaves behind: into the model zoo, onto one's own disk, to somebody else, and onto the other pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import streamlit as st

from playground import engine, state
from playground.catalogue import app_runs
from playground.jobs.limits import MAX_TITLE, MIB
from playground.paths import FORWARD_PASS, NEXT_WORD, UNTRAINED_AND_PRETRAINED
from playground.text import escaped, sentence
from playground.views import runs
from playground.views.train import names
from playground.views.train.keys import key

if TYPE_CHECKING:
    from playground.jobs import Job
    from zoo.training import Run

PAGES = {
    "Next word": (NEXT_WORD, "edit_note"),
    "Forward pass": (FORWARD_PASS, "account_tree"),
    "Untrained and pre-trained": (UNTRAINED_AND_PRETRAINED, "compare_arrows"),
}
"""Pages on which a run can be opened."""
ASKED = key("open")
"""The page that a button asked for just now."""


def draw(job: Job, run: Run) -> None:
    """The ways on; none of them changes the run."""
    if not run.steps():
        return
    st.subheader("Use what it has learnt", anchor=False)
    zoo, take, share = st.columns(3, gap="large")
    with zoo:
        _zoo(job, run)
    with take:
        _download(run)
    with share:
        _link(job)
    _elsewhere(job, run)


def _zoo(job: Job, run: Run) -> None:
    """Offer the run on every page of this session, under a name of the user's."""
    inside = job.id in state.zoo()
    mine = job.owned_by(state.owner())
    place = key("name", job.id)
    st.session_state.setdefault(place, names.of(run))
    st.text_input("Its name", key=place, max_chars=MAX_TITLE, disabled=not mine, persist_state="session")
    if inside and not (mine and st.session_state[place].strip() != names.of(run)):
        st.button("Take it out of the zoo", icon=":material/remove:", on_click=state.take_from_zoo, args=(job.id,))
        st.caption("It is in your list of models on every page.")
    else:
        st.button(
            "Rename it" if inside else "Send to the zoo",
            type="primary",
            icon=":material/pets:",
            on_click=_send,
            args=(job.id, mine),
            key="train.zoo",
            help="Every page then offers it in the list of models.",
        )
    if problem := st.session_state.pop(key("name.problem"), None):
        st.error(escaped(problem), icon=":material/error:")


def _send(run_id: str, mine: bool) -> None:
    try:
        if mine:
            engine.jobs().rename(run_id, state.owner(), st.session_state[key("name", run_id)])
    except (ValueError, LookupError, OSError) as error:
        st.session_state[key("name.problem")] = sentence(str(error))
        return
    state.add_to_zoo(run_id)


def _download(run: Run) -> None:
    """Everything in one file, to be loaded back here or used with the command line."""
    from playground.jobs import archive

    limits = engine.jobs().limits
    st.markdown("**Take it along**")
    st.download_button(
        "Download the run",
        data=lambda: archive.pack(run.folder, limits),
        file_name=f"{_slug(names.of(run))}.zip",
        mime="application/zip",
        icon=":material/download:",
        on_click="ignore",
        key="train.download",
    )
    st.caption(
        f"One zip of at most {limits.packed // MIB} MB: the weights as safetensors, all the rest as JSON; of a large "
        "model it holds fewer checkpoints. “Load a run” below takes it back in."
    )


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()[:60] or "run"


def _link(job: Job) -> None:
    """The address that shows this run to others on the same server."""
    st.markdown("**Share it**")
    st.code(address(job.id), language=None, wrap_lines=True)
    steer = (
        "Only this browser can steer it." if job.owned_by(state.owner()) else "Only the one who began it can steer it."
    )
    st.caption(f"Whoever has this link can look at the run and use its model here. {steer}")


def address(run_id: str) -> str:
    """The link to a run, without what else stands in this page's address."""
    here = (st.context.url or "").partition("?")[0]
    return f"{here}?{state.RUN}={run_id}"


def _elsewhere(job: Job, run: Run) -> None:
    """Open the run on another page: it goes into the list of models, and is chosen there."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Look at it on", width="content")
        for title, (page, icon) in PAGES.items():
            st.button(title, icon=f":material/{icon}:", key=f"train.open.{title}", on_click=_ask, args=(page,))
    if page := st.session_state.pop(ASKED, None):
        _open(job, run, page)


def _ask(page: str) -> None:
    st.session_state[ASKED] = page


def _open(job: Job, run: Run, page: str) -> None:
    state.add_to_zoo(job.id)
    key_of_run = str(app_runs() / job.id)
    if (found := next((choice for choice in engine.choices() if choice.key == key_of_run), None)) is None:
        st.error("This run has no weights to look at yet.", icon=":material/error:")
        return
    runs.show(found, run.folder)
    st.switch_page(page)
