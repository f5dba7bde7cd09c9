"""The logit lens: the stream after each block, read out as if it were the last (nostalgebraist 2020).

lens = softmax(final_norm(stream) · W_U + b_U), with the model's own final norm and output layer. NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zoo.trace.derive import derivation, recompute
from zoo.trace.trace import Trace


@dataclass(frozen=True)
class Reading:
    """The most probable token, had the model stopped at this step."""

    step: str
    id: int
    prob: float


def logit_lens(trace: Trace, row: int) -> list[Reading]:
    """One reading for the embedding and for each block, at one position; empty where the weights are not known.

    A model that does not name its final norm and its output matrix, weights and all, gives no readings.
    """
    norm, head = derivation(trace, "final_norm"), derivation(trace, "logits")
    if "final_norm" not in trace or not trace.blocks or not norm.recomputable or not head.recomputable:
        return []
    if head.steps.get("a") != "final_norm":  # a layer more stands between, which the lens would have to run too
        return []
    names = ["embed.out", *(f"blocks.{i}.resid" for i in range(trace.blocks))]
    return [_read(trace, name, row, norm.steps["x"]) for name in names if name in trace]


def _read(trace: Trace, name: str, row: int, last: str) -> Reading:
    """Put the stream where the `last` one stands, and let the model's own last steps run."""
    stream = {last: [trace[name][row : row + 1]]}
    asked = replace(trace, steps=stream | {"final_norm": [trace["final_norm"][row : row + 1]]})
    normed = recompute(asked, "final_norm")
    asked = replace(
        asked, steps=stream | {"final_norm": [normed], "logits": [trace["logits"][row : row + 1].astype(np.float64)]}
    )
    logits = recompute(asked, "logits")[0]
    best = int(logits.argmax())
    return Reading(name, best, float(1 / np.exp(logits - logits[best]).sum()))
