"""The page Train: set a run up, watch it learn, and keep what it has learnt."""

from __future__ import annotations

import streamlit as st

from playground import engine, state
from playground.lessons import lesson
from playground.views.train import mine, setup, source, watch


def draw() -> None:
    """The whole page."""
    st.title("How does a model learn?")
    run = str(state.get(state.RUN))
    st.markdown(lesson("training"))
    if not engine.ready():
        _meanwhile()
    if run:
        watch.draw(run)
    else:
        setup.draw()
    mine.draw(run)


def _meanwhile() -> None:
    """Something to read while torch loads: a story of those that the models learn from."""
    place = st.empty()
    with place.container(border=True):
        st.caption("One of the stories that a model can learn from here")
        st.text(source.three()[0])
        with st.spinner("The models are being loaded, which takes a few seconds the first time …"):
            engine.wait()
    place.empty()
