"""The text in the colours of two twins, and of the difference between them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from playground import state
from playground.components.surprise import surprise_text
from playground.views.twins.judged import Judged
from playground.views.twins.twin import Board, Twin

ONE, OTHER = "pair.one", "pair.other"


def draw(board: Board, found: Judged) -> None:
    """The choice of the two, and the text in their colours."""
    st.subheader("The text in their eyes")
    one, other = _choose(board)
    losses = np.full((2, len(found.ids)), np.nan)
    losses[0, 1:], losses[1, 1:] = found.scores[one.slot].surprisal, found.scores[other.slot].surprisal
    surprise_text(
        [board.tokenizer.piece(i) for i in found.ids],
        (one.name, other.name),
        losses,
        ceiling=found.ceiling,
        key="surprise",
    )


def pair(board: Board) -> tuple[Twin, Twin]:
    """The two twins that are compared; where nothing was chosen, the first and the last of those shown."""
    by_slot = {twin.slot: twin for twin in board.twins}
    chosen = [slot for slot in state.get(state.PAIR).split(".") if slot in by_slot]
    if len(set(chosen)) != 2 or len(chosen) != 2:
        return board.twins[0], board.twins[-1]
    return by_slot[chosen[0]], by_slot[chosen[1]]


def _choose(board: Board) -> tuple[Twin, Twin]:
    one, other = pair(board)
    if len(board.twins) > 2:
        names = {twin.slot: twin.name for twin in board.twins}
        st.session_state[ONE], st.session_state[OTHER] = one.slot, other.slot
        for column, label, key in zip(st.columns(2), ("One twin", "beside another"), (ONE, OTHER), strict=True):
            column.selectbox(
                label,
                list(names),
                format_func=names.__getitem__,
                key=key,
                on_change=_chosen,
                args=(one.slot, other.slot),
            )
    return one, other


def _chosen(one: str, other: str) -> None:
    """Keep the new pair; who chooses the same twin twice has the two change places."""
    left, right = st.session_state[ONE], st.session_state[OTHER]
    st.session_state[state.PAIR] = f"{other}.{one}" if left == right else f"{left}.{right}"
