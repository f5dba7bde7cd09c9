"""Multi-head attention, written out (Vaswani et al. 2017, "Attention Is All You Need", section 3.2).

Shape letters: B batch, T time, C width, H heads, D width of one head (C = H * D). A text mostly attends to
itself; where it attends to another one (cross attention), S is the other's time, else S = T.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from zoo.layers.positions import rotate
from zoo.trace.record import record


def causal_mask(time: int, device: torch.device | None = None) -> Tensor:
    """(T, T): 0 where a position may look (itself and the past), -inf where it may not (the future)."""
    return torch.full((time, time), -math.inf, device=device).triu(1)


def open_mask(time: int, device: torch.device | None = None) -> Tensor:
    """(T, T) of zeros: every position may look everywhere, ahead too."""
    return torch.zeros(time, time, device=device)


class Attention(nn.Module):
    """Every position asks (query), every position answers (key), and values flow where they match.

    x (B, T, C) -> (B, T, C). With `memory` (B, S, C), x asks and the memory answers: cross attention. `mask`
    is (T, S), or (B, T, S) where each text of the batch has its own: 0 where a position may look, else -inf.
    """

    def __init__(self, width: int, heads: int, rotary: bool = False) -> None:
        super().__init__()
        self.heads, self.rotary = heads, rotary
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def split(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, H, T, D): each head gets its own slice of the width."""
        batch, time, width = x.shape
        return x.view(batch, time, self.heads, width // self.heads).transpose(1, 2)

    def forward(self, x: Tensor, mask: Tensor, memory: Tensor | None = None) -> Tensor:
        answering = x if memory is None else memory  # (B, S, C)
        q = record("q", self.split(self.query(x)))  # (B, H, T, D)
        k = record("k", self.split(self.key(answering)))  # (B, H, S, D)
        v = record("v", self.split(self.value(answering)))  # (B, H, S, D)
        if self.rotary:
            q = record("q_rot", rotate(q))  # (B, H, T, D)
            k = record("k_rot", rotate(k))  # (B, H, T, D)
        scores = record("scores", q @ k.mT * q.shape[-1] ** -0.5)  # (B, H, T, D) x (B, H, D, S) -> (B, H, T, S)
        mask = record("mask", mask).unsqueeze(-3)  # (1, T, S) or (B, 1, T, S): one for all heads
        pattern = record("pattern", (scores + mask).softmax(-1))  # (B, H, T, S), each row sums to 1
        z = record("z", pattern @ v)  # (B, H, T, S) x (B, H, S, D) -> (B, H, T, D)
        joined = z.transpose(1, 2).flatten(2)  # (B, T, C)
        return record("out", self.out(joined))  # (B, T, C)
