"""BERT: a transformer that looks both ways and fills in blanks (Devlin et al. 2019).

    ids ─ embed + positions ─ norm1 ─┬─ attn ─(+)─ norm2 ─┬─ mlp ─(+)─ … ─ final norm ─ head ─ unembed ─ logits
                                     └─────────┘          └────────┘
                                └────────── one block, N times ────────┘

What is new since GPT:
- no mask: each token sees those behind it too. So it cannot be asked for the next token, which it would see;
  it is asked for blanks in the text. The blank is the id behind the vocabulary.
- the stream goes on from the norm, not around it: x + attn(x) of the normed x, where GPT has x + attn(norm(x)).
  The paper, as Vaswani et al. 2017 before it, counts each norm to the sum in front of it ("post-norm"); here,
  as in GPT, to what reads it. Order and numbers are the same.
- a head before the output layer: one more layer, bent and normed. The output layer is the embedding table again.
Left out: the segment embeddings and the task "does this sentence follow that one?", and dropout.

Shape letters: B batch, T time, C width, F = 4C width inside the feed-forward, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import BaseModel, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.layers.attention import Attention, open_mask
from zoo.plugin import Anatomy, ModelPlugin, ModelSpec
from zoo.trace.record import record


class Config(BaseModel):
    """How large the BERT is."""

    blocks: int = Field(2, ge=1, le=24, description="How many blocks (attention + feed-forward) follow each other.")
    heads: int = Field(4, ge=1, le=32, description="How many attention heads work side by side in each block.")
    width: int = Field(128, ge=8, le=1024, description="Size of each token's vector. A multiple of the heads.")
    context: int = Field(128, ge=2, le=1024, description="The longest text the model can read, in tokens.")

    @model_validator(mode="after")
    def _check_heads(self) -> Config:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


class FeedForward(nn.Module):
    """Two layers applied to each position alone: widen, bend, narrow. (B, T, C) -> (B, T, C)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        pre = record("pre", self.up(x))  # (B, T, F)
        act = record("act", F.gelu(pre))  # (B, T, F)
        return record("out", self.down(act))  # (B, T, C)


class Block(nn.Module):
    """Attention, then feed-forward; each adds its answer to the normed stream that it has read."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width)
        self.attn = Attention(config.width, config.heads)
        self.norm2 = nn.LayerNorm(config.width)
        self.mlp = FeedForward(config.width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = record("norm1", self.norm1(x))  # (B, T, C)
        x = record("resid_mid", x + self.attn(x, mask))  # (B, T, C)
        x = record("norm2", self.norm2(x))  # (B, T, C)
        return record("resid", x + self.mlp(x))  # (B, T, C)


class Head(nn.Module):
    """One layer more before the words are read off: (B, T, C) -> (B, T, C)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        pre = record("pre", self.dense(x))  # (B, T, C)
        act = record("act", F.gelu(pre))  # (B, T, C)
        return record("norm", self.norm(act))  # (B, T, C)


class BERT(nn.Module):
    """ids (B, T), some of them the blank V -> logits (B, T, V): row t scores every token as the one at place t."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        self.embed = nn.Embedding(vocab_size + 1, config.width)  # the last row is the blank's
        self.embed_positions = nn.Embedding(config.context, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.final_norm = nn.LayerNorm(config.width)
        self.head = Head(config.width)
        self.unembed_bias = nn.Parameter(torch.zeros(vocab_size))
        self.apply(self._init)

    @staticmethod
    def _init(module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)

    def forward(self, ids: Tensor) -> Tensor:
        time = ids.shape[1]
        if time > self.config.context:
            raise ValueError(f"the text has {time} tokens; this model reads at most {self.config.context}")
        x = record("embed.tok", self.embed(ids))  # (B, T, C)
        x = x + record("embed.pos", self.embed_positions.weight[:time])  # (B, T, C) + (T, C)
        x = record("embed.out", x)  # (B, T, C)
        mask = open_mask(time, ids.device)  # (T, T)
        for block in self.blocks:
            x = block(x, mask)  # (B, T, C)
        x = record("final_norm", self.final_norm(x))  # (B, T, C)
        x = self.head(x)  # (B, T, C)
        return record("logits", F.linear(x, self.embed.weight[: self.vocab_size], self.unembed_bias))  # (B, T, V)


class BERTPlugin(ModelPlugin):
    """The zoo's reader of blanks."""

    spec = ModelSpec(
        id="zoo/bert",
        title="BERT",
        family="bert",
        task="masked-token",
        summary="Reads a text from both sides at once and says which words belong in its blanks.",
    )
    Config = Config

    def build(self, config: Any, vocab_size: int) -> BERT:
        """An untrained BERT: weights from N(0, 0.02), biases zero (Devlin et al. 2019)."""
        return BERT(config, vocab_size)

    def recipe(self) -> Mapping[str, object]:
        """Twice GPT's batch: a window gives answers for 15 % of its tokens, and a step needs enough of them."""
        return {"batch": 16, "precision": "bfloat16", "rate": 0.006}

    def names(self) -> Mapping[str, str]:
        """Empty: every step is recorded by hand, above."""
        return {}

    def anatomy(self, module: nn.Module) -> Anatomy:
        """The BERT's weights under schema names."""
        assert isinstance(module, BERT)
        config, table = module.config, module.embed.weight
        params = {"embed.W_E": table, "embed.W_pos": module.embed_positions.weight}
        params |= {"unembed.W_U": table[: module.vocab_size].mT, "unembed.b_U": module.unembed_bias}
        params |= {"head.W": module.head.dense.weight.mT, "head.b": module.head.dense.bias}
        params |= _norm("final_norm", module.final_norm) | _norm("head.norm", module.head.norm)
        for i, block in enumerate(module.blocks):
            assert isinstance(block, Block)
            params |= _norm(f"blocks.{i}.norm1", block.norm1) | _norm(f"blocks.{i}.norm2", block.norm2)
            attn, mlp = f"blocks.{i}.attn", f"blocks.{i}.mlp"
            for letter, linear in zip(
                "QKVO", (block.attn.query, block.attn.key, block.attn.value, block.attn.out), strict=True
            ):
                params |= {f"{attn}.W_{letter}": linear.weight.mT, f"{attn}.b_{letter}": linear.bias}
            params |= {f"{mlp}.W_in": block.mlp.up.weight.mT, f"{mlp}.b_in": block.mlp.up.bias}
            params |= {f"{mlp}.W_out": block.mlp.down.weight.mT, f"{mlp}.b_out": block.mlp.down.bias}
        return Anatomy(
            params={name: tensor.detach() for name, tensor in params.items()},
            blocks=config.blocks,
            heads=config.heads,
            kv_heads=config.heads,
            head_dim=config.width // config.heads,
            activation="gelu",
            causal=False,
            post_norm=True,
            read_out="head.norm",
        )


def _norm(name: str, norm: nn.LayerNorm) -> dict[str, Tensor]:
    return {f"{name}.weight": norm.weight, f"{name}.bias": norm.bias}
