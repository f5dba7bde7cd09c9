"""What a trace holds of each step: a recurrent cell's gates and states, and how many layers and blocks there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.trace.trace import Trace

GATES = {"i": "input gate i", "f": "forget gate f", "o": "output gate o", "r": "reset gate r", "z": "update gate z"}
STATES = {"c": "cell state c", "h": "state h"}
OPEN = {
    "i": "lets in what is new",
    "f": "keeps what was there",
    "o": "shows what is kept",
    "r": "lets the past into the candidate",
    "z": "keeps the old state",
}


@dataclass(frozen=True)
class Cell:
    """One recurrent layer at one token, as it was traced."""

    gates: dict[str, NDArray[Any]]
    """Letter -> (width,), each between 0 and 1: i, f, o of an LSTM, r, z of a GRU, none of a plain RNN."""
    states: dict[str, NDArray[Any]]
    """Letter -> (width,): h, and c of an LSTM."""
    before: dict[str, NDArray[Any]]
    """The same one token earlier: zeros before the first."""


def layers_of(trace: Trace) -> list[str]:
    """Where the recurrent layers stand in a trace, in their order: "layers.0.cell.", …

    Raises:
        ValueError: no cell was recorded, or one that reads the text backwards as well.
    """
    found = [name.removesuffix("h") for name in trace.steps if name.endswith("cell.h")]
    if not found:
        raise ValueError("this model's cells were not recorded, so there is nothing to put on a clock: choose another")
    if any("backward" in name for name in found):
        raise ValueError("this model also reads from the last token to the first: choose one that reads forward only")
    return found


def counted(trace: Trace) -> tuple[int, int]:
    """Layers, and the steps of each, counted from the recorded calls."""
    names = layers_of(trace)
    return len(names), max(len(trace.steps[f"{name}h"]) for name in names)


def cell_at(trace: Trace, layer: int, token: int) -> Cell:
    """What layer `layer` (from 0) computed when it read the token at this place."""
    prefix = layers_of(trace)[layer]

    def values(letters: dict[str, str], at: int) -> dict[str, NDArray[Any]]:
        return {letter: trace.steps[prefix + letter][at] for letter in letters if prefix + letter in trace.steps}

    states = values(STATES, token)
    before = values(STATES, token - 1) if token else {letter: np.zeros_like(each) for letter, each in states.items()}
    return Cell(values(GATES, token), states, before)


def length(vector: NDArray[Any]) -> float:
    """The Euclidean length of a state."""
    return float(np.linalg.norm(np.asarray(vector, dtype=np.float64)))


def kept(one: NDArray[Any], other: NDArray[Any]) -> float | None:
    """The cosine of two states: 1 is the same direction, 0 nothing in common. None where one of them is zero."""
    size = length(one) * length(other)
    return float(np.dot(np.asarray(one, np.float64), np.asarray(other, np.float64))) / size if size else None
