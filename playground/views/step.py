"""One step of the forward pass: what it is, its shape, its numbers, and the arithmetic of each."""

from __future__ import annotations

import numpy as np
import streamlit as st

from playground import state
from playground.components.heads import head_grid
from playground.components.matrix import matrix
from playground.lessons import lesson_of
from playground.text import count, escaped, sentence
from playground.views.controls import Subject
from playground.views.route import Stop, selected_row, why_missing
from zoo.trace.schema import entry
from zoo.trace.sheet import Sheet
from zoo.trace.sheets import sheet
from zoo.trace.trace import Trace

COLUMNS = 32
_WORDS = {
    "head": "heads",
    "kv_head": "key–value heads",
    "time": "tokens",
    "query": "tokens that look",
    "key": "tokens looked at",
    "width": "numbers",
    "head_dim": "numbers",
    "hidden": "numbers",
    "vocab": "tokens of the vocabulary",
}
"""What each dimension of the vocabulary counts."""
WIDE = ("logits", "probs")
"""Steps with a column for every token of the vocabulary: shown from the most probable on."""


def draw(subject: Subject, stop: Stop) -> None:
    """The step's words, and its matrix; or why there is none."""
    trace = subject.trace
    if stop.missing:
        st.subheader(stop.title)
        if found := entry(stop.id):
            st.markdown(found.about)
        st.info(why_missing(subject, stop), icon=":material/visibility_off:")
        _lesson(stop.id)
        return
    st.caption(_where(trace, stop))
    if stop.id in trace.edited:
        st.warning(
            "You switched this step off, or a head of it: zeros stand in place of its numbers.", icon=":material/bolt:"
        )
    calls = len(trace.steps[stop.id])
    place = st.container()
    call = _call(calls) if calls > 1 else 0
    try:
        shown = _sheet(subject, stop.id, call)
    except ValueError as error:
        st.info(escaped(sentence(str(error))), icon=":material/visibility_off:")
        return
    with place:
        heads = len(shown.layer_labels)
        layer = min(state.head(), heads - 1) if heads > 1 else None
        matrix(shown, key=f"matrix-{stop.id}", row=selected_row(trace), layer=layer)
    if stop.block is not None and stop.id.endswith("attn.pattern"):
        _all_heads(trace, stop.block)
    _lesson(stop.id)


def _all_heads(trace: Trace, block: int) -> None:
    """Every head of every block as a small picture; choosing one shows it above too."""
    names = [f"blocks.{i}.attn.pattern" for i in range(trace.blocks)]
    if not all(name in trace for name in names):
        return
    st.subheader("All heads")
    head_grid(
        np.stack([trace[name] for name in names]),
        tokens=trace.tokens,
        key="heads",
        selected=(block, min(state.head(), len(trace[names[block]]) - 1)),
        on_select=lambda chosen: state.set_head(*chosen),
    )


def _lesson(name: str) -> None:
    if text := lesson_of(name):
        with st.expander("The idea", icon=":material/lightbulb:", expanded=True):
            st.markdown(text)


def _where(trace: Trace, stop: Stop) -> str:
    block = f"Block {stop.block} · " if stop.block is not None else ""
    return f"{block}`{stop.id}` · {shape(trace, stop.id)}"


def shape(trace: Trace, name: str) -> str:
    """The dimensions in words: 6 heads × 4 tokens × 32 numbers."""
    array = trace[name]
    found = entry(name)
    names = found.dims if found and len(found.dims) == array.ndim else ("",) * array.ndim
    return " × ".join(
        f"{count(size)} {_WORDS.get(word, '')}".strip() for size, word in zip(array.shape, names, strict=True)
    )


def _call(calls: int) -> int:
    """Which pass through this module to show: a recurrent cell runs once for each token."""
    return int(st.slider("Time step", 0, calls - 1, calls - 1, help="This module ran once for each token."))


def _sheet(subject: Subject, name: str, call: int) -> Sheet:
    trace = subject.trace
    if name in WIDE:
        order = np.argsort(-trace["logits"][selected_row(trace)], kind="stable")
        ids = [int(i) for i in order[:COLUMNS]]
        shown = sheet(trace, name, column_ids=ids, vocab_pieces=[subject.piece(i) for i in range(order.size)])
        st.caption(
            f"The columns are the {len(ids)} tokens that are most probable after the selected token, "
            f"of {count(trace[name].shape[-1])}."
        )
        return shown
    columns = np.atleast_1d(trace.steps[name][call]).shape[-1]
    if entry(name) and entry(name).dims[-1] == "key":  # type: ignore[union-attr]
        return sheet(trace, name, call=call, columns=columns)
    return sheet(trace, name, call=call, first_column=_first_column(name, columns), columns=COLUMNS)


def _first_column(name: str, columns: int) -> int:
    """Where the shown window begins."""
    if columns <= COLUMNS:
        return 0
    starts = list(range(0, columns, COLUMNS))
    chosen = st.select_slider(
        "Columns",
        starts,
        format_func=lambda start: f"{start}–{min(start + COLUMNS, columns) - 1}",
        key=f"columns-{name}",
        help=f"Each row has {count(columns)} numbers; {COLUMNS} are shown at a time.",
    )
    return int(chosen)
