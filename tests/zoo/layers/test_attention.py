"""The attention layer against torch's own two, with the same weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from zoo.layers.attention import Attention, causal_mask, open_mask

SHAPES = [(1, 1, 1, 8), (2, 5, 2, 8), (3, 7, 4, 24)]


@pytest.mark.parametrize(("batch", "time", "heads", "width"), SHAPES)
@pytest.mark.parametrize("causal", [True, False])
def test_equal_to_multi_head_attention(batch, time, heads, width, causal):
    torch.manual_seed(0)
    ours, theirs = Attention(width, heads), nn.MultiheadAttention(width, heads, batch_first=True)
    for part in ("weight", "bias"):
        packed = torch.cat([getattr(linear, part) for linear in (ours.query, ours.key, ours.value)])
        getattr(theirs, f"in_proj_{part}").data = packed.data
        getattr(theirs.out_proj, part).data = getattr(ours.out, part).data
    x = torch.randn(batch, time, width)
    mask = causal_mask(time) if causal else torch.zeros(time, time)
    expected, _ = theirs(x, x, x, attn_mask=mask)
    assert torch.allclose(ours(x, mask), expected, atol=1e-5)


@pytest.mark.parametrize(("batch", "time", "heads", "width"), SHAPES)
def test_equal_to_scaled_dot_product_attention(batch, time, heads, width):
    torch.manual_seed(0)
    layer, x = Attention(width, heads), torch.randn(batch, time, width)
    q, k, v = (layer.split(linear(x)) for linear in (layer.query, layer.key, layer.value))
    expected = layer.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))
    assert torch.allclose(layer(x, causal_mask(time)), expected, atol=1e-5)


@pytest.mark.parametrize(("batch", "time", "heads", "width"), SHAPES)
def test_cross_attention_asks_another_text_as_far_as_it_goes(batch, time, heads, width):
    """Each text of the batch has its own mask; the memory is longer than what asks it, and padded."""
    torch.manual_seed(0)
    layer = Attention(width, heads)
    x, memory = torch.randn(batch, time, width), torch.randn(batch, time + 2, width)
    padded = torch.arange(time + 2) >= torch.arange(batch)[:, None] + 2  # (B, S): text b has b + 2 tokens
    mask = torch.zeros(batch, 1, time + 2).masked_fill(padded[:, None], float("-inf")).expand(-1, time, -1)
    q, k, v = (layer.split(lin(y)) for lin, y in ((layer.query, x), (layer.key, memory), (layer.value, memory)))
    z = F.scaled_dot_product_attention(q, k, v, attn_mask=~padded[:, None, None])
    assert torch.allclose(layer(x, mask, memory), layer.out(z.transpose(1, 2).flatten(2)), atol=1e-5)


def test_two_tokens_by_hand():
    """Weights of 1, one head, width 1: scores are products; the second row weighs values 2 and 1 by e² and e."""
    layer = Attention(1, 1)
    for linear in (layer.query, layer.key, layer.value, layer.out):
        nn.init.ones_(linear.weight)
        nn.init.zeros_(linear.bias)
    out = layer(torch.tensor([[[2.0], [1.0]]]), causal_mask(2)).flatten().tolist()
    assert out[0] == pytest.approx(2.0)  # sees only itself
    # scores 1·2 = 2 and 1·1 = 1: (e²·2 + e·1) / (e² + e) = (2e + 1) / (e + 1)
    assert out[1] == pytest.approx((2 * 2.718281828 + 1) / 3.718281828, abs=1e-6)


def test_the_causal_mask_hides_exactly_the_future():
    inf = float("inf")
    assert causal_mask(3).tolist() == [[0, -inf, -inf], [0, 0, -inf], [0, 0, 0]]


def test_the_open_mask_hides_nothing():
    assert open_mask(2).tolist() == [[0, 0], [0, 0]]


def test_each_head_gets_its_own_slice_of_the_width():
    split = Attention(6, 3).split(torch.arange(12.0).view(1, 2, 6))
    assert split[0, :, 0].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert split.shape == (1, 3, 2, 2)
