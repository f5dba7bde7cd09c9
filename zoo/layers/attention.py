"""Multi-head self-attention, written out (Vaswani et al. 2017, "Attention Is All You Need", section 3.2).

Shape letters: B batch, T time, C width, H heads, D width of one head (C = H * D).
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


class Attention(nn.Module):
    """Every position asks (query), every position answers (key), and values flow where they match.

    x (B, T, C) -> (B, T, C).
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

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q = record("q", self.split(self.query(x)))  # (B, H, T, D)
        k = record("k", self.split(self.key(x)))  # (B, H, T, D)
        v = record("v", self.split(self.value(x)))  # (B, H, T, D)
        if self.rotary:
            q = record("q_rot", rotate(q))  # (B, H, T, D)
            k = record("k_rot", rotate(k))  # (B, H, T, D)
        scores = record("scores", q @ k.mT * q.shape[-1] ** -0.5)  # (B, H, T, D) x (B, H, D, T) -> (B, H, T, T)
        mask = record("mask", mask)  # (T, T)
        pattern = record("pattern", (scores + mask).softmax(-1))  # (B, H, T, T), each row sums to 1
        z = record("z", pattern @ v)  # (B, H, T, T) x (B, H, T, D) -> (B, H, T, D)
        joined = z.transpose(1, 2).flatten(2)  # (B, T, C)
        return record("out", self.out(joined))  # (B, T, C)
