"""One word through WordPiece: from the left, the longest piece that the vocabulary holds."""

from __future__ import annotations

import streamlit as st

from playground.components.pieces import pieces
from playground.text import plural, quoted
from playground.views.tokenizers.keys import key
from zoo.tokenizers.explain import Match, Walk

TRIED = 14
"""Pieces that are listed where many were tried for one match."""


def draw(word: Walk) -> None:
    """The matches in order, each with what was tried before it; why there is none, the word's note says."""
    pieces(word.pieces, key=key("matches"), label="The tokens")
    for number, match in enumerate(word.matches, start=1):
        st.markdown(f"{number}. {_match(match)}")


def _match(match: Match) -> str:
    """From the whole rest of the word down to the piece that was found."""
    tries = match.tries
    refused = [f"~~{quoted(each.text)}~~" for each in tries if not each.found]
    if len(refused) > TRIED:
        refused = [*refused[: TRIED // 2], f"… ({len(refused) - TRIED} more) …", *refused[-TRIED // 2 :]]
    found = next((each for each in tries if each.found), None)
    if found is None:
        return f"Tried {plural(len(tries), 'piece')}, none is in the vocabulary: {' '.join(refused)}"
    before = f"not in the vocabulary: {' '.join(refused)}; " if refused else ""
    return f"From character {match.start + 1}: {before}found **{quoted(found.text)}**, token {match.id}."
