"""Level 0 inside fused attention: one call in, one tensor out, and the steps between written out.

While a trace runs, `FusedAttentionTap` sees each call of `F.scaled_dot_product_attention` and of
`F.multi_head_attention_forward` (what `nn.MultiheadAttention` runs; its still more hidden fast path
steps aside by itself while a mode like this one is on). It records q, k, v, scores, mask, pattern
and z at the running module's path. The model goes on with the fused result itself, so that tracing
changes nothing; after an intervention it goes on with the result written out here.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from zoo.trace.record import Recorder, active

Rename = Callable[[str], str | None]
"""Native name -> schema name; None for a name that no table gives."""


class Seer:
    """Records values at the running module's path, and remembers whether an intervention replaced one."""

    def __init__(self, recorder: Recorder, rename: Rename) -> None:
        self.recorder, self.rename, self.changed = recorder, rename, False
        self.prefix = f"{recorder.path[-1]}." if recorder.path else ""

    def __call__(self, leaf: str, value: Tensor) -> Tensor:
        name = self.prefix + leaf
        result = self.recorder.record(self.rename(name) or name, value, at="")
        self.changed |= result is not value
        return result


class FusedAttentionTap(TorchFunctionMode):
    """Opens fused attention for one recorder. A mode belongs to one thread; the recorder is asked for too."""

    def __init__(self, recorder: Recorder, rename: Rename) -> None:
        super().__init__()
        self.recorder, self.rename = recorder, rename

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.scaled_dot_product_attention and active() is self.recorder:
            return _scaled_dot_product(Seer(self.recorder, self.rename), *args, **(kwargs or {}))
        if func is F.multi_head_attention_forward and active() is self.recorder:
            return _multi_head(Seer(self.recorder, self.rename), *args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _scaled_dot_product(
    see: Seer,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """(…, L, D), (…, S, D), (…, S, D) -> (…, L, D); the arguments are those of the torch function."""
    fused = F.scaled_dot_product_attention(
        query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
    )
    if dropout_p:  # random even in eval: written out it would differ, so it stays closed
        return fused
    masks = [causal(query, key)] if is_causal else []
    masks += [additive(attn_mask, query)] if attn_mask is not None else []
    mask = sum(masks[1:], masks[0]) if masks else None  # torch adds one to the other where both are given
    _, z = attend(see, query, key, value, mask, query.shape[-1] ** -0.5 if scale is None else scale)
    return see("z", z if see.changed else fused)


def attend(
    see: Callable[[str, Tensor], Tensor], q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float
) -> tuple[Tensor, Tensor]:
    """Attention, step by step: the pattern (…, H, L, S) and the weighted values (…, H, L, D).

    `mask` is added to the scores: 0 where a query may look (everywhere if None), -inf where it may
    not. Fewer heads in k and v than in q are shared by equal groups of queries. A query that may look
    nowhere gets zeros.
    """
    q, k, v = see("q", q), see("k", k), see("v", v)
    scores = see("scores", q @ _shared(k, q).mT * scale)  # (…, H, L, D) x (…, H, D, S) -> (…, H, L, S)
    mask = scores.new_zeros(scores.shape[-2:]) if mask is None else _two_dims(mask, scores)
    masked = scores + see("mask", mask)  # (…, H, L, S) + (L, S)
    blind = masked.isneginf().all(-1, keepdim=True)  # (…, H, L, 1)
    pattern = see("pattern", masked.softmax(-1).masked_fill(blind, 0.0))
    return pattern, pattern @ _shared(v, q)  # (…, H, L, S) x (…, H, S, D) -> (…, H, L, D)


def _shared(kv: Tensor, q: Tensor) -> Tensor:
    """(…, kv heads, S, D) -> (…, H, S, D): each key and value repeated for its group of queries."""
    if kv.dim() < 3 or q.dim() < 3 or kv.shape[-3] in (1, q.shape[-3]):
        return kv
    return kv.repeat_interleave(q.shape[-3] // kv.shape[-3], -3)


def causal(q: Tensor, k: Tensor) -> Tensor:
    """(L, S): 0 at and below the diagonal, -inf above it."""
    return torch.full((q.shape[-2], k.shape[-2]), -math.inf, dtype=q.dtype, device=q.device).triu(1)


def additive(mask: Tensor, q: Tensor) -> Tensor:
    """A mask to add: a true or false one (true: may look) becomes 0 or -inf."""
    if mask.dtype is not torch.bool:
        return mask
    return torch.zeros(mask.shape, dtype=q.dtype, device=q.device).masked_fill(~mask, -math.inf)


def _two_dims(mask: Tensor, scores: Tensor) -> Tensor:
    """(L, S) where one mask serves every head, as the vocabulary has it; else as it is."""
    while mask.dim() > 2 and (mask.shape[0] == 1 or mask.stride(0) == 0):  # one, or one shown many times
        mask = mask[0]
    return mask.expand(scores.shape[-2:]) if mask.dim() <= 2 else mask


_MULTI_HEAD = inspect.signature(F.multi_head_attention_forward)


def _multi_head(see: Seer, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor | None]:
    """`F.multi_head_attention_forward`: (L, B, C) or (L, C) in, (output, weights) out.

    Calls with added bias rows, added zero rows or static keys stay closed: no textbook step shows them.
    """
    result: tuple[Tensor, Tensor | None] = F.multi_head_attention_forward(*args, **kwargs)
    bound = _MULTI_HEAD.bind(*args, **kwargs)
    bound.apply_defaults()
    call = SimpleNamespace(**bound.arguments)
    random = call.training and call.dropout_p
    if random or call.add_zero_attn or any(x is not None for x in (call.bias_k, call.static_k, call.static_v)):
        return result
    q, k, v = _projections(call)
    pattern, z = attend(see, q, k, v, _masks(call, q), q.shape[-1] ** -0.5)
    z = see("z", z)
    return _joined(call, pattern, z) if see.changed else result


def _projections(call: SimpleNamespace) -> tuple[Tensor, Tensor, Tensor]:
    """(L, B, C) each -> (B, H, L, D) each."""
    weights = (
        (call.q_proj_weight, call.k_proj_weight, call.v_proj_weight)
        if call.use_separate_proj_weight
        else call.in_proj_weight.chunk(3)
    )
    biases = (None, None, None) if call.in_proj_bias is None else call.in_proj_bias.chunk(3)

    def split(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        x = F.linear(x if x.dim() == 3 else x[:, None], weight, bias)  # (L, B, C)
        return x.view(*x.shape[:2], call.num_heads, -1).permute(1, 2, 0, 3)  # (B, H, L, D)

    q, k, v = (split(*each) for each in zip((call.query, call.key, call.value), weights, biases, strict=True))
    return q, k, v


def _masks(call: SimpleNamespace, q: Tensor) -> Tensor | None:
    """The attention mask and the padding mask (here true means: may *not* look) as one to add."""
    total = None
    if (mask := call.attn_mask) is not None:  # (L, S) or (B * H, L, S)
        mask = additive(~mask if mask.dtype is torch.bool else mask, q)
        total = mask if mask.dim() == 2 else mask.view(-1, call.num_heads, *mask.shape[1:])  # (B, H, L, S)
    if (padding := call.key_padding_mask) is not None:  # (B, S) or (S,)
        padding = additive(~padding if padding.dtype is torch.bool else padding, q)
        padding = padding.view(-1, 1, 1, padding.shape[-1])  # (B, 1, 1, S)
        total = padding if total is None else total + padding
    return total


def _joined(call: SimpleNamespace, pattern: Tensor, z: Tensor) -> tuple[Tensor, Tensor | None]:
    """(B, H, L, S), (B, H, L, D) -> (L, B, C) and the weights as the caller asked for them."""
    output = F.linear(z.permute(2, 0, 1, 3).flatten(2), call.out_proj_weight, call.out_proj_bias)  # (L, B, C)
    weights = None
    if call.need_weights:
        weights = pattern.mean(1) if call.average_attn_weights else pattern  # (B, L, S) or (B, H, L, S)
    if call.query.dim() == 2:
        return output[:, 0], None if weights is None else weights[0]
    return output, weights
