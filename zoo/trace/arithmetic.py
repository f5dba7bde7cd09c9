"""The arithmetic of a sheet's cells in NumPy, kind by kind, and how far float32 may be off from it.

`zoo.trace.sheet` says which operands a kind has and what it makes of them; this file does it. The
component in the browser does the same from the same arrays. Operands may carry extra entries that
start with "_": they serve the tolerance, and are not shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.trace.sheet import Kind
from zoo.trace.trace import Array

Operands = Mapping[str, Array]
Constants = Mapping[str, float | str]
Columns = slice | Sequence[int]

_AXES: dict[str, dict[str, str]] = {
    "lookup": {"ids": "r", "weight": "lrc"},
    "add": {"part": "lrc"},
    "norm": {"x": "lrc", "mean": "lr", "std": "lr", "weight": "lc", "bias": "lc"},
    "dot": {"a": "lrn", "b": "lnc", "bias": "lc"},
    "softmax": {"x": "lrc", "mask": "rc", "max": "lr", "sum": "lr"},
    "map": {"x": "lrc", "gate": "lrc", "_drift": "rc"},
    "rotate": {"x": "lrc", "pair": "lrc", "cos": "rc", "sin": "rc", "_drift": "rc"},
    "mask": {"query": "r", "key": "c"},
    "gate": {"x": "lrn", "W_x": "lnc", "h": "lrn", "W_h": "lnc", "bias": "lc", "reset": "lrc", "h_bias": "lc"},
    "mix": {"part": "lrc", "share": "lrc"},
    "compare": {"a": "lrn", "b": "lcn", "v": "ln", "_drift": "lrn"},
}
_TILE = 2**20
"""Cells that are worked on at a time, so that a large vocabulary does not need gigabytes."""


def axes(kind: Kind, operand: str) -> str:
    """The axes of an operand: l layer, r row, c column, n the summed one: axes("dot", "b") is "lnc"."""
    return _AXES[kind][operand.rstrip("0123456789") if kind in ("add", "mix") else operand]


def cut(kind: Kind, operands: Operands, rows: slice, columns: Columns) -> dict[str, Array]:
    """The operands of some rows and columns only."""
    place: dict[str, Columns] = {"r": rows, "c": columns}
    return {
        name: array[tuple(place.get(axis, slice(None)) for axis in axes(kind, name))]
        for name, array in operands.items()
    }


def tiles(kind: Kind, operands: Operands, shape: Sequence[int]) -> Iterator[tuple[slice, slice]]:
    """Rows and columns that together cover a step of shape (H, R, C), a bearable number of cells at a time."""
    layers, rows, columns = shape
    if kind in ("dot", "gate"):  # wide weights: all rows, some columns
        inner = sum(array.shape[1] for name, array in operands.items() if axes(kind, name) == "lnc")
        step = max(1, _TILE // max(1, layers * max(rows, inner)))
        for start in range(0, columns, step):
            yield slice(0, rows), slice(start, start + step)
        return
    inner = operands["a"].shape[-1] if kind == "compare" else 1
    step = max(1, _TILE // max(1, layers * columns * inner))
    for start in range(0, rows, step):
        yield slice(start, start + step), slice(0, columns)


def evaluate(kind: Kind, operands: Operands, constants: Constants) -> NDArray[np.float64]:
    """The cells (H, R, C) in float64, from their operands alone.

    Raises:
        ValueError: the kind has no arithmetic ("input", "opaque"), or the operands do not fit together.
    """
    o = {name: _wide(array, axes(kind, name)) for name, array in operands.items()}
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        match kind:
            case "lookup":
                return o["weight"]
            case "add":
                return sum(o.values(), start=np.zeros(()))
            case "norm":
                return (o["x"] - o["mean"]) / o["std"] * o.get("weight", 1.0) + o.get("bias", 0.0)
            case "dot":
                return o["a"] @ o["b"] * float(constants["scale"]) + o.get("bias", 0.0)
            case "softmax":
                return np.exp(o["x"] + o.get("mask", 0.0) - o["max"]) / o["sum"]
            case "map":
                return activation(str(constants["function"]), o["x"]) * o.get("gate", 1.0)
            case "rotate":
                return o["x"] * o["cos"] + o["pair"] * o["sin"]
            case "gate":
                past = o["h"] @ o["W_h"] + o.get("h_bias", 0.0)
                return activation(
                    str(constants["function"]), o["x"] @ o["W_x"] + o.get("bias", 0.0) + o.get("reset", 1.0) * past
                )
            case "mix":
                return activation(str(constants["function"]), _mixed(o))
            case "compare":
                return np.asarray(np.tanh(o["a"][:, :, None] + o["b"][:, None]) @ o["v"][0])
            case "mask":
                hidden = (o["key"] > o["query"]) & (constants["rule"] == "causal")
                return np.where(hidden, -np.inf, 0.0)
    raise ValueError(f"a step of kind {kind!r} has no arithmetic to do")


def rounding(kind: Kind, operands: Operands, constants: Constants, unit: float) -> NDArray[np.float64]:
    """How far each cell (H, R, C) may be off when the model computed it in floats of relative step `unit`.

    Sums are measured against the sum of their terms' sizes: what cancels cannot be known better.
    A sum of n terms drifts by about √n roundings (Higham 2002, "Accuracy and Stability", section 2.6).
    """
    o = {name: np.abs(_wide(array, axes(kind, name))) for name, array in operands.items()}
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        match kind:
            case "lookup":
                loose = o["weight"]
            case "add":
                loose = 2 * sum(o.values(), start=np.zeros(()))
            case "norm":
                size = (8 + math.sqrt(o["x"].shape[-1])) * (o["x"] + o["mean"]) / o["std"]
                shift = 4 * (1 + o["mean"] / o["std"])  # the mean's own rounding moves the whole row
                loose = (size + shift) * o.get("weight", 1.0) + 8 * o.get("bias", 0.0)
            case "dot":
                size = np.abs(operands["a"]) @ np.abs(operands["b"]) * float(constants["scale"]) + o.get("bias", 0.0)
                loose = (4 + math.sqrt(o["a"].shape[-1])) * size
            case "softmax":
                drift = 64 + 3 * o["x"] + 3 * o["max"]  # the exponent's rounding is the result's relative error
                loose = drift * evaluate(kind, operands, constants)
            case "map":
                steep = _sensitivity(str(constants["function"]), o["x"], operands["x"])
                loose = 4 * steep * o.get("gate", 1.0) + o.get("_drift", 0.0)
            case "gate":  # sigmoid and tanh are never steeper than 1
                past = o["h"] @ o["W_h"] + o.get("h_bias", 0.0)
                size = o["x"] @ o["W_x"] + o.get("bias", 0.0) + o.get("reset", 1.0) * past
                loose = 4 + (4 + math.sqrt(o["x"].shape[-1] + o["h"].shape[-1])) * size
            case "mix":
                loose = 4 * _mixed(o)
                if constants["function"] == "log":  # of shares, all positive: the sum's relative error
                    loose = 4 + 2 * np.abs(np.log(_mixed(o)))
            case "compare":
                sizes = (2 + o["_drift"]) @ o["v"][0], o["b"] @ o["v"][0]  # (1, R), (1, C)
                loose = (4 + math.sqrt(o["a"].shape[-1])) * (sizes[0][..., None] + sizes[1][:, None])
            case "rotate":
                loose = (4 + o["_drift"]) * (o["x"] + o["pair"])
            case _:
                return np.zeros(())
    return unit * loose + float(np.finfo(np.float32).tiny)


def _mixed(o: Operands) -> NDArray[np.float64]:
    """part0 · share0 + part1 · share1 + …"""
    products = [o[f"part{n}"] * o[f"share{n}"] for n in range(len(o) // 2)]
    return np.asarray(sum(products, start=np.zeros(())))


def difference(recorded: Array, recomputed: Array) -> NDArray[np.float64]:
    """|recorded − recomputed|; 0 where both are the same infinity or both not a number."""
    with np.errstate(invalid="ignore"):
        gap = np.abs(recorded.astype(np.float64) - recomputed)
    same = (recorded == recomputed) | (np.isnan(recorded) & np.isnan(recomputed))
    return np.where(same, 0.0, np.where(np.isnan(gap), np.inf, gap))


def comparable(kind: Kind, recorded: Array) -> Array:
    """A mask that hides with the lowest float as one that hides with −∞: a softmax sees no difference."""
    if kind != "mask" or not np.issubdtype(recorded.dtype, np.floating):
        return recorded
    return np.where(recorded <= np.finfo(recorded.dtype).min, -np.inf, recorded)


def activation(name: str, x: Array) -> NDArray[np.float64]:
    """gelu and gelu_tanh (Hendrycks and Gimpel 2016), silu (Elfwing et al. 2017), relu, relu_squared (So et al.

    2021); sigmoid and tanh of a cell's gates; sin of a position's angle; log of a probability; identity.

    Raises:
        ValueError: an unknown name.
    """
    x = np.asarray(x, dtype=np.float64)
    if name == "gelu":
        return np.asarray(0.5 * x * (1 + _erf(x / math.sqrt(2))))
    if name == "gelu_tanh":
        return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))
    if name == "silu":
        with np.errstate(over="ignore"):
            return np.asarray(x / (1 + np.exp(-x)))
    if name == "relu":
        return np.maximum(x, 0.0)
    if name == "relu_squared":
        return np.maximum(x, 0.0) ** 2
    if name in _PLAIN:
        with np.errstate(over="ignore", divide="ignore"):
            return np.asarray(_PLAIN[name](x))
    known = ("gelu", "gelu_tanh", "silu", "relu", "relu_squared", *_PLAIN)
    raise ValueError(f"unknown function {name!r}; choose {', '.join(known)}")


_PLAIN: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "sin": np.sin,
    "log": np.log,
    "identity": lambda x: x,
}


def _sensitivity(name: str, size: Array, x: Array) -> NDArray[np.float64]:
    """What an activation's rounding is measured against: gelu cancels 1 + (nearly −1), the others do not."""
    return size if name.startswith("gelu") else (1 + size) * np.abs(activation(name, x))


def _erf(x: Array) -> NDArray[np.float64]:
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(x), dtype=np.float64)


def _wide(array: Array, names: str) -> NDArray[np.float64]:
    """As float64 (l, r, c), with axes of length 1 where an operand has none."""
    array = np.asarray(array, dtype=np.float64)
    if "n" in names or len(names) == 3:
        return array
    index = tuple(slice(None) if axis in names else None for axis in "lrc")
    return array[index]
