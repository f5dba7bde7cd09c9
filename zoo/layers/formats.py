"""Half the bits, twice the speed: a model's arithmetic in bfloat16 over weights that are kept in float32.

bfloat16 has float32's range and 8 bits of precision (Kalamkar et al. 2019); chips multiply matrices in it
several times as fast. The weights stay in float32, so that small updates are not rounded away.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def number_format(device: torch.device) -> torch.dtype:
    """What the trainer asks for by `torch.autocast(…, dtype)`; float32 outside of it, as in a trace.

    A model that asks can do the whole pass in that format. `autocast` itself turns back to float32 at
    each norm and each softmax, and on a CPU the way there and back costs more than it gains.
    """
    return torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32


class Matrix(nn.Linear):
    """x (…, in) -> x · W (…, out), in the number format of `x`. No bias.

    The weights begin so that an output is about as large as an input, or at zero.
    """

    def __init__(self, inputs: int, outputs: int, zero: bool = False) -> None:
        super().__init__(inputs, outputs, bias=False)
        nn.init.normal_(self.weight, std=0.0 if zero else inputs**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype))
