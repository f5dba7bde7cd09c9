"""When to choose which: a claim for each use, with the measured figures of the tokenizers on the page beside it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from playground.text import escaped, sentence
from playground.views.tokenizers.grid import Grid, grid
from playground.views.tokenizers.lab import Column, Lab, ask
from playground.views.tokenizers.table import FIRST_WIDTH, WIDTH
from playground.views.tokenizers.when import pieces, size, texts
from playground.views.tokenizers.when.seen import Claim, Seen
from zoo.tokenizers.across import across
from zoo.tokenizers.cut import cut
from zoo.tokenizers.fertility import fertility
from zoo.tokenizers.table import row


def draw(lab: Lab) -> None:
    """A card for each use: what follows from the figures, and the figures."""
    width = int(st.session_state.get(WIDTH) or FIRST_WIDTH)
    seen = []
    for column in lab.columns:
        try:
            seen.append(_seen(column, width))
        except ValueError as error:
            st.error(f"**{escaped(column.title)}**: {escaped(sentence(str(error)))}", icon=":material/error:")
    if not seen:
        return
    st.markdown(
        "No tokenizer is the best for everything. Each sentence below is worked out from the figures beside it: choose "
        "other tokenizers, and it may say something else. Measured on the example texts, not on yours."
    )
    found = claims(seen, width)
    for first in range(0, len(found), 2):
        for place, claim in zip(st.columns(2), found[first : first + 2], strict=False):
            with place:
                _card(claim)


def _card(claim: Claim) -> None:
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{claim.use}**")
        st.markdown(claim.sentence)
        grid(Grid(claim.header, claim.rows), alt=f"What was measured: {claim.use}")


def claims(seen: Sequence[Seen], width: int) -> list[Claim]:
    """One for each use."""
    return [
        texts.long_english(seen),
        texts.anything(seen),
        texts.code(seen),
        texts.languages(seen),
        pieces.arithmetic(seen),
        pieces.letters(seen),
        size.small(seen, width),
        size.search(seen),
    ]


def _seen(column: Column, width: int) -> Seen:
    return Seen(
        title=column.title,
        costs=ask(column, across),
        shares=ask(column, fertility),
        rows=ask(column, row, text="", width=width).rows,
        the_apart=ask(column, cut, text="The").ids != ask(column, cut, text="the").ids,
    )
