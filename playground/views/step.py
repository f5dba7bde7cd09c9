"""One step of the forward pass: what it is, its shape, its numbers, and the arithmetic of each."""

from __future__ import annotations

import re

import numpy as np
import streamlit as st

from playground import state
from playground.components.heads import head_grid
from playground.components.matrix import matrix
from playground.lessons import lesson_of
from playground.text import count, escaped, sentence
from playground.views.controls import Subject
from playground.views.route import Stop, row_of, why_missing
from zoo.trace.parts import dims_of, half_of, over_time, rows_of
from zoo.trace.schema import block_of, entry
from zoo.trace.sheet import Sheet
from zoo.trace.sheets import sheet
from zoo.trace.trace import Trace

COLUMNS = 32
TRY = "*Try it:*"
"""How a lesson's last paragraph begins."""
_WORDS = {
    "head": "heads",
    "kv_head": "key–value heads",
    "time": "tokens",
    "query": "tokens that look",
    "key": "tokens looked at",
    "source": "tokens of the source",
    "window": "places",
    "order": "orders",
    "width": "numbers",
    "head_dim": "numbers",
    "hidden": "numbers",
    "vocab": "tokens of the vocabulary",
}
"""What each dimension of the vocabulary counts."""
ANSWER = ("logits", "probs")
"""Steps whose columns stand in the order of the model's answer, the most probable token first."""


def draw(subject: Subject, stop: Stop) -> None:
    """The step's words, and its matrix; or why there is none."""
    trace = over_time(subject.trace)
    if stop.missing:
        st.subheader(stop.title)
        if found := entry(stop.id):
            st.markdown(found.about)
        st.info(why_missing(subject, stop), icon=":material/visibility_off:")
        _lesson(trace, stop.id, tried=False)
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
        layers, row = len(shown.layer_labels), row_of(trace, stop.id)
        layer = min(state.head(), layers - 1) if layers > 1 else None
        if dims_of(trace, stop.id)[:1] == ("time",) and layers > 1:  # a matrix for each token
            row, layer = None, row
        row = row if row is None or row < len(shown.row_labels) else None
        matrix(shown, key=f"matrix-{stop.id}", row=row, layer=layer)
    if stop.id.endswith("attn.pattern"):
        _all_heads(trace, stop.id)
    _lesson(trace, stop.id)


def _all_heads(trace: Trace, step: str) -> None:
    """Every head of every block as a small picture; choosing one shows it above too."""
    block, half = block_of(step), half_of(step)
    names = [name for name in trace.steps if re.fullmatch(rf"{re.escape(half)}blocks\.\d+\.attn\.pattern", name)]
    if block is None or len(names) <= block or len({trace[name].shape for name in names}) > 1:
        return

    def chosen(pair: tuple[int, int]) -> None:
        state.set_head(*pair)
        state.set_step(names[pair[0]])

    st.subheader("All heads")
    head_grid(
        np.stack([trace[name] for name in names]),
        tokens=[trace.tokens[at] for at in rows_of(trace, step)],
        key=f"heads{half}",
        selected=(block, min(state.head(), len(trace[names[block]]) - 1)),
        on_select=chosen,
    )


def _lesson(trace: Trace, name: str, tried: bool = True) -> None:
    """The idea of a step; without what there is to try where the model lacks it."""
    streams = any("blocks." in step for step in (*trace.steps, *trace.dropped))
    if name.endswith("embed.out") and not streams:
        name = "embed.tok"
    if name == "logits" and "ngram.mix" in trace:
        name = "ngram.mix"
    if text := lesson_of(name):
        text = text if tried else text.partition(TRY)[0]
        with st.expander("The idea", icon=":material/lightbulb:", expanded=True):
            st.markdown(text)


def _where(trace: Trace, stop: Stop) -> str:
    block = f"Block {stop.block}" if isinstance(stop.block, int) else stop.block
    return f"{f'{block} · ' if block else ''}`{stop.id}` · {shape(trace, stop.id)}"


def shape(trace: Trace, name: str) -> str:
    """The dimensions in words: 6 heads × 4 tokens × 32 numbers."""
    trace = over_time(trace)
    array, dims = trace[name], dims_of(trace, name)
    names = dims if len(dims) == array.ndim else ("",) * array.ndim
    return " × ".join(
        f"{count(size)} {_WORDS.get(word, '')}".strip() for size, word in zip(array.shape, names, strict=True)
    )


def _call(calls: int) -> int:
    """Which pass through this module to show: a recurrent cell runs once for each token."""
    return int(st.slider("Time step", 0, calls - 1, calls - 1, help="This module ran once for each token."))


def _sheet(subject: Subject, name: str, call: int) -> Sheet:
    trace = over_time(subject.trace)
    dims = dims_of(trace, name)
    if dims[-1:] == ("vocab",):
        return _of_the_vocabulary(subject, trace, name)
    columns = np.atleast_1d(trace.steps[name][call]).shape[-1]
    if dims[-1:] in (("key",), ("source",)):
        return sheet(trace, name, call=call, columns=columns)
    return sheet(trace, name, call=call, first_column=_first_column(name, columns), columns=COLUMNS)


def _of_the_vocabulary(subject: Subject, trace: Trace, name: str) -> Sheet:
    """A step with a column for every token of the vocabulary: those with the highest values, highest first."""
    ranked = trace["logits" if name in ANSWER else name]
    row = row_of(trace, name)
    order = np.argsort(-ranked[-1 if row is None else row], kind="stable")
    ids = [int(i) for i in order[:COLUMNS]]
    about = "most probable by" if name in ANSWER else "highest at"
    where = "the last token" if row is None else "the selected token"
    st.caption(f"The columns are the {len(ids)} tokens {about} the row of {where}, of {count(order.size)}.")
    return sheet(trace, name, column_ids=ids, vocab_pieces=[subject.piece(i) for i in range(order.size)])


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
