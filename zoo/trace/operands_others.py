"""Operands that are not a recorded step as it is: counts, neighbours, windows. Used by `zoo.trace.operands`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo.trace.rules import Derivation
from zoo.trace.trace import Array, Trace

Parts = dict[str, Array]


def stacked(array: Array) -> Array:
    """(…, R, C) as layers of matrices (H, R, C): one layer where there are no heads."""
    while array.ndim < 3:
        array = array[None]
    return array.reshape(-1, *array.shape[-2:])


def special(trace: Trace, found: Derivation, inputs: Parts, weights: Parts, recorded: Array) -> Parts:
    """The operands of a step that is laid out in a way of its own: of `SPECIAL`, or an order's answer."""
    if found.step.startswith("ngram.own."):
        return _own_answer(inputs, int(found.step.rpartition(".")[2]))
    if found.kind == "compare":
        return _compared(trace, inputs, weights)
    parts = SPECIAL[found.step](trace, inputs, recorded)
    return parts | {role: array[None] for role, array in weights.items()}


def _last(trace: Trace, inputs: Parts, recorded: Array) -> Parts:
    return {"part0": stacked(inputs["part0"][-1:])}


def _windows(trace: Trace, inputs: Parts, recorded: Array) -> Parts:
    """x (T, C) -> (T, N, C): each token's vector behind those of the N − 1 before it, after zeros."""
    x, size = inputs["part0"], recorded.shape[1]
    padded = np.concatenate([np.zeros((size - 1, x.shape[1]), dtype=x.dtype), x])
    return {"part0": np.stack([padded[t : t + size] for t in range(len(x))])}


def _side_by_side(trace: Trace, inputs: Parts, recorded: Array) -> Parts:
    return {"a": stacked(inputs["a"].reshape(len(inputs["a"]), -1))}  # (T, N, C) -> (1, T, N * C)


def _bag(trace: Trace, inputs: Parts, recorded: Array) -> Parts:
    """Who stands at or before whom (1, T, T), and which token of the vocabulary each is (1, T, V)."""
    time, vocab = recorded.shape[1:]
    is_token = np.zeros((time, vocab), dtype=np.float32)
    is_token[np.arange(time), trace.ids] = 1
    return {"a": np.tri(time, dtype=np.float32)[None], "b": is_token[None]}


def _shares(trace: Trace, inputs: Parts, recorded: Array) -> Parts:
    x = stacked(inputs["x"])
    return {"x": x, "mean": np.zeros(x.shape[:2]), "std": np.arange(1.0, x.shape[1] + 1)[None]}


def _near(trace: Trace, inputs: Parts, recorded: Array) -> Parts:
    """Which tokens are words within the window (1, T, T): the blank is no word."""
    assert trace.anatomy is not None
    ids, window = np.asarray(trace.ids), trace.anatomy.extra["window"]
    apart = np.abs(np.arange(len(ids))[:, None] - np.arange(len(ids)))
    known = (ids >= 0) & (ids < trace["logits"].shape[-1])
    near = ((apart > 0) & (apart <= window) & known).astype(np.float32)[None]
    return {"x": near, "mean": np.zeros(near.shape[:2]), "std": np.maximum(near.sum(-1), 1)}


def _own_answer(inputs: Parts, order: int) -> Parts:
    kept = np.maximum(inputs["part0"] - inputs["less"][order - 1], 0)[None]
    return {"x": kept, "mean": np.zeros(kept.shape[:2]), "std": np.maximum(kept.sum(-1, dtype=np.float64), 1e-9)}


def _back_off(trace: Trace, inputs: Parts, recorded: Array) -> Parts:
    counts = [array for role, array in inputs.items() if role.startswith("counts")]
    total = np.stack([each.sum(-1) for each in counts], -1)  # (T, N)
    followers = np.stack([(each > 0).sum(-1) for each in counts], -1)
    seen = total > 0
    part, share = np.where(seen, inputs["less"], 1.0), np.where(seen, followers / np.maximum(total, 1), 1.0)
    return {"part0": stacked(part), "share0": stacked(share)}


def _mix(trace: Trace, inputs: Parts, recorded: Array) -> Parts:
    back_off = inputs["back_off"].astype(np.float64)  # (T, N)
    one = np.ones((len(back_off), 1))
    reached = np.concatenate([back_off[:, ::-1].cumprod(1)[:, ::-1], one], axis=1)  # (T, N + 1)
    return {"part0": stacked(np.concatenate([one, 1 - back_off], axis=1)), "share0": stacked(reached)}


def _logits(trace: Trace, inputs: Parts, recorded: Array) -> Parts:
    shape, mix = recorded.shape, inputs["mix"]
    owns = [np.full(shape, 1 / shape[2]), *(stacked(inputs[f"part{n}"]) for n in range(1, mix.shape[1]))]
    shares = [np.broadcast_to(mix[None, :, n, None], shape) for n in range(mix.shape[1])]
    return {f"part{n}": own for n, own in enumerate(owns)} | {f"share{n}": share for n, share in enumerate(shares)}


def _compared(trace: Trace, inputs: Parts, weights: Parts) -> Parts:
    """Queries through their matrix (1, T, n), keys (1, S, n), and what weighs their tests (1, n)."""
    query, key = (stacked(inputs[role]).astype(np.float64) for role in ("query", "b"))
    W = weights["W_Q"].astype(np.float64)
    return {"a": query @ W, "b": key, "v": weights["v"].reshape(1, -1), "_drift": np.abs(query) @ np.abs(W)}


SPECIAL: dict[str, Callable[[Trace, Parts, Array], Parts]] = {
    "context": _last,
    "start": _last,
    "window.input": _windows,
    "window.pre": _side_by_side,
    "bag.counts": _bag,
    "bag.shares": _shares,
    "cbow.shares": _near,
    "ngram.back_off": _back_off,
    "ngram.mix": _mix,
    "logits": _logits,
}
