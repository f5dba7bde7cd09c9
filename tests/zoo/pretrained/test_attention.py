"""The attention function by itself, against torch's own."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from zoo.pretrained.attention import additive_mask, attend, attend_rotary

LAYER: Any = SimpleNamespace(layer_idx=0)


@pytest.mark.parametrize("function", [attend, attend_rotary])
@pytest.mark.parametrize(("heads", "kv_heads", "time"), [(4, 4, 7), (4, 2, 7), (6, 1, 3), (2, 2, 1)])
def test_equals_scaled_dot_product_attention(function: Any, heads: int, kv_heads: int, time: int) -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, n, time, 8) for n in (heads, kv_heads, kv_heads))
    mask = additive_mask(batch_size=2, q_length=time, kv_length=time)
    out, pattern = function(LAYER, q, k, v, mask, 8**-0.5, dropout=0.0)
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    torch.testing.assert_close(out, expected.transpose(1, 2), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(pattern.sum(-1), torch.ones(2, heads, time))


def test_mask_hides_the_future_and_nothing_else() -> None:
    mask = additive_mask(batch_size=1, q_length=3, kv_length=3)
    inf = math.inf
    assert mask.tolist() == [[[[0, -inf, -inf], [0, 0, -inf], [0, 0, 0]]]]


def test_scaling_is_the_callers() -> None:
    torch.manual_seed(1)
    q, k, v = torch.randn(3, 1, 2, 5, 4).unbind()
    mask = additive_mask(batch_size=1, q_length=5, kv_length=5)
    _, pattern = attend(LAYER, q, k, v, mask, 0.0)
    torch.testing.assert_close(pattern[0, 0], torch.tril(torch.ones(5, 5)) / torch.arange(1, 6)[:, None])
