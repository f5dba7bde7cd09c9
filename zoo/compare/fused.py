"""The zoo's GPT with torch's own attention kernel: what a fused LSTM is fairly set beside. Same weights, same logits.

The textbook attention of `zoo.layers.attention` writes the whole (T, T) table of scores, so that it can be shown.
The kernel works through it in small tiles and never holds it (Dao et al. 2022, FlashAttention).
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from zoo.layers.attention import Attention
from zoo.models.gpt import GPT, Block, Config


class FusedAttention(Attention):
    """Causal attention of a text to itself in one call of torch: x (B, T, C) -> (B, T, C). The mask is built in."""

    def forward(self, x: Tensor, mask: Tensor, memory: Tensor | None = None) -> Tensor:
        assert memory is None
        assert not self.rotary
        q, k, v = (self.split(each(x)) for each in (self.query, self.key, self.value))  # (B, H, T, D) each
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # (B, H, T, D)
        return self.out(z.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]  # (B, T, C)


class FusedGPT(GPT):
    """ids (B, T) -> logits (B, T, V), as the GPT gives them with learned positions."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        for block in self.blocks:
            assert isinstance(block, Block)
            block.attn = FusedAttention(config.width, config.heads)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed(ids) + self.embed_positions.weight[: ids.shape[1]]  # (B, T, C)
        for block in self.blocks:
            x = block(x, x)  # (B, T, C): no table of a mask is made
        return self.unembed(self.final_norm(x))  # type: ignore[no-any-return]  # (B, T, V)
