"""What a tokenizer does to the model behind it: one recorded comparison, and a race of two that is run here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from playground import state
from playground.figures.style import CHART
from playground.figures.tokenizer_race import Curve, race_chart
from playground.text import escaped, number, sentence
from playground.views.tokenizers import race_live, race_setup, race_words
from playground.views.tokenizers.keys import key
from playground.views.tokenizers.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zoo.compare.race import Measured, Raced


def draw(lab: Lab) -> None:
    """The question, what was recorded, and the race."""
    st.subheader("What does the tokenizer do to the model?", anchor="consequences")
    st.markdown(
        "The same small GPT learns from the same text, for the same time, with one tokenizer or another. Which one "
        "then foretells a text that it has never seen better? They must be compared by something that the tokenizers "
        "have in common: the **character**."
    )
    try:
        found = recorded()
    except ValueError as error:
        st.error(escaped(sentence(str(error))), icon=":material/error:")
        found = None
    if found is not None:
        _recorded(found)
    st.markdown("#### Race two of them")
    pair = race_live.pair(str(state.get(state.RACE)))
    if pair is None:
        race_setup.draw(lab)
    else:
        race_live.draw(pair)


@st.cache_data(show_spinner=False)
def recorded() -> Measured | None:
    """The comparison that comes with the repository."""
    from zoo.compare.race import recorded

    return recorded()


def _recorded(found: Measured) -> None:
    st.markdown(race_words.why(found.raced))
    st.caption(race_words.source(found))
    st.plotly_chart(
        race_chart(curves(found.raced), found.floor),
        key=key("race.recorded"),
        config=CHART,
        alt=spoken(found.raced),
    )
    st.caption(race_words.begins(found.raced))
    st.markdown(race_words.table(found.raced))
    st.markdown(f"**Notice.** {race_words.notice(found.raced)}")
    for said in race_words.left_out(found.raced):
        st.markdown(said)
    st.caption(race_words.reach(found.raced, found.context))


def curves(raced: Sequence[Raced]) -> list[Curve]:
    """The learning curves of those that can be compared, one a seed."""
    return [
        Curve(race_words.of(each), i, *_line([(point.seconds, point.bits) for point in trial.curve]))
        for i, each in enumerate(raced)
        for trial in each.trials
        if each.bits
    ]


def _line(points: Sequence[tuple[float, float | None]]) -> tuple[list[float], list[float]]:
    known = [(seconds, bits) for seconds, bits in points if bits is not None]
    return [seconds for seconds, _ in known], [bits for _, bits in known]


def spoken(raced: Sequence[Raced]) -> str:
    """The chart in words."""
    ends = [f"{race_words.of(each)} {number(sum(each.bits) / len(each.bits))}" for each in raced if each.bits]
    return "Bits per character by seconds of training. In the end: " + ", ".join(ends) + "."
