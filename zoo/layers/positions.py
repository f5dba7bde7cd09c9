"""Where a token stands, as numbers: sinusoidal and learned vectors that are added, rotary angles that turn.

Attention by itself sees a bag of tokens; each of these gives it order.
"""

from __future__ import annotations

import torch
from torch import Tensor


def sinusoidal(time: int, width: int, base: float = 10_000.0) -> Tensor:
    """(T, C) table of sines and cosines, one wavelength per pair (Vaswani et al. 2017, section 3.5).

    PE[t, 2j] = sin(t / base^(2j / C)), PE[t, 2j+1] = cos(t / base^(2j / C)).
    """
    angles = torch.arange(time)[:, None] * frequencies(width, base)  # (T, ceil(C / 2))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width]  # (T, C)


def frequencies(width: int, base: float = 10_000.0) -> Tensor:
    """(ceil(C / 2),) radians per position of each pair: 1, …, towards 1 / base."""
    return base ** -(torch.arange(0, width, 2) / width)


def rotate(x: Tensor, base: float = 10_000.0) -> Tensor:
    """Turn each query or key by an angle that grows with its position (Su et al. 2021, RoFormer).

    (B, H, T, D) -> (B, H, T, D). Element j is paired with element j + D/2, as in Llama. The dot
    product of two turned vectors depends on how far apart they stand, and not on where.
    """
    time, half = x.shape[-2], x.shape[-1] // 2
    angles = torch.arange(time, device=x.device)[:, None] * frequencies(2 * half, base).to(x.device)  # (T, D/2)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


def turning(time: int, width: int, base: float = 10_000.0) -> tuple[Tensor, Tensor]:
    """cos and sin, each (T, D), of the angles of `rotate`: made once, and used by all layers."""
    angles = torch.arange(time)[:, None] * frequencies(width, base)  # (T, D/2)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """`rotate` with the tables of `turning`: the partner of element j is element j ± D/2, half a turn of the row.

    (B, H, T, D) -> (B, H, T, D).
    """
    return x * cos + x.roll(x.shape[-1] // 2, dims=-1) * sin
