"""A step's operands as arrays, laid out as `zoo.trace.sheet` says. Used by `derive`, `verify` and `sheets`."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoo.plugin import Anatomy
from zoo.trace.operands_others import SPECIAL, special, stacked
from zoo.trace.parts import half_of, inside, over_time
from zoo.trace.rules import Derivation
from zoo.trace.trace import Array, Trace

__all__ = ["operands", "stacked"]

_ROWS_AT_A_TIME = 2**20


def operands(trace: Trace, found: Derivation, call: int = 0) -> dict[str, Array]:
    """Every operand of a step, whole: all rows, all columns, in the dtype in which it is held.

    Raises:
        ValueError: they do not fit together, or do not give the shape that was recorded.
    """
    trace = over_time(trace)
    recorded = trace.steps[found.step][call]
    inputs = {role: _input(trace, name, call) for role, name in found.steps.items()}
    inputs |= {role: _one_later(inputs[role], _first(trace, found)) for role in found.before}
    weights = {role: np.asarray(trace.params[name]) for role, name in found.weights.items()}
    here = replace(found, step=found.step.removeprefix(half_of(found.step)))
    try:
        parts = _lay_out(inside(trace, found.step), here, inputs, weights, stacked(recorded))
    except (ValueError, IndexError) as error:
        raise ValueError(f"its inputs do not fit together: {error}") from error
    given = _shape(found, parts)
    if given != stacked(recorded).shape:
        raise ValueError(f"the formula gives the shape {given}, recorded was {recorded.shape}")
    return parts


def _input(trace: Trace, name: str, call: int) -> Array:
    calls = trace.steps[name]
    return calls[call] if call < len(calls) else calls[0]


def _first(trace: Trace, found: Derivation) -> Array | float:
    """The state before the first token: (width,), or 0."""
    return trace[found.start] if found.start else 0.0


def _one_later(rows: Array, first: Array | float) -> Array:
    """(T, C) with each row where the next one stood: what the token before left behind."""
    before = np.empty_like(rows)
    before[0], before[1:] = first, rows[:-1]
    return before


def _shape(found: Derivation, parts: dict[str, Array]) -> tuple[int, ...]:
    if found.kind == "dot":
        return (*np.broadcast_shapes(parts["a"].shape[:1], parts["b"].shape[:1]), *_matrix(parts))
    if found.kind == "gate":
        x, h, W_x, W_h = (parts[role] for role in ("x", "h", "W_x", "W_h"))
        _matrix({"a": h, "b": W_h})
        return (1, *_matrix({"a": np.broadcast_to(x, (1, h.shape[1], x.shape[2])), "b": W_x}))
    if found.kind == "compare":
        return (1, parts["a"].shape[1], parts["b"].shape[1])
    if found.kind == "mask":
        return (1, len(parts["query"]), len(parts["key"]))
    first = parts["weight" if found.kind == "lookup" else "part0" if found.kind in ("add", "mix") else "x"]
    return np.broadcast_shapes(first.shape, *(each.shape for each in parts.values() if each.ndim == 3))


def _matrix(parts: dict[str, Array]) -> tuple[int, int]:
    if parts["a"].shape[2] != parts["b"].shape[1]:
        raise ValueError(f"its inputs do not fit together: {parts['a'].shape[2]} numbers by {parts['b'].shape[1]}")
    return parts["a"].shape[1], parts["b"].shape[2]


def _lay_out(
    trace: Trace, found: Derivation, inputs: dict[str, Array], weights: dict[str, Array], recorded: Array
) -> dict[str, Array]:
    if (
        "mix" in inputs
        or found.kind == "compare"
        or (found.step in SPECIAL and found.step != "logits")
        or found.step.startswith("ngram.")
    ):
        return special(trace, found, inputs, weights, recorded)
    match found.kind:
        case "gate":
            return _gate(inputs, weights)
        case "mix":
            parts = {role: stacked(array) for role, array in inputs.items()}
            return {role.replace("rest", "share"): 1 - x if role.startswith("rest") else x for role, x in parts.items()}
        case "lookup":
            return _lookup(trace, found, weights, recorded)
        case "norm":
            assert trace.anatomy is not None
            return _norm(trace.anatomy, stacked(inputs["x"]), weights)
        case "dot":
            return _dot(trace.anatomy, found, inputs, weights)
        case "softmax":
            return _softmax(trace.anatomy, stacked(inputs["x"]), inputs.get("mask"), found)
        case "rotate":
            assert trace.anatomy is not None
            return _rotate(trace.anatomy, stacked(inputs["x"]))
        case "map" if not inputs:
            return _angles(*recorded.shape[1:])
        case "mask":
            return {"query": np.arange(recorded.shape[-2]), "key": np.arange(recorded.shape[-1])}
        case _:  # add, map
            return {role: stacked(array) for role, array in inputs.items()}


def _lookup(trace: Trace, found: Derivation, weights: dict[str, Array], recorded: Array) -> dict[str, Array]:
    ids = np.arange(recorded.shape[1])
    if found.step == "embed.tok":
        ids = np.asarray(trace.ids)
    if found.step == "embed.prev":  # the table's last row stands where there is no token before
        ids = np.asarray([len(weights["weight"]) - 1, *trace.ids[:-1]])
    scale = trace.anatomy.extra.get("embed_scale", 1.0) if trace.anatomy and found.step == "embed.tok" else 1.0
    return {"ids": ids, "weight": weights["weight"][ids][None] * scale}


def _gate(inputs: dict[str, Array], weights: dict[str, Array]) -> dict[str, Array]:
    """A cell's gate: what the token says and what the past says, x (1, T, N) and h (1, T, C)."""
    x, h = (stacked(inputs[role]) for role in ("x", "h"))
    if "more" in inputs:
        x = np.concatenate([x, stacked(inputs["more"])], axis=-1)
    x = np.broadcast_to(x, (1, h.shape[1], x.shape[2]))  # one context serves every step
    reset = {"reset": stacked(inputs["reset"])} if "reset" in inputs else {}
    return {"x": x, "h": h, **reset, **{role: array[None] for role, array in weights.items()}}


def _angles(time: int, width: int) -> dict[str, Array]:
    """Of sinusoidal positions (Vaswani et al. 2017), with cos(a) as sin(a + π/2)."""
    frequencies = 10_000.0 ** -(np.arange(0, width, 2) / width)
    angles = np.arange(time)[:, None] * frequencies  # (T, ceil(C / 2))
    both = np.stack([angles, angles + np.pi / 2], axis=-1).reshape(time, -1)[:, :width]
    return {"x": both[None], "_drift": 4 + _drift(angles, frequencies).repeat(2, axis=1)[:, :width]}


def _drift(angles: Array, frequencies: Array) -> Array:
    """How far a float32 angle may be off, in roundings: those of power, exponent and product, at its size."""
    return np.asarray(angles * (4 + np.abs(np.log(frequencies))))


def _norm(anatomy: Anatomy, x: Array, weights: dict[str, Array]) -> dict[str, Array]:
    """`x` (1, T, C) with the mean and the √(variance + ε) of each row (Ba et al. 2016; Zhang and Sennrich 2019)."""
    wide = x.astype(np.float64)
    mean = wide.mean(-1) if anatomy.norm == "layer_norm" else np.zeros(x.shape[:2])
    std = np.sqrt(((wide - mean[..., None]) ** 2).mean(-1) + anatomy.norm_eps)
    return {"x": x, "mean": mean, "std": std, **{role: array[None] for role, array in weights.items()}}


def _dot(
    anatomy: Anatomy | None, found: Derivation, inputs: dict[str, Array], weights: dict[str, Array]
) -> dict[str, Array]:
    a = stacked(inputs["a"])
    if "b" in inputs:  # two recorded steps: scores, z
        b = stacked(inputs["b"])
        b = b.repeat(len(a) // len(b), axis=0)  # each key and value head serves a group of query heads
        return {"a": a, "b": b.swapaxes(1, 2) if found.step.endswith(".scores") else b}
    if re.search(r"(attn|cross)\.out$", found.step):
        a = a.swapaxes(0, 1).reshape(1, a.shape[1], -1)  # (H, T, D) -> (1, T, H * D)
    if not re.match(r"blocks\.\d+\.(attn|cross)\.[qkv]$", found.step):
        return {"a": a, **{role: array[None] for role, array in weights.items()}}
    assert anatomy is not None
    size = anatomy.head_dim
    parts = {"a": a, "b": weights["b"].reshape(a.shape[-1], -1, size).swapaxes(0, 1)}  # (C, H * D) -> (H, C, D)
    return parts | ({"bias": weights["bias"].reshape(-1, size)} if "bias" in weights else {})


def _softmax(anatomy: Anatomy | None, x: Array, mask: Array | None, found: Derivation) -> dict[str, Array]:
    """`x` with each row's maximum and sum of exponentials, over all of its columns."""
    parts = {"x": x}
    if mask is None and found.step.endswith("attn.pattern") and anatomy is not None and anatomy.causal:
        mask = np.triu(np.full(x.shape[1:], -np.inf, dtype=np.float32), 1)
    if mask is not None:
        parts["mask"] = np.broadcast_to(mask.reshape(mask.shape[-2:]), x.shape[1:])
    parts["max"], parts["sum"] = np.empty(x.shape[:2]), np.empty(x.shape[:2])
    step = max(1, _ROWS_AT_A_TIME // max(1, x.shape[0] * x.shape[2]))
    for start in range(0, x.shape[1], step):
        rows = slice(start, start + step)
        parts["max"][:, rows], parts["sum"][:, rows] = _max_and_sum(x[:, rows], parts.get("mask", 0.0), rows)
    return parts


def _max_and_sum(x: Array, mask: Array | float, rows: slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    total = x.astype(np.float64) + (mask[rows] if isinstance(mask, np.ndarray) else mask)
    top = total.max(-1)
    with np.errstate(invalid="ignore"):  # a row that is −∞ throughout has no softmax
        return top, np.exp(total - top[..., None]).sum(-1)


def _rotate(anatomy: Anatomy, x: Array) -> dict[str, Array]:
    """Element j turned together with element j + D/2 (Su et al. 2021), at float64 angles."""
    half = x.shape[-1] // 2
    frequencies = _frequencies(anatomy, half)
    angles = np.arange(x.shape[1])[:, None] * frequencies  # (T, D/2)
    pair = np.concatenate([-x[..., half:], x[..., :half]], axis=-1)
    both = np.concatenate([angles, angles], axis=-1)  # (T, D)
    drift = np.tile(_drift(angles, frequencies), 2)
    return {"x": x, "pair": pair, "cos": np.cos(both), "sin": np.sin(both), "_drift": drift}


def _frequencies(anatomy: Anatomy, half: int) -> NDArray[np.float64]:
    """Radians per position of each pair: the model's own list where it scales them, else theta^(−j / half)."""
    if "rope_frequencies" in anatomy.extra:
        return np.asarray(anatomy.extra["rope_frequencies"], dtype=np.float64)
    return np.asarray(anatomy.rope_theta ** -(np.arange(half) / half), dtype=np.float64)
