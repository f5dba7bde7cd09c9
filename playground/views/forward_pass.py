"""The page Forward pass: the residual stream with its branches, and every step of it opened."""

from __future__ import annotations

import streamlit as st

from playground import state
from playground.components.chips import token_chips
from playground.components.spine import spine
from playground.views import controls, export, intervention, step
from playground.views.controls import Subject
from playground.views.route import Stop, route, selected_row


def draw() -> None:
    """The whole page."""
    st.title("How does the model get there?")
    st.markdown(
        "Every token carries a vector down one line, the **residual stream**. Attention lets tokens look at each "
        "other, the feed-forward layer works on each token alone, and both **add** their answer to the stream. "
        "Choose a step, then click any number to see the sum that made it."
    )
    subject = controls.subject()
    if subject is None:
        return
    tokens, part = st.columns([5, 4.6], gap="large")
    with part:
        edited = intervention.choose(subject)
        intervention.compare(subject, edited)
    with tokens:
        _tokens(subject)
    stops = route(edited)
    chosen = _chosen(stops)
    left, right = st.columns([2.4, 5], gap="large")
    with left:
        spine([stop.as_dict() for stop in stops], selected=chosen.id, key="spine", on_select=state.set_step)
    with right:
        _stepper(stops, chosen)
        step.draw(edited, chosen)
        export.draw(edited)


def _chosen(stops: list[Stop]) -> Stop:
    """The selected step; where this model has no such step, the nearest one that it has."""
    name = state.step()
    leaf = name.split(".", 2)[-1]
    alike = [stop for stop in stops if stop.block is not None and stop.id.split(".", 2)[-1] == leaf]
    return next((stop for stop in stops if stop.id == name), alike[-1] if alike else stops[0])


def _tokens(subject: Subject) -> None:
    """The text's tokens, by which the rows below are named."""
    token_chips(
        subject.trace.tokens,
        subject.trace.ids,
        selected=selected_row(subject.trace),
        key="tokens",
        new_from=subject.answers.start if subject.answers else None,
        on_select=state.set_token,
    )
    st.caption(
        "Beside each step stands one number of the selected token: the length of its vector, or the highest value of "
        "its attention (of all heads), logits or probabilities. After each block: the token that the model would say "
        "if it stopped there (the logit lens)."
    )


def _stepper(stops: list[Stop], chosen: Stop) -> None:
    at = stops.index(chosen)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Before",
            icon=":material/arrow_back:",
            disabled=at == 0,
            on_click=state.set_step,
            args=(stops[max(at - 1, 0)].id,),
        )
        st.button(
            "Next step",
            type="primary",
            icon=":material/arrow_forward:",
            disabled=at == len(stops) - 1,
            on_click=state.set_step,
            args=(stops[min(at + 1, len(stops) - 1)].id,),
        )
        st.caption(f"Step {at + 1} of {len(stops)}")
