"""A trace as the rules and the sheets read it: time steps put together, and a translator's halves apart. NumPy only.

What ran once a token (a cell; attention that waits for the word before) was recorded call by call, and is one matrix
with a row for each token here. The steps of a translator's encoder are about its source, those of its decoder
about the translation: each half is read as a trace of its own, so that one rule serves both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from zoo.trace.schema import entry
from zoo.trace.trace import Array, Trace

HALVES = ("encoder.", "decoder.")
HANDED_OVER = ("context", "start")
"""Steps of neither half that the decoder reads."""
_ANSWER = ("logits", "probs")
_T = TypeVar("_T")


def rows_of(trace: Trace, step: str) -> range:
    """Where in the trace's ids the tokens stand that a step's rows are about: all of them, or one half."""
    whole = range(len(trace.ids))
    if not trace.source:
        return whole
    if step.startswith(HALVES[0]):
        return whole[: trace.source]
    return whole[trace.source :] if step.startswith(HALVES[1]) or step in _ANSWER else whole


def dims_of(trace: Trace, step: str) -> tuple[str, ...]:
    """The step's dimensions in the vocabulary's words, with the time of what ran once a token; () if unknown."""
    found = entry(step)
    if found is None or step not in trace:
        return found.dims if found else ()
    return ("time", *found.dims) if found.dims == ("width",) and trace[step].ndim == 2 else found.dims


def over_time(trace: Trace) -> Trace:
    """The trace with each step that ran once a token as one array: a cell's calls (width,) are (time, width)."""
    whole = {name: _together(trace, name, calls) for name, calls in trace.steps.items()}
    made = {name: [array] for name, array in whole.items() if array is not None}
    return replace(trace, steps={**trace.steps, **made}) if made else trace


def _together(trace: Trace, name: str, calls: Sequence[Array]) -> Array | None:
    """The calls as one array; None where they are no time steps, one a token."""
    found = entry(name)
    if found is None or len(calls) != len(rows_of(trace, name)):
        return None
    if found.name.startswith("cell."):
        if any(each.ndim != 1 for each in calls):
            return None
        return np.stack(calls[::-1] if ".backward." in name else calls)  # read backwards, call 0 is the last token
    axis = next((n for n, dim in enumerate(found.dims) if dim in ("time", "query")), None)
    if axis is None or len(calls) < 2 or any(each.ndim <= axis or each.shape[axis] != 1 for each in calls):
        return None
    if any(each.shape != calls[0].shape for each in calls):
        return None
    return np.concatenate(calls, axis)


def half_of(step: str) -> str:
    """ "encoder.", "decoder.", or "" for a step of neither."""
    return next((half for half in HALVES if step.startswith(half)), "")


def inside(trace: Trace, step: str) -> Trace:
    """The half of a translator that `step` belongs to, as a trace of its own; the trace itself for any other model.

    The half's own steps and weights have their names without "encoder." or "decoder."; those that it may read besides
    keep theirs. The encoder reads nothing but its own.
    """
    half = half_of(step)
    if not half and not trace.source:
        return trace
    rows, anatomy = rows_of(trace, step), trace.anatomy
    encodes = half == HALVES[0]
    read = () if encodes else (*HALVES, *HANDED_OVER)
    steps = {name: calls for name, calls in trace.steps.items() if not half or name.startswith((half, *read))}
    if anatomy is not None:  # the source is all there: its tokens look both ways
        anatomy = replace(anatomy, params=_own(anatomy.params, half), causal=anatomy.causal and not encodes)
    return replace(
        trace,
        ids=[trace.ids[at] for at in rows],
        tokens=[trace.tokens[at] for at in rows],
        steps=_own(steps, half),
        anatomy=anatomy,
    )


def _own(named: Mapping[str, _T], half: str) -> dict[str, _T]:
    own = {name.removeprefix(half): value for name, value in named.items() if half and name.startswith(half)}
    return {**named, **own}
