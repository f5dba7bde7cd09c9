"""Greedy translation one word at a time, as the definition says it: the reference for `zoo.compare.translation`."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.layers.pairs import PairModel
from zoo.tasks.translate import NOTHING


@torch.no_grad()
def word_by_word(module: PairModel, source: Tensor, end: int, most: int) -> list[list[int]]:
    """The translation of each source (B, S): always the likeliest token, up to `end`, or `most` tokens."""
    target = torch.full((len(source), 1), module.mark)
    going = torch.ones(len(source), dtype=torch.bool)
    for _ in range(most):
        best = module.translate(source, target)[:, -1].argmax(-1)  # (B,)
        going &= best != end
        if not going.any():
            break
        target = torch.cat([target, best.where(going, NOTHING)[:, None]], dim=1)
    return [[each for each in row if each >= 0] for row in target[:, 1:].tolist()]
