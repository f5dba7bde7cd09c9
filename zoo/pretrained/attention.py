"""One attention for every Hugging Face family, so that each of its steps can be seen and replaced.

transformers lets a model call an attention function and a mask function by name. `register` gives it
ours, which compute what its eager ones compute and name each value for the running trace.
Shape letters: B batch, T time, H query heads, K key/value heads (K ≤ H), D width of one head.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from zoo.trace.record import active

ATTENTION = "zoo"
"""For models whose queries and keys reach the scores as they were projected."""
ROTARY_ATTENTION = "zoo_rotary"
"""For models that rotate queries and keys first; `record_heads` names the projections themselves."""


def register() -> None:
    """Make the names above known to transformers; may be called again and again."""
    from transformers.masking_utils import AttentionMaskInterface
    from transformers.modeling_utils import AttentionInterface

    for name, function in ((ATTENTION, attend), (ROTARY_ATTENTION, attend_rotary)):
        AttentionInterface.register(name, function)
        AttentionMaskInterface.register(name, additive_mask)


def additive_mask(*args: Any, **kwargs: Any) -> Tensor:
    """(B, 1, T, T): 0 where a position may look, -inf where it may not.

    The library's eager mask with its most negative finite number written as -inf; a softmax makes
    exactly 0 of both.
    """
    from transformers.masking_utils import eager_mask

    mask: Tensor = eager_mask(*args, **kwargs)
    return mask.masked_fill(mask < 0, -math.inf)


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor, scaling: float, **_: Any
) -> tuple[Tensor, Tensor]:
    """Attention over plain projections: names q, k, v and the steps of `_mix`.

    query (B, H, T, D), key and value (B, K, T, D) -> (B, T, H, D) and the pattern (B, H, T, T).
    Inference only: dropout is not applied.
    """
    keep = _keeper(module)
    q, k, v = keep("q", query), keep("k", key), keep("v", value)
    return _mix(q, k, v, attention_mask, scaling, keep)


def attend_rotary(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor, scaling: float, **_: Any
) -> tuple[Tensor, Tensor]:
    """Attention over rotated queries and keys: names q_rot, k_rot and the steps of `_mix`. Shapes as above."""
    keep = _keeper(module)
    q, k = keep("q_rot", query), keep("k_rot", key)
    return _mix(q, k, value, attention_mask, scaling, keep)


def record_heads(projection: nn.Module, name: str, block: int, head_dim: int) -> None:
    """Name a projection's output, split into heads, in every trace: (B, T, H * D) as (B, H, T, D)."""

    def hook(module: nn.Module, args: Any, output: Tensor) -> Tensor | None:
        if (recorder := active()) is None:
            return None
        heads = output.view(*output.shape[:-1], -1, head_dim).transpose(1, 2)  # (B, H, T, D)
        return recorder.record(name, heads, at=f"blocks.{block}.attn").transpose(1, 2).flatten(2)  # (B, T, H * D)

    projection.register_forward_hook(hook)


Keep = Callable[[str, Tensor], Tensor]


def _keeper(module: nn.Module) -> Keep:
    """Names a value for the running trace, or passes it on where nothing traces."""
    recorder, at = active(), f"blocks.{module.layer_idx}.attn"
    if recorder is None:
        return lambda name, value: value
    return lambda name, value: recorder.record(name, value, at=at)


def _mix(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scaling: float, keep: Keep) -> tuple[Tensor, Tensor]:
    """Scores, mask, pattern, z (Vaswani et al. 2017, section 3.2.1); queries may share keys (Ainslie et al. 2023)."""
    shared = q.shape[1] // k.shape[1]  # how many query heads read one key/value head
    if shared > 1:
        k, v = k.repeat_interleave(shared, dim=1), v.repeat_interleave(shared, dim=1)  # (B, H, T, D)
    scores = keep("scores", q @ k.mT * scaling)  # (B, H, T, D) x (B, H, D, T) -> (B, H, T, T)
    seen = keep("mask", mask[0, 0])  # (T, T); no padding, so the same for every text and head
    pattern = keep("pattern", (scores + seen).softmax(-1))  # (B, H, T, T), each row sums to 1
    z = keep("z", pattern @ v)  # (B, H, T, T) x (B, H, T, D) -> (B, H, T, D)
    return z.transpose(1, 2).contiguous(), pattern
