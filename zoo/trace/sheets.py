"""Steps of a trace turned into `Sheet`s: what a page, an export or the command line shows of them.

`sheet` cuts out the columns to be shown, with the operands that make each of their cells. NumPy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.trace.arithmetic import Columns, Operands, comparable, cut, difference
from zoo.trace.derive import applied, derivation
from zoo.trace.operands import operands, stacked
from zoo.trace.parts import dims_of, half_of, over_time, rows_of
from zoo.trace.rules import Derivation, named
from zoo.trace.schema import entry
from zoo.trace.sheet import Sheet
from zoo.trace.trace import Array, Trace

_ROW_AXES = {
    "query": "row = the token that looks",
    "time": "row = the token",
    "source": "row = the token of the source",
    "window": "row = how far back",
}
_COLUMN_AXES = {
    "time": "column = the token",
    "key": "column = the token looked at",
    "source": "column = the token of the source that is looked at",
    "vocab": "column = one of the vocabulary's {} tokens",
    "head_dim": "column = one of the head's {} numbers",
    "hidden": "column = one of the feed-forward's {} numbers",
    "order": "column = one of {} orders, the shortest first",
}


def sheet(
    trace: Trace,
    step: str,
    *,
    call: int = 0,
    first_column: int = 0,
    columns: int = 32,
    column_ids: Sequence[int] | None = None,
    vocab_pieces: Sequence[str] | None = None,
) -> Sheet:
    """Some columns of a recorded step, with all that is needed to open any of their cells.

    Columns run from `first_column` on, `columns` of them at most, or are those of `column_ids`, in
    that order: the likeliest tokens, say. `vocab_pieces` are the labels of the whole vocabulary. A
    softmax's maximum and sum, and the error, are over the whole step, whatever is shown.

    Raises:
        ValueError: the step or the call was not recorded, or no such columns are in it.
    """
    trace = over_time(trace)
    values = stacked(_recorded(trace, step, call))
    picked = _columns(step, values.shape[2], first_column, columns, column_ids)
    found, parts, error = _explained(trace, step, call, picked)
    about, dims, texts = entry(step), dims_of(trace, step), _texts(trace, step)
    return Sheet(
        step=step,
        title=about.title if about else step,
        about=about.about if about else "",
        kind=found.kind,
        formula=found.formula,
        values=_float32(values[:, :, picked]),
        row_axis=_row_axis(dims, values.shape[1], len(texts["time"])),
        column_axis=_column_axis(dims, values.shape[2]),
        row_labels=_labels(texts, dims, values.shape[1]),
        column_labels=_column_labels(texts | {"vocab": list(vocab_pieces or ())}, dims, values.shape[2], picked),
        layer_labels=_layer_labels(texts, dims, len(values), trace),
        columns=values.shape[2],
        first_column=first_column if column_ids is None else 0,
        operands=parts,
        operand_names=_operand_names(found, parts),
        constants=dict(found.constants),
        error=error,
        reason=found.reason,
        column_ids=None if column_ids is None else list(column_ids),
    )


def _recorded(trace: Trace, step: str, call: int) -> Array:
    calls = trace.steps.get(step, [])
    if not calls and step in trace.dropped:
        raise ValueError(f"{step} did not fit into the trace's memory: shorten the text")
    if not 0 <= call < len(calls):
        raise ValueError(f"{step} was recorded {len(calls)} times; there is no call {call}")
    return calls[call]


def _columns(step: str, size: int, first: int, count: int, ids: Sequence[int] | None) -> Columns:
    if ids is not None:
        if not ids or not all(0 <= each < size for each in ids):
            raise ValueError(f"{step} has the columns 0 to {size - 1}; choose among them")
        return list(ids)
    if not 0 <= first < size or count < 1:
        raise ValueError(f"{step} has the columns 0 to {size - 1}; there are none from {first} on")
    return slice(first, min(first + count, size))


def _explained(
    trace: Trace, step: str, call: int, columns: Columns
) -> tuple[Derivation, dict[str, Array], float | None]:
    """How the step is made, the operands of what is shown, and the whole step's largest error."""
    found = derivation(trace, step, call)
    if not found.recomputable:
        return found, {}, None
    try:
        whole = operands(trace, found, call)
        values = stacked(trace.steps[step][call])
        error = float(difference(comparable(found.kind, values), applied(found, whole, values.shape)).max())
    except ValueError as problem:
        return replace(found, kind="opaque", reason=str(problem)), {}, None
    parts = cut(found.kind, whole, slice(None), columns)
    return found, {name: _float32(array) for name, array in parts.items() if not name.startswith("_")}, error


def _float32(array: Array) -> Array:
    return np.ascontiguousarray(array, dtype=np.float32)


def _texts(trace: Trace, step: str) -> dict[str, list[str]]:
    """The labels that each dimension of a step has: the tokens of its own half, and those of the source."""
    own = [trace.tokens[at] for at in rows_of(trace, step)]
    return {"time": own, "query": own, "key": own, "source": list(trace.tokens[: trace.source])}


def _row_axis(dims: tuple[str, ...], size: int, time: int) -> str:
    if len(dims) > 1 and dims[-2] in _ROW_AXES:
        return _ROW_AXES[dims[-2]]
    if len(dims) == 1 and size == 1:
        return "one row for the whole text"
    return "row = the token" if size == time else f"row = one of {size}"


def _column_axis(dims: tuple[str, ...], size: int) -> str:
    return _COLUMN_AXES.get(dims[-1] if dims else "", "column = one of {} numbers").format(f"{size:,}")


def _labels(texts: dict[str, list[str]], dims: tuple[str, ...], size: int) -> list[str]:
    """The tokens where there is one for each, else numbers."""
    word = dims[-2] if len(dims) > 1 else "time"
    if word == "window":
        return [f"{size - 1 - n} back" if n < size - 1 else "this token" for n in range(size)]
    names = texts.get(word, texts["time"])
    if len(dims) == 1 and size == 1:
        names = ["whole text"]
    return names if len(names) == size else [str(n) for n in range(size)]


def _column_labels(texts: dict[str, list[str]], dims: tuple[str, ...], size: int, picked: Columns) -> list[str]:
    numbers = list(range(size))[picked] if isinstance(picked, slice) else list(picked)
    names = texts.get(dims[-1], []) if dims else []
    return [names[n] if n < len(names) else str(n) for n in numbers]


def _layer_labels(texts: dict[str, list[str]], dims: tuple[str, ...], layers: int, trace: Trace) -> list[str]:
    if layers == 1 and len(dims) < 3:
        return [""]
    if dims[:1] == ("time",) and len(dims) == 3 and len(texts["time"]) == layers:
        return [f"token {n}" for n in range(layers)]
    shared = dims[:1] == ("kv_head",) and trace.anatomy is not None and layers < trace.anatomy.heads
    word = "key/value head" if shared else "head" if len(dims) == 3 else "slice"
    return [f"{word} {n}" for n in range(layers)]


def _operand_names(found: Derivation, parts: Operands) -> dict[str, str]:
    """What formulas call each operand; "q" for a step of the same block, "W_Q" for a weight."""
    half = half_of(found.step)
    own = found.step.removeprefix(half)
    names = {role: named(step.removeprefix(half), own) for role, step in found.steps.items()}
    names |= {role: weight.split(".")[-1] for role, weight in found.weights.items()}
    if found.kind == "lookup":
        names |= {"ids": "position" if own == "embed.pos" else "id"}
    if found.kind == "norm":
        names["std"] = "√(mean square + ε)" if "mean square" in found.formula else "√(variance + ε)"
    if found.kind == "rotate":
        names["pair"] = f"partner in {names['x']}"
    if found.kind == "map" and not found.steps:
        names["x"] = "angle"
    names |= found.labels
    shown = {role: names.get(role, role) for role in parts}
    return shown | ({"table": names["weight"]} if found.kind == "lookup" else {})
