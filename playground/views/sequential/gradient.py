"""Gradient reach: how far back a change of a token still changes the answer, trained and untrained."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from playground.catalogue import Choice, Weights
from playground.figures.distance import Reach, reach_chart
from playground.figures.style import CHART
from playground.text import escaped, sentence
from playground.views.sequential import distance_live, distance_words, offer

DONE, TWINS = "sequential.distance.gradient", "sequential.distance.untrained"


def draw(chosen: Sequence[Choice]) -> None:
    """The button, and the chart of what was measured."""
    st.markdown("##### How far does the gradient reach?")
    st.markdown(
        "Learning to use a word of long ago needs a signal from there: the derivative of the right word's logit by "
        "that word's embedding. In a plain recurrent network it passes through one matrix at every step, and fades or "
        "grows from step to step; attention reaches every token in one."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Measure the gradient", icon=":material/timeline:", key="sequential.distance.reach"):
            st.session_state[DONE] = True
        twins = st.toggle("Untrained weights too", key=TWINS, persist_state="session")
    if not st.session_state.get(DONE):
        return
    with st.spinner("Going back through the models …", show_time=True):
        lines = [line for choice in chosen for line in _lines(choice, twins)]
    if not lines:
        return
    st.markdown(f"**Notice.** {distance_words.reaches(lines)}")
    st.plotly_chart(
        reach_chart(lines),
        key="sequential.distance.reach.chart",
        config=CHART,
        alt="The gradient by distance. " + distance_words.reaches(lines).replace("*", "").replace("\\", ""),
    )
    st.caption(
        f"The length of d logit / d embedding, the last token's set to 1: the mean over several answers in "
        f"{distance_live.TEXTS} texts of stories, the same answers at every distance. Measured here and now. What is "
        "below a millionth, or exactly 0, is not drawn. Dotted: untrained."
    )


def _lines(choice: Choice, twins: bool) -> list[Reach]:
    """A model's line, and its untrained twin's."""
    kind, found = distance_live.kind(offer.info(choice)[0]), []
    both = [(choice.title, choice.weights, True)]
    if twins:
        both.append((f"{choice.title}, untrained", Weights(choice.key, "untrained", 0, choice.stamp), False))
    for name, weights, trained in both:
        try:
            found.append(Reach(name, kind, trained, distance_live.reach(weights)))
        except (ValueError, LookupError) as error:
            st.warning(f"{escaped(name)}: {escaped(sentence(str(error)))}", icon=":material/block:")
    return found
