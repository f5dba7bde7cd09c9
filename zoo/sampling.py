"""From logits to the next token: temperature, softmax, top-k, top-p, and a seeded draw.

Every stage is returned, so that a page can show each one. NumPy in float64; no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen.

    Raises:
        ValueError: a setting is out of its range.
    """

    temperature: float = 1.0
    """Divides the logits; 0 always takes the most probable token (greedy)."""
    top_k: int = 0
    """Keep only the k most probable tokens; 0 keeps all."""
    top_p: float = 1.0
    """Keep the most probable tokens that together reach this probability (Holtzman et al. 2020)."""

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= 10:
            raise ValueError(f"temperature {self.temperature} is outside 0 … 10")
        if self.top_k < 0:
            raise ValueError(f"top_k {self.top_k} is negative")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p {self.top_p} is outside 0 … 1")


@dataclass(frozen=True)
class Stages:
    """What became of the logits, each (vocab,)."""

    logits: Floats
    scaled: Floats
    """logits / temperature."""
    probs: Floats
    """softmax(scaled), over the full vocabulary."""
    kept: NDArray[np.bool_]
    """Which tokens top-k and top-p left in."""
    final: Floats
    """The kept probabilities, scaled to sum to 1 again: what is drawn from."""


def softmax(x: Floats) -> Floats:
    """exp(x − max) / Σ exp(x − max) along the last axis; the maximum is taken off so that exp cannot overflow."""
    powers = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True), dtype=np.float64)


def stages(logits: NDArray[np.floating], sampling: Sampling) -> Stages:
    """Every stage from logits (vocab,) to the distribution that is drawn from."""
    wide: Floats = np.asarray(logits, dtype=np.float64)
    if sampling.temperature == 0:
        probs = np.zeros_like(wide)
        probs[int(wide.argmax())] = 1.0
        return Stages(wide, wide, probs, probs > 0, probs)
    with np.errstate(over="ignore"):  # near temperature 0 the quotients outgrow a float, the probabilities don't
        scaled = wide / sampling.temperature
        probs = softmax((wide - wide.max()) / sampling.temperature)
    kept = keep(probs, sampling)
    final = np.where(kept, probs, 0.0)
    return Stages(wide, scaled, probs, kept, final / final.sum())


def keep(probs: Floats, sampling: Sampling) -> NDArray[np.bool_]:
    """(vocab,) mask of the tokens that top-k, and among those top-p, leave in; ties go to the lower id."""
    order = np.argsort(-probs, kind="stable")
    if sampling.top_k:
        order = order[: sampling.top_k]
    if sampling.top_p < 1:
        share = probs[order] / probs[order].sum()
        before = np.cumsum(share) - share
        order = order[before < sampling.top_p]
    kept = np.zeros(probs.shape, dtype=bool)
    kept[order] = True
    return kept


def draw(final: Floats, seed: int, place: int) -> int:
    """One token id from the distribution; the same seed and place in the text give the same draw."""
    uniform = np.random.default_rng((seed, place)).random()
    return int(min(np.searchsorted(np.cumsum(final), uniform * final.sum(), side="right"), np.flatnonzero(final)[-1]))
