"""How well a model predicts a text, in numbers: surprisal, entropy, calibration, and neighbours of a token.

Arrays in, numbers out: NumPy in float64, no torch. Used by the page Untrained and pre-trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 10


@dataclass(frozen=True)
class Score:
    """What a model made of a text of T tokens; each array has one entry for each predicted token: (T − 1,)."""

    surprisal: Floats
    """−log p of the token that came, in nats: the loss of this token."""
    entropy: Floats
    """Of the distribution that the model gave there, in nats; between 0 and log of the vocabulary."""
    confidence: Floats
    """The probability of the token that the model held for the likeliest."""
    right: NDArray[np.bool_]
    """Whether that token is the one that came."""

    def __len__(self) -> int:
        return len(self.surprisal)

    @property
    def loss(self) -> float:
        """Mean surprisal, in nats per token: the cross-entropy that training brings down."""
        return float(self.surprisal.mean())


def score(logits: NDArray[np.floating], ids: Sequence[int]) -> Score:
    """What logits (T, vocab) say about the ids (T,) that they were made from: row t is about token t + 1.

    Raises:
        ValueError: there is no logit row for each id, or fewer than two ids, so that nothing is predicted.
    """
    if len(logits) != len(ids):
        raise ValueError(f"{len(logits)} rows of logits but {len(ids)} ids: give one row for each id")
    if len(ids) < 2:
        raise ValueError("the text needs at least two tokens: the first is given, and only the others are predicted")
    rows = [_row(logits[t], target) for t, target in enumerate(ids[1:])]
    surprisal, entropy, confidence, right = zip(*rows, strict=True)
    return Score(np.array(surprisal), np.array(entropy), np.array(confidence), np.array(right))


def _row(logits: NDArray[np.floating], target: int) -> tuple[float, float, float, bool]:
    """One position at a time, so that a large vocabulary is never held in float64 as a whole."""
    log_probs = log_softmax(logits)  # (vocab,)
    best = int(log_probs.argmax())
    return -float(log_probs[target]), entropy(log_probs), float(np.exp(log_probs[best])), best == target


def log_softmax(logits: NDArray[np.floating]) -> Floats:
    """log p along the last axis; the maximum is taken off first, so that exp cannot overflow."""
    wide = np.asarray(logits, dtype=np.float64)
    wide = wide - wide.max(-1, keepdims=True)
    return np.asarray(wide - np.log(np.exp(wide).sum(-1, keepdims=True)), dtype=np.float64)


def entropy(log_probs: Floats) -> float:
    """−Σ p log p of one distribution (vocab,), in nats: 0 is certain, log(vocab) as good as guessing."""
    probs = np.exp(log_probs)
    return float(-(probs[probs > 0] * log_probs[probs > 0]).sum())


def joined(scores: Sequence[Score]) -> Score:
    """Several texts as one."""
    return Score(
        np.concatenate([each.surprisal for each in scores]),
        np.concatenate([each.entropy for each in scores]),
        np.concatenate([each.confidence for each in scores]),
        np.concatenate([each.right for each in scores]),
    )


@dataclass(frozen=True)
class Calibration:
    """Whether a model is right as often as it says: predictions sorted into bins by their confidence."""

    edges: Floats
    """(bins + 1,): bin b holds confidences above edges[b] and up to edges[b + 1]."""
    counts: NDArray[np.int64]
    """(bins,): how many predictions fell into each bin."""
    confidence: Floats
    """(bins,): their mean probability of the likeliest token; NaN where there are none."""
    accuracy: Floats
    """(bins,): the share of them in which that token came; NaN where there are none."""

    @property
    def gap(self) -> float:
        """|accuracy − confidence|, averaged over all predictions: the expected calibration error (Guo et al. 2017)."""
        filled = self.counts > 0
        apart = np.abs(self.accuracy[filled] - self.confidence[filled])
        return float((apart * self.counts[filled]).sum() / self.counts.sum())


def calibration(found: Score, bins: int = BINS) -> Calibration:
    """The predictions of a text in bins of equal width.

    Raises:
        ValueError: there is not at least one bin and one prediction.
    """
    if bins < 1 or not len(found):
        raise ValueError("calibration needs at least one bin and one predicted token")
    edges = np.linspace(0, 1, bins + 1)
    place = np.searchsorted(edges[1:-1], found.confidence)  # (T − 1,)
    counts = np.bincount(place, minlength=bins)
    filled = np.where(counts > 0, counts, np.nan)
    confidence = np.bincount(place, found.confidence, minlength=bins) / filled
    accuracy = np.bincount(place, found.right, minlength=bins) / filled
    return Calibration(edges, counts.astype(np.int64), confidence, accuracy)


@dataclass(frozen=True)
class Neighbour:
    """A token whose row of the embedding table points the same way."""

    id: int
    cosine: float
    """Of the angle between the two rows: 1 the same direction, 0 none in common, −1 opposite."""


def neighbours(table: NDArray[np.floating], token: int, count: int) -> list[Neighbour]:
    """The `count` rows of an embedding table (vocab, width) that lie nearest to a token's own, by cosine.

    A row of zeros has no direction and is left out.

    Raises:
        ValueError: the table has no such row, or it is all zeros.
    """
    if not 0 <= token < len(table):
        raise ValueError(f"the embedding table has {len(table)} rows, and none for token {token}")
    wide = np.asarray(table, dtype=np.float64)
    length = np.linalg.norm(wide, axis=1)  # (vocab,)
    if length[token] == 0:
        raise ValueError(f"the embedding of token {token} is all zeros, so it points nowhere")
    known = length > 0
    cosine = np.full(len(wide), -np.inf)
    cosine[known] = (wide[known] @ wide[token]) / (length[known] * length[token])
    cosine[token] = -np.inf
    order = np.argsort(-cosine, kind="stable")[:count]
    return [Neighbour(int(i), float(cosine[i])) for i in order if np.isfinite(cosine[i])]
