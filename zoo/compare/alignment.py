"""Where a translator looks while it writes, beside the alignment that is known to be right.

A model is given the right translation word by word; row t of its cross attention is what it looked at to write
word t. Used by the page Sequential and parallel. Shape letters: L blocks, H heads, T target words, S source words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zoo.data.glass_pairs import DEFAULT, Pair
from zoo.inference import LoadedModel
from zoo.trace.trace import Trace

_CROSS = re.compile(r"decoder\.(?:blocks\.(\d+)\.)?cross\.pattern")


@dataclass(frozen=True)
class Attended:
    """One sentence's cross attention."""

    pair: Pair
    pattern: NDArray[np.float32]
    """(L, H, T, S), each row sums to 1."""

    @property
    def right(self) -> NDArray[np.bool_]:
        """(T, S): True where a source word is one that the target word comes from."""
        return right_cells(self.pair)

    @property
    def mass(self) -> NDArray[np.float64]:
        """(L, H, T): the share of each row that falls on the right source words."""
        return np.asarray(np.where(self.right, self.pattern, 0.0).sum(-1, dtype=np.float64))


@dataclass(frozen=True)
class Shares:
    """How much of the attention falls on the right words, on average over many target words."""

    shares: NDArray[np.float64]
    """(L, H), 0 to 1."""
    chance: float
    """What attention that is spread evenly over the source would give."""
    words: int
    """Target words, marks included."""
    sentences: int
    left_out: int = 0
    """Sentences that the model has no room for."""

    @property
    def best(self) -> tuple[int, int]:
        """The block and the head with the largest share."""
        block, head = np.unravel_index(int(self.shares.argmax()), self.shares.shape)
        return int(block), int(head)


def right_cells(pair: Pair) -> NDArray[np.bool_]:
    """The known alignment as a matrix (T, S)."""
    cells = np.zeros((len(pair.target), len(pair.source)), dtype=bool)
    for row, sources in enumerate(pair.alignment):
        cells[row, list(sources)] = True
    return cells


def forced(model: LoadedModel, pair: Pair) -> Trace:
    """Every step of writing the right translation, each word after the right ones before it.

    Raises:
        ValueError: the model's tokens are not the words of the pair, or there are too many.
    """
    source, target = model.tokenizer.encode_batch([pair.source_text, pair.target_text])
    if (len(source), len(target)) != (len(pair.source), len(pair.target)):
        raise ValueError(f"the tokens of {model.title} are not whole words, so no matrix of words can be shown")
    if not _fits(model, pair):
        raise ValueError(f"{model.title} reads at most {model.context} tokens: take a shorter sentence")
    return model.trace_ids([*source, model.tokenizer.vocab_size, *target[:-1]])


def _fits(model: LoadedModel, pair: Pair) -> bool:
    """Whether there is room for source, mark and target, at a token a word."""
    return len(pair.source) + len(pair.target) + 1 <= model.context


def looks_back(model: LoadedModel) -> bool:
    """Whether the decoder attends to the source, as the steps of one token and its mark tell: any model has room."""
    return bool(_cross(model.trace_ids([0, model.tokenizer.vocab_size])))


def _cross(trace: Trace) -> list[str]:
    """The steps that hold cross attention, by block."""
    found = (match for name in trace.steps if (match := _CROSS.fullmatch(name)))
    return [match[0] for match in sorted(found, key=lambda match: int(match[1] or 0))]


def attended(model: LoadedModel, pair: Pair) -> Attended:
    """The cross attention of one sentence, of a model that looks back.

    Raises:
        ValueError: as `forced`.
    """
    trace = forced(model, pair)
    # a decoder that takes its steps one by one (Bahdanau) records a row at a time: (H, 1, S) each
    patterns = [np.concatenate(trace.steps[name], axis=-2) for name in _cross(trace)]
    return Attended(pair, np.stack(patterns))


def shares(sentences: Sequence[Attended]) -> Shares:
    """The attention mass on right words, each target word counted once."""
    mass = np.concatenate([each.mass for each in sentences], axis=-1)  # (L, H, all T)
    chance = np.concatenate([each.right.mean(-1) for each in sentences])  # (all T,)
    return Shares(mass.mean(-1), float(chance.mean()), len(chance), len(sentences))


def measure(model: LoadedModel, sentences: int, lengths: range = range(3, 31)) -> Shares:
    """Of a model that looks back, over those held-out sentences of all the lengths trained on that fit into it.

    Raises:
        ValueError: as `forced`; or no sentence fits.
    """
    pairs = list(DEFAULT.pairs(sentences, seed=1, length=lengths, part="valid"))
    found = [attended(model, pair) for pair in pairs if _fits(model, pair)]
    if not found:
        raise ValueError(f"none of {sentences} sentences fits into {model.title}, which reads {model.context} tokens")
    return replace(shares(found), left_out=len(pairs) - len(found))
