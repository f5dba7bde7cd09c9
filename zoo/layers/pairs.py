"""A source and a target: what every model that translates shares (the seq2seq models, the transformer of 2017).

One row of ids holds both, with a mark between them: source + [mark] + target so far. The mark is the id
behind the vocabulary, `vocab_size`; to the decoder it is the first token of the target, the one that says "begin".
Sentences of a batch differ in length: behind the end of the shorter ones stand ids below 0, which are nothing.

Shape letters: B batch, S source time, T target time, V vocabulary.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class PairModel(nn.Module, ABC):
    """A model that reads a source and writes a target. A subclass writes `translate`.

    ids (B, S + T) -> logits (B, T, V): a row for the mark and for each target token, about the token after it.
    """

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.mark = vocab_size

    def forward(self, ids: Tensor) -> Tensor:
        return self.translate(*split(ids, self.mark))

    @abstractmethod
    def translate(self, source: Tensor, target: Tensor) -> Tensor:
        """source (B, S), target (B, T) beginning with the mark -> logits (B, T, V); ids below 0 are nothing."""


def split(ids: Tensor, mark: int) -> tuple[Tensor, Tensor]:
    """ids (B, S + T) cut before the mark: source (B, S), target (B, T).

    Raises:
        ValueError: not one mark in each row, all in the same column, with a source before it.
    """
    found = ids == mark
    columns = found.int().argmax(1)  # (B,)
    if not len(ids) or bool((found.sum(1) != 1).any()) or bool((columns != columns[0]).any()):
        raise ValueError(
            f"to translate, each row of ids is a source, the mark {mark}, and the target so far,"
            " with the mark in the same place of every row"
        )
    if not columns[0]:
        raise ValueError(f"the source is empty: put at least one token before the mark {mark}")
    return ids[:, : columns[0]], ids[:, columns[0] :]


def present(ids: Tensor) -> Tensor:
    """(B, S) -> (B, S) bool: True where there is a token, False where a shorter sentence is filled up."""
    return ids >= 0


def lengths(ids: Tensor) -> Tensor:
    """(B, S) -> (B,): how many tokens each sentence has; what fills it up stands at its end."""
    return present(ids).sum(1)


def padding_mask(ids: Tensor) -> Tensor:
    """(B, S) -> (B, 1, 1, S): 0 where there is a token, −inf where there is none. Add it to scores (B, H, T, S)."""
    return torch.zeros(ids.shape, device=ids.device).masked_fill(~present(ids), -math.inf)[:, None, None]


def last(states: Tensor, ids: Tensor) -> Tensor:
    """states (B, S, C) of the sentences ids (B, S) -> (B, C): the state after each one's last token."""
    return states[torch.arange(len(ids), device=ids.device), lengths(ids) - 1]
