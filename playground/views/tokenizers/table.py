"""The table to decide by: what each tokenizer makes of the text above, and of texts that put it to a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from playground.text import count, escaped, plural, quoted, sentence
from playground.views.tokenizers import table_words
from playground.views.tokenizers.grid import grid
from playground.views.tokenizers.keys import key
from playground.views.tokenizers.lab import Column, Lab, ask
from playground.views.tokenizers.table_words import Line
from zoo.tokenizers.across import Cost, across
from zoo.tokenizers.table import Row, row, speed

WIDTH = key("table", "width")
WIDTHS = (64, 128, 256, 512, 768, 1024, 2048, 4096)
FIRST_WIDTH = 768
MEASURED = 50_000
"""Characters of the text that are measured."""
TIMED = 20_000
"""Characters of the text whose encoding is timed."""


def draw(lab: Lab) -> None:
    """The figures for the text above, then those for the presets."""
    if st.session_state.get(WIDTH) not in WIDTHS:
        st.session_state[WIDTH] = FIRST_WIDTH
    st.select_slider(
        "Width of the model, in numbers for each token",
        WIDTHS,
        key=WIDTH,
        persist_state="session",
        help="Each entry of the vocabulary costs one vector of this width. GPT-2's smallest has 768.",
    )
    said = _this_text(lab, int(st.session_state[WIDTH]))
    _presets(lab, said)


def _this_text(lab: Lab, width: int) -> list[str]:
    """The table, and what follows from it; returns the errors that were shown."""
    text = lab.text[:MEASURED]
    lines, errors = [], []
    for column in lab.columns:
        try:
            found = ask(column, row, text=text, width=width)
            lines.append(Line(column.title, found, ask(column, speed, text=text[:TIMED])))
        except ValueError as error:
            lines.append(Line(column.title, None, None))
            errors.append(_error(column, error))
    if len(errors) < len(lines):
        if len(lab.text) > len(text):
            st.caption(
                f"Measured on the first {count(len(text))} of {count(len(lab.text))} characters, "
                f"the speed on the first {count(TIMED)}."
            )
        grid(table_words.main(lines, width), alt="The figures of each tokenizer for this text")
    _show(errors)
    if len(errors) < len(lines):
        st.markdown(f"**Notice.** {table_words.notice(lines)}")
        with st.expander("What comes back, and what is lost", icon=":material/sync_problem:"):
            for line in lines:
                if line.row is not None:
                    st.markdown(f"**{escaped(line.title)}**: {_came_back(line.row)}")
        st.caption(table_words.LEGEND)
    return errors


def _came_back(found: Row) -> str:
    trip = found.round_trip
    if trip.lossless:
        return "the tokens give the text back, character by character."
    said = (
        f"the text does not come back. The first difference is at character {count((trip.at or 0) + 1)}: "
        f"{quoted(trip.stood)} stood there, and {quoted(trip.came)} came back."
    )
    places = "; ".join(
        f"{table_words.SORTS[each.sort]} in {plural(each.count, 'place')} "
        f"(such as {quoted(each.stood)} → {quoted(each.came)})"
        for each in trip.losses
    )
    length = trip.looked_to - trip.looked_from
    where = "" if length == found.characters else f", counted in {count(length)} characters"
    return f"{said} Lost{where}: {places}."


def _presets(lab: Lab, said: Sequence[str]) -> None:
    """The matrix; an error that was shown above is not repeated."""
    costs: list[tuple[str, Mapping[str, Cost]]] = []
    errors = []
    for column in lab.columns:
        try:
            costs.append((column.title, ask(column, across)))
        except ValueError as error:
            errors.append(_error(column, error))
    if costs:
        st.markdown("##### On texts that put them to a test")
        grid(table_words.matrix(costs), alt="Characters per token of each tokenizer on each example text")
        st.caption(table_words.MATRIX_LEGEND)
    _show([each for each in errors if each not in said])


def _error(column: Column, error: ValueError) -> str:
    return f"**{escaped(column.title)}**: {escaped(sentence(str(error)))}"


def _show(errors: Sequence[str]) -> None:
    for each in errors:
        st.error(each, icon=":material/error:")
