"""The timeline: a slider over the checkpoints that a run has kept. It drives every page that shows a model."""

from __future__ import annotations

import streamlit as st

from playground import engine, state
from playground.catalogue import Choice
from playground.text import count

SLIDER = "timeline"
FILM = "film"
"""Whether the checkpoints follow each other by themselves."""
PACE = 1.2
"""Seconds that the film shows each checkpoint."""


def choose(choice: Choice) -> int | None:
    """Draw the slider where the model has kept several checkpoints; the step to show, None for the last."""
    steps = engine.checkpoints(choice.key, choice.stamp)
    if len(steps) < 2:
        return None
    shown = state.at()
    if shown not in steps:
        shown = steps[-1]
    st.session_state[SLIDER] = shown
    slider, film = st.columns([6, 1.3], vertical_alignment="bottom")
    slider.select_slider(
        "Checkpoint: how many training steps the model has taken",
        steps,
        key=SLIDER,
        format_func=lambda step: "untrained" if step == 0 else f"step {count(step)}",
        on_change=_moved,
        args=(steps[-1],),
        help="The run kept the weights of these steps. Move through them: everything below is what the model "
        "computed with the weights of that moment.",
    )
    playing = bool(st.session_state.get(FILM))
    film.button(
        "Stop" if playing else "Play",
        icon=":material/stop:" if playing else ":material/movie:",
        help="Show the checkpoints one after the other, like a film.",
        on_click=_start_or_stop,
        args=(steps, shown),
        width="stretch",
    )
    if playing:
        _tick(steps, shown)
    return None if shown == steps[-1] else shown


def _moved(last: int) -> None:
    step = st.session_state[SLIDER]
    st.session_state[FILM] = False
    state.set_at(None if step == last else step)


def _start_or_stop(steps: list[int], shown: int) -> None:
    playing = not st.session_state.get(FILM)
    st.session_state[FILM] = playing
    if playing and shown == steps[-1]:
        state.set_at(steps[0])


def _tick(steps: list[int], shown: int) -> None:
    """Wait for the film's pace, then show the next checkpoint; the film ends with the last."""

    @st.fragment(run_every=PACE)
    def wait() -> None:
        if st.session_state.get("film.shown") != shown:  # the first run is the page's own
            st.session_state["film.shown"] = shown
            return
        following = steps[steps.index(shown) + 1 :]
        if following:
            state.set_at(None if len(following) == 1 else following[0])
        if len(following) < 2:
            st.session_state[FILM] = False
        st.session_state.pop("film.shown", None)
        st.rerun()

    wait()
