"""The heart of the page: the text in the tokens of each tokenizer, side by side."""

from __future__ import annotations

import streamlit as st

from playground.components.columns import Shown, token_columns
from playground.text import count, sentence
from playground.views.tokenizers.columns_words import notice, special
from playground.views.tokenizers.keys import HOW, PART, key
from playground.views.tokenizers.lab import Column, Lab, ask, ask_together
from zoo.tokenizers.cut import Cut, cut
from zoo.tokenizers.special import written_out

STEP = 400
"""Tokens of each column that are shown at first, and that "show more" adds."""
MOST = 2000
SHOWN, SELECTED = key("columns", "shown"), key("columns", "selected")
"""How many tokens are shown, and of which text; the token that was clicked: its column's key and its position."""


def draw(lab: Lab) -> None:
    """The columns, and what is to be noticed in them."""
    shown = _shown(lab.text)
    answers = ask_together(lab.columns, cut, text=lab.text, most=MOST)
    columns = [_shown_of(*each, shown) for each in zip(lab.columns, answers, strict=True)]
    most = max((each.cut.total for each in columns if each.cut), default=0)
    token_columns(
        lab.text,
        columns,
        key=key("columns"),
        selected=selected(lab.columns),
        more=min(STEP, MOST - shown) if most > shown else 0,
        on_select=_select,
        on_more=_more,
    )
    told_special(lab)
    if most > shown == MOST:
        st.caption(f"The columns end at {count(MOST)} tokens. All of them are in the files under “Take it with you”.")
    if said := notice(lab.text, columns):
        st.markdown(f"**Notice.** {said}")


def told_special(lab: Lab) -> None:
    """A caption where a special token was typed: it is only text here."""
    answers = zip(lab.columns, ask_together(lab.columns, written_out, text=lab.text), strict=True)
    if said := special([(column.title, found) for column, found in answers if not isinstance(found, Exception)]):
        st.caption(said)


def selected(columns: list[Column]) -> tuple[str, int] | None:
    """The token that the reader clicked, where its column still stands on the page."""
    chosen: tuple[str, int] | None = st.session_state.get(SELECTED)
    return chosen if chosen is not None and chosen[0] in [each.key for each in columns] else None


def _shown_of(column: Column, answer: Cut | Exception, most: int) -> Shown:
    """What one tokenizer answers: its cut, or the sentence that says why there is none."""
    if isinstance(answer, Exception):
        return Shown(column.key, column.title, None, problem(answer))
    return Shown(column.key, column.title, answer.first(most))


def asked(column: Column, text: str) -> Cut:
    """As much of the column as is ever shown: the whole text is encoded once, and not for each step anew.

    Raises:
        ValueError: with one sentence for the reader.
    """
    return ask(column, cut, text=text, most=MOST)


def problem(error: Exception) -> str:
    """What went wrong with one column, as a sentence."""
    return sentence(str(error) or type(error).__name__)


def _shown(text: str) -> int:
    """How many tokens are shown; another text begins anew."""
    of, shown = st.session_state.get(SHOWN, (None, STEP))
    if of != hash(text):
        st.session_state[SHOWN] = (hash(text), STEP)
        st.session_state.pop(SELECTED, None)
        return STEP
    return min(int(shown), MOST)


def _more() -> None:
    of, shown = st.session_state[SHOWN]
    st.session_state[SHOWN] = (of, min(shown + STEP, MOST))


def _select(column: str, position: int) -> None:
    """A click on a token opens how it got there."""
    st.session_state[SELECTED] = (column, position)
    st.session_state[PART] = HOW
