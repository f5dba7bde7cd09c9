"""Does every number of a trace follow from the numbers beside it? Recomputes each step and compares.

Used by the conformance kit, by `python -m zoo trace` and by the property tests. NumPy only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zoo.trace.arithmetic import comparable, cut, difference, evaluate, rounding, tiles
from zoo.trace.derive import derivation
from zoo.trace.operands import operands, stacked
from zoo.trace.parts import over_time
from zoo.trace.rules import Derivation
from zoo.trace.trace import Array, Trace


@dataclass(frozen=True)
class Check:
    """One identity, held against the numbers that were recorded."""

    step: str
    """The step's name; "name#1" for a second call in the same pass."""
    formula: str
    max_error: float | None
    """Largest |recorded − recomputed in float64| over the whole step; None where nothing was recomputed."""
    tolerance: float | None
    """What rounding allows at the cell with that error, or at the worst cell of a step that fails."""
    ok: bool | None
    """None where the step could not be checked; `reason` says why."""
    reason: str = ""


def verify(trace: Trace) -> list[Check]:
    """Check every recorded step, in the order in which they were computed.

    No step is passed over in silence: one that cannot be recomputed, was edited, or was dropped by
    the budget has ok=None with a reason. A step whose inputs do not fit together has ok=False.
    """
    trace = over_time(trace)
    names = [*trace.steps, *(name for name in trace.dropped if name not in trace)]
    return [check for name in names for check in _checks(trace, name)]


def _checks(trace: Trace, name: str) -> Iterator[Check]:
    for call in range(len(trace.steps.get(name, ()))):
        yield _check(trace, name, call)
        if name == "probs" or re.search(r"\b(attn|cross)\.pattern$", name):
            yield _row_sums(trace, name, call)
    if name in trace.dropped:
        size = trace.dropped[name] / 2**20
        yield Check(name, "", None, None, None, f"not kept: {size:.1f} MiB had no room in memory; shorten the text")


def _label(name: str, call: int) -> str:
    return f"{name}#{call}" if call else name


def _check(trace: Trace, name: str, call: int) -> Check:
    found, label = derivation(trace, name, call), _label(name, call)
    if not found.recomputable:
        return Check(label, found.formula, None, None, None, found.reason)
    try:
        parts = operands(trace, found, call)
    except ValueError as problem:
        return Check(label, found.formula, None, None, False, str(problem))
    recorded = trace.steps[name][call]
    error, allowed, worst = _compare(found, parts, stacked(recorded), _unit(recorded))
    if worst is None:
        return Check(label, found.formula, error, allowed, True)
    reason = f"a cell is off by {worst:.3g} from what the formula gives; rounding explains {allowed:.3g}"
    return Check(label, found.formula, error, allowed, False, reason)


def _unit(recorded: Array) -> float:
    """The relative step of the floats in which the model computed; never finer than float32."""
    kind = recorded.dtype if np.issubdtype(recorded.dtype, np.floating) else np.dtype(np.float32)
    return max(float(np.finfo(kind).eps), float(np.finfo(np.float32).eps))


def _compare(
    found: Derivation, parts: dict[str, Array], recorded: Array, unit: float
) -> tuple[float, float, float | None]:
    """(largest error, what rounding allows there, None), every cell being within its own tolerance.

    Else (largest error, what rounding allows at the worst cell, the error there).
    """
    largest, fails = (0.0, 0.0), list[tuple[float, float]]()
    for rows, columns in tiles(found.kind, parts, recorded.shape):
        part = cut(found.kind, parts, rows, columns)
        shown = comparable(found.kind, recorded[:, rows, columns])
        error = difference(shown, evaluate(found.kind, part, found.constants))
        allowed = np.broadcast_to(rounding(found.kind, part, found.constants, unit), error.shape)
        allowed = np.nan_to_num(allowed, nan=0.0, posinf=0.0)
        top = np.unravel_index(error.argmax(), error.shape)
        largest = max(largest, (float(error[top]), float(allowed[top])))
        if (error > allowed).any():
            at = np.unravel_index((error - allowed).argmax(), error.shape)
            fails.append((float(error[at]), float(allowed[at])))
    if fails:
        worst, allowed_there = max(fails)
        return largest[0], allowed_there, worst
    return *largest, None


def _row_sums(trace: Trace, name: str, call: int) -> Check:
    """Each row of a softmax is a division of 1."""
    label, formula = _label(name, call), f"each row of {name} sums to 1"
    if name in trace.edited:
        return Check(label, formula, None, None, None, derivation(trace, name, call).reason)
    rows = trace.steps[name][call]
    gap = difference(rows.sum(-1, dtype=np.float64), np.ones(rows.shape[:-1]))
    error, allowed = float(gap.max(initial=0.0)), _unit(rows) * (8 + math.sqrt(rows.shape[-1]))
    ok = error <= allowed
    return Check(label, formula, error, allowed, ok, "" if ok else f"a row sums to 1 ± {error:.3g}")
