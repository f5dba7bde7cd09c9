"""Going on with the text: add one word or several, take one back, and say how the word is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from playground import state
from playground.text import count, number, percent, plural
from playground.views.controls import Subject
from zoo.sampling import Sampling, stages

if TYPE_CHECKING:
    from zoo.inference import LoadedModel

SEVERAL = 10


def draw(subject: Subject) -> None:
    """The buttons, and the settings of the draw."""
    st.subheader("Go on")
    if not subject.live or subject.model is None:
        st.caption("The buttons appear here as soon as the model is loaded.")
        return
    added = len(subject.answers)
    room = min(subject.model.context, state.MAX_TOKENS) - len(subject.trace.ids)
    sampling, seed = settings()
    with st.container(horizontal=True):
        st.button(
            "Add one token",
            type="primary",
            icon=":material/add:",
            disabled=room < 1,
            on_click=_add,
            args=(subject.model, 1, sampling, seed),
        )
        st.button(f"Add {SEVERAL}", disabled=room < 1, on_click=_add, args=(subject.model, SEVERAL, sampling, seed))
        st.button("Take one back", disabled=not added, on_click=_take_back)
        st.button("Start over", disabled=not added, on_click=state.set_added, args=([],))
    if room < 1:
        longest = min(subject.model.context, state.MAX_TOKENS)
        st.info(f"The text is full: {count(longest)} tokens are all that these pages follow of this model.")
    st.markdown(_drawn_from(subject, sampling))
    if added:
        with st.container(border=True):
            st.caption("The text so far")
            st.text(subject.text)


def settings() -> tuple[Sampling, int]:
    """The expander of the sampling; the settings and the seed of the draw, as they are now."""
    box = st.expander("How the token is drawn", icon=":material/casino:", key="how_drawn", on_change="rerun")
    if box.open:
        with box:
            _sliders()
    sampling = Sampling(
        temperature=state.get(state.TEMPERATURE), top_k=state.get(state.TOP_K), top_p=state.get(state.TOP_P)
    )
    return sampling, state.get(state.DRAW)


def _sliders() -> None:
    st.slider(
        "Temperature",
        0.0,
        state.MAX_TEMPERATURE,
        step=0.05,
        key=state.TEMPERATURE,
        help="Divides the logits before the softmax. 0 always takes the most probable token.",
    )
    st.number_input(
        "Top-k: keep only the k most probable tokens (0 keeps all)",
        min_value=0,
        max_value=state.MAX_TOP_K,
        step=1,
        key=state.TOP_K,
    )
    st.slider(
        "Top-p: keep the most probable tokens up to this share",
        state.MIN_TOP_P,
        1.0,
        step=0.05,
        key=state.TOP_P,
    )
    st.number_input(
        "Seed of the draw",
        min_value=0,
        max_value=state.MAX_SEED,
        step=1,
        key=state.DRAW,
        help="The same text, settings and seed draw the same token.",
    )


def _add(model: LoadedModel, tokens: int, sampling: Sampling, seed: int) -> None:
    """Go on from the text as it is now: it may have changed since the button was drawn."""
    added = state.added()
    try:
        start = state.ids(model)
    except ValueError:  # the page says what is wrong with the text
        return
    state.set_added([*added, *model.generate(start, min(tokens, state.MAX_TOKENS - len(start)), sampling, seed)])


def _take_back() -> None:
    state.set_added(state.added()[:-1])


def _drawn_from(subject: Subject, sampling: Sampling) -> str:
    """What the settings leave of the vocabulary, in this very place."""
    found = stages(subject.trace["logits"][-1], sampling)
    kept, best = int(found.kept.sum()), int(np.argmax(found.final))
    share = percent(float(found.final[best]))
    if sampling.temperature == 0:
        return "Temperature 0: the most probable token is taken, always."
    if kept == found.final.size:
        return f"Drawn from all {count(kept)} tokens; the likeliest is drawn with {share}."
    lost = percent(float(found.probs[~found.kept].sum()))
    return (
        f"Drawn from {plural(kept, 'token')}. The {count(found.final.size - kept)} others had {lost} at temperature "
        f"{number(sampling.temperature)}; that is shared out, and the likeliest is drawn with {share}."
    )
