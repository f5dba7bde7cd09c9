"""Where each twin looks: all of its attention heads, on one scale from 0 to 1, the same head in view in each."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from playground import state
from playground.components.heads import head_grid
from playground.views.twins.twin import Board, Twin, columns
from zoo.trace.missing import missing
from zoo.trace.schema import block_of
from zoo.trace.trace import Trace


def draw(board: Board) -> None:
    """A grid of heads for each twin; a click in one of them opens the same head in all."""
    st.subheader("Where they look")
    if patterns(board.twins[0].trace) is None:
        _explain(board.twins[0])
        return
    st.caption(
        "How each token of your text divides its attention over those that it may look at, on one scale for all: "
        "0 is the page's colour, 1 the full pink. Choose a head in one, and all show the same."
    )
    for twin, column in columns(board):
        found = patterns(twin.trace)
        if found is None:
            continue
        with column:
            head_grid(
                found,
                tokens=twin.trace.tokens,
                key=f"heads-{twin.slot}",
                selected=_selected(found),
                on_select=lambda pair: state.set_head(*pair),
            )


def patterns(trace: Trace) -> NDArray[np.float32] | None:
    """(blocks, heads, time, time) of a trace; None where it has none, or its blocks are not alike."""
    found = [trace[name] for name in trace.steps if name.endswith("pattern") and trace[name].ndim == 3]
    if not found or len({each.shape for each in found}) > 1 or found[0].shape[1:] != (len(trace.ids),) * 2:
        return None
    return np.stack(found)


def _selected(found: NDArray[np.float32]) -> tuple[int, int]:
    """The head that the pages have in view, held to those that this model has."""
    blocks, heads = found.shape[:2]
    return min(block_of(state.step()) or 0, blocks - 1), min(state.head(), heads - 1)


def _explain(twin: Twin) -> None:
    reason = missing(twin.trace, "blocks.0.attn.pattern", twin.model.family)
    words = reason.sentence if reason else "The blocks of this model have attention of different shapes."
    st.info(words, icon=":material/visibility_off:")
