"""The logit lens: the stream after each block, read out as if it were the last (nostalgebraist 2020).

lens = softmax(final_norm(stream) · W_U + b_U), with the model's own final norm and output layer. NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zoo.trace.derive import recompute
from zoo.trace.trace import Trace


@dataclass(frozen=True)
class Reading:
    """The most probable token, had the model stopped at this step."""

    step: str
    id: int
    prob: float


def logit_lens(trace: Trace, row: int) -> list[Reading]:
    """One reading for the embedding and for each block, at one position; empty where the weights are not known.

    An architecture without a final norm or an output matrix under schema names gives no readings.
    """
    if "unembed.W_U" not in trace.params or "final_norm" not in trace or not trace.blocks:
        return []
    names = ["embed.out", *(f"blocks.{i}.resid" for i in range(trace.blocks))]
    return [_read(trace, name, row) for name in names if name in trace]


def _read(trace: Trace, name: str, row: int) -> Reading:
    """Put the stream where the last block's output stands, and let the model's own last steps run."""
    last = f"blocks.{trace.blocks - 1}.resid"
    stream = {last: [trace[name][row : row + 1]]}
    asked = replace(trace, steps=stream | {"final_norm": [trace["final_norm"][row : row + 1]]})
    normed = recompute(asked, "final_norm")
    asked = replace(
        asked, steps=stream | {"final_norm": [normed], "logits": [trace["logits"][row : row + 1].astype(np.float64)]}
    )
    logits = recompute(asked, "logits")[0]
    best = int(logits.argmax())
    return Reading(name, best, float(1 / np.exp(logits - logits[best]).sum()))
