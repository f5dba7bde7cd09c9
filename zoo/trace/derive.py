"""What each step of a trace is made of, and the whole step recomputed from it in float64.

`verify` compares the recomputed steps with the recorded ones; `sheets` shows their operands.
NumPy only: a saved trace is checked without torch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.trace.arithmetic import Operands, cut, evaluate, tiles
from zoo.trace.operands import operands, stacked
from zoo.trace.parts import HANDED_OVER, half_of, inside, over_time
from zoo.trace.rules import FREE, RULES, Derivation, short
from zoo.trace.rules_others import FREE_OTHERS, OTHERS
from zoo.trace.schema import entry
from zoo.trace.trace import Array, Trace


def derivation(trace: Trace, step: str, call: int = 0) -> Derivation:
    """What makes `step` in this trace's model; kind "opaque" or "input" with a reason where nothing does.

    Where a step was computed several times in one pass, `call` says which time is meant.
    """
    if step in trace.edited:
        return Derivation(step, "input", reason="edited: an intervention replaced this value")
    trace, known = over_time(trace), entry(step)
    rule = _RULES.get(known.name) if known else None
    if rule is None or known is None:
        return _opaque(step, _unknown(step))
    if trace.anatomy is None and known.name not in _FREE:
        return _opaque(step, "computed inside, not shown: the model names no weights; give its plugin an `anatomy()`")
    half = half_of(step)
    found = _outside(trace, rule(inside(trace, step), _number(step.removeprefix(half))), step, half)
    missing = _missing(trace, found, call)
    return replace(found, kind=found.kind if found.kind == "input" else "opaque", reason=missing) if missing else found


_RULES, _FREE = RULES | OTHERS, FREE | FREE_OTHERS


def _number(step: str) -> int:
    """Of the block, layer or order that a step belongs to; −1 where it belongs to none."""
    match = re.match(r"(?:blocks|layers)\.(\d+)\.|ngram\.\w+\.(\d+)$", step)
    return int(match[1] or match[2]) if match else -1


def _outside(trace: Trace, found: Derivation, step: str, half: str) -> Derivation:
    """What a rule found in one half of a translator, under the names of the whole trace.

    A half reads its own steps, those of the other half, and what is handed over. Both may share one embedding table.
    """

    def full(name: str) -> str:
        shared = name == "embed.W_E" and half + name not in trace.params
        return name if half_of(name) or name in HANDED_OVER or shared else half + name

    steps = {role: full(name) for role, name in found.steps.items()}
    weights = {role: full(name) for role, name in found.weights.items()}
    return replace(found, step=step, steps=steps, weights=weights)


def recompute(trace: Trace, step: str, call: int = 0) -> Array:
    """The whole step in float64, from its recorded inputs and the weights; shaped as it was recorded.

    Raises:
        ValueError: the step cannot be taken apart, or its inputs do not fit together; the text says why.
    """
    trace = over_time(trace)
    found = derivation(trace, step, call)
    if not found.recomputable:
        raise ValueError(f"{step}: {found.reason}")
    if step not in trace:
        raise ValueError(f"{step} was not recorded")
    recorded = trace.steps[step][call]
    return applied(found, operands(trace, found, call), stacked(recorded).shape).reshape(recorded.shape)


def applied(found: Derivation, parts: Operands, shape: Sequence[int]) -> Array:
    """A step's arithmetic done on all of its operands: (H, R, C) float64."""
    result = np.empty(shape)
    for rows, columns in tiles(found.kind, parts, shape):
        result[:, rows, columns] = evaluate(found.kind, cut(found.kind, parts, rows, columns), found.constants)
    return result


def _missing(trace: Trace, found: Derivation, call: int) -> str:
    """Why the operands cannot be had, as a sentence for the learner; empty where they can."""
    calls = len(trace.steps.get(found.step, ()))
    for name in found.inputs:
        if name in trace.dropped:
            return f"its input {name} did not fit into the trace's memory: shorten the text"
        if name not in trace:
            return f"computed inside, not shown: its input {name} was not recorded; add `record({short(name)!r}, …)`"
        if calls > 1 and len(trace.steps[name]) != calls:
            return f"computed {calls} times in one pass, its input {name} {len(trace.steps[name])} times: no pairs"
    if not found.recomputable:
        return found.reason
    if found.kind == "lookup" and calls > 1:
        return f"computed {calls} times in one pass: which token each belongs to was not recorded"
    if call >= max(calls, 1):
        return f"computed {calls} times in this pass: there is no call {call}"
    if found.weights and not trace.params:
        return "this trace was saved without the model's weights: open it together with the model"
    lacking = [name for name in found.params if name not in trace.params]
    return f"the model's anatomy lacks the weight {lacking[0]}" if lacking else ""


def _opaque(step: str, reason: str) -> Derivation:
    return Derivation(step, "opaque", reason=reason)


def _unknown(step: str) -> str:
    if entry(step) is not None:
        return f"computed inside, not shown: the arithmetic of {step!r} is recorded, but not taken apart"
    return (
        f"computed inside, not shown: {step!r} is not a step of the schema; "
        "record its parts, as in `record('attn.pattern', w)`, or map it in `names()`"
    )
