"""Who pays more: the same paragraph in many languages, counted in tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from playground.figures.fertility import fertility_chart
from playground.figures.style import CHART
from playground.text import escaped, sentence
from playground.views.tokenizers import fertility_words
from playground.views.tokenizers.fertility_words import MEASURES, Measure
from playground.views.tokenizers.grid import grid
from playground.views.tokenizers.keys import key
from playground.views.tokenizers.lab import Column, Lab, ask
from zoo.tokenizers.fertility import Share, fertility
from zoo.tokenizers.presets import PARALLEL

FIRST = next(iter(MEASURES))
MEASURE, LANGUAGE = key("fertility", "measure"), key("fertility", "language")


def draw(lab: Lab) -> None:
    """The chart, what it shows, the numbers behind it and the texts that were counted."""
    found, errors = _asked(lab.columns)
    for column, error in errors.items():
        st.error(f"**{escaped(column.title)}**: {escaped(sentence(str(error)))}", icon=":material/error:")
    if not found:
        return
    st.markdown(f"**Notice.** {fertility_words.notice(found)}")
    st.session_state.setdefault(MEASURE, FIRST)
    st.segmented_control("Count", list(MEASURES), key=MEASURE, required=True, persist_state="session")
    measure = MEASURES.get(st.session_state[MEASURE], MEASURES[FIRST])
    languages, marks = fertility_words.marks(found, measure)
    st.plotly_chart(
        fertility_chart(languages, marks, measure.title, measure.line),
        config=CHART,
        key=key("fertility", "chart"),
        alt=f"{measure.title} in {len(languages)} languages. " + fertility_words.plain(fertility_words.notice(found)),
    )
    st.caption(fertility_words.caption(measure))
    _numbers(found, measure)
    _texts()


def _asked(columns: Sequence[Column]) -> tuple[list[tuple[str, list[Share]]], Mapping[Column, ValueError]]:
    found, errors = [], {}
    for column in columns:
        try:
            found.append((column.title, ask(column, fertility)))
        except ValueError as error:
            errors[column] = error
    return found, errors


def _numbers(found: Sequence[tuple[str, list[Share]]], measure: Measure) -> None:
    with st.expander("Show the numbers", icon=":material/table:"):
        grid(fertility_words.numbers(found, measure), alt=f"{measure.title.capitalize()} in each language")
        st.caption(f"{measure.title.capitalize()}. ✗ some of the text is unknown to the tokenizer, or left out.")


def _texts() -> None:
    with st.expander("The paragraph in each language", icon=":material/translate:"):
        st.session_state.setdefault(LANGUAGE, "English")
        language = st.selectbox("Language", list(PARALLEL), key=LANGUAGE, persist_state="session")
        st.text(PARALLEL[str(language)].text)
        st.caption(
            "Written for this page. A translation is never word for word, so differences of a tenth mean little."
        )
