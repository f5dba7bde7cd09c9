"""Weights shuffled within each tensor: the control experiment beside a trained and an untrained model.

Every tensor keeps its very numbers, and so their mean, spread and extremes; only which number stands
where is lost, and with it what was learned. Used by `zoo.inference.load` and `zoo.pretrained`.
"""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def shuffle_weights(module: nn.Module, seed: int) -> None:
    """Put the numbers of each parameter into a random order, in place; the same order for the same seed.

    Each parameter has an order of its own; one that is used in two places (a tied table) is shuffled
    once. Buffers, which are not learned, stay as they are.
    """
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        order = torch.randperm(parameter.numel(), generator=generator)
        parameter.copy_(parameter.flatten()[order].view_as(parameter))
