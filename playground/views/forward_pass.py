"""The page Forward pass: the residual stream with its branches, and every step of it opened."""

from __future__ import annotations

import streamlit as st

from playground import state
from playground.components.chips import token_chips
from playground.components.spine import spine
from playground.views import controls, export, intervention, step
from playground.views.controls import Subject
from playground.views.route import Stop, route, selected_row

_STREAM = (
    "Every token carries a vector down one line, the **residual stream**. Attention lets tokens look at each other, "
    "the feed-forward layer works on each token alone, and both **add** their answer to the stream."
)
_OTHER = "Every step that this model names, in the order of the computation."
_ABOUT = {
    "gpt": _STREAM,
    "bert": _STREAM + " Here every token sees those on both of its sides, so that it can fill a blank.",
    "encoder-decoder": _STREAM + " The encoder does so with the source, the decoder with the translation; across, each "
    "token of the translation asks the whole source.",
    "rnn": "The tokens are read one after another. A **state** is carried from each to the next: all that the model "
    "remembers. In each table a row is a token, made from the row above it.",
    "seq2seq": "One network reads the source, token by token, into its **state**; another sets out from that state and "
    "writes the translation. With attention, it looks back at all of the source's states before each word.",
    "bag-of-words": "The tokens so far are counted, their order is thrown away, and the mean of their vectors tells "
    "the next word.",
    "n-gram": "What followed the last few tokens was counted beforehand. The longest stretch that was seen says the "
    "most; what it leaves over goes to the shorter ones.",
    "word2vec": "Each token has a vector. A product with another table says which words stand near it.",
    "feed-forward": "The vectors of the last few tokens stand side by side and go through two layers. What stood "
    "before them does not exist for this model.",
}
"""Family -> how the model gets there."""


def draw() -> None:
    """The whole page."""
    st.title("How does the model get there?")
    about = st.empty()
    subject = controls.subject()
    family = subject.model.family if subject and subject.model else "gpt"
    about.markdown(f"{_ABOUT.get(family, _OTHER)} Choose a step, then click any number to see the sum that made it.")
    if subject is None:
        return
    tokens, part = st.columns([5, 4.6], gap="large")
    with part:
        edited = intervention.choose(subject)
        intervention.compare(subject, edited)
    with tokens:
        _tokens(subject)
    stops = route(edited)
    chosen = _chosen(stops, edited)
    left, right = st.columns([2.4, 5], gap="large")
    with left:
        spine([stop.as_dict() for stop in stops], selected=chosen.id, key="spine", on_select=state.set_step)
    with right:
        _stepper(stops, chosen)
        step.draw(edited, chosen)
        export.draw(edited)


def _chosen(stops: list[Stop], subject: Subject) -> Stop:
    """The selected step; where this model has no such step, the nearest one that it has.

    Where nobody has selected one, a model without attention opens at what its logits are read from.
    """
    name = state.step()
    if not state.get(state.STEP) and any(stop.id == name and stop.missing for stop in stops):
        name = subject.trace.anatomy.read_out if subject.trace.anatomy else name
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
    halves = " No number stands beside the steps of the other text." if subject.trace.source else ""
    lens = (
        " After each block: the token that the model would say if it stopped there (the logit lens)."
        if subject.trace.blocks and "final_norm" in subject.trace
        else ""
    )
    st.caption(
        "Beside each step stands one number of the selected token: the length of its vector, or the highest value of "
        f"its attention (of all heads), logits or probabilities.{halves}{lens}"
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
