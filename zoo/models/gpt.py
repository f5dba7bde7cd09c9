"""GPT: a decoder-only transformer that predicts the next token (Radford et al. 2018, 2019).

    ids ─ embed ─(+ positions)─┬───────────────┬─(+)─┬─────────(+)─ … ─ final norm ─ unembed ─ logits
                               └ norm1 ─ attn ──┘     └ norm2 ─ mlp ┘
                               └────────────── one block, N times ──┘

Each `record` call names a value; the page shows it under that name. Shape letters: B batch,
T time, C width, F = 4C width inside the feed-forward, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import BaseModel, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.layers.attention import Attention, causal_mask
from zoo.layers.positions import sinusoidal
from zoo.plugin import Anatomy, ModelPlugin, ModelSpec, Positions
from zoo.trace.record import record


class Config(BaseModel):
    """How large the GPT is, and how it knows where a token stands."""

    blocks: int = Field(2, ge=1, le=24, description="How many blocks (attention + feed-forward) follow each other.")
    heads: int = Field(4, ge=1, le=32, description="How many attention heads work side by side in each block.")
    width: int = Field(128, ge=8, le=1024, description="Size of each token's vector. A multiple of the heads.")
    context: int = Field(128, ge=2, le=1024, description="The longest text the model can read, in tokens.")
    positions: Positions = Field("learned", description="How the model knows the order of the tokens.")
    tied: bool = Field(False, description="Use the embedding table again as the output layer.")

    @model_validator(mode="after")
    def _check_heads(self) -> Config:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if self.positions == "rotary" and self.width // self.heads % 2:
            raise ValueError("rotary positions turn pairs: width / heads must be even")
        return self


class FeedForward(nn.Module):
    """Two layers applied to each position alone: widen, bend, narrow. (B, T, C) -> (B, T, C)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        pre = record("pre", self.up(x))  # (B, T, F)
        act = record("act", F.gelu(pre, approximate="tanh"))  # (B, T, F)
        return record("out", self.down(act))  # (B, T, C)


class Block(nn.Module):
    """Attention, then feed-forward; each reads a normalised copy and adds its answer to the stream."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width)
        self.attn = Attention(config.width, config.heads, rotary=config.positions == "rotary")
        self.norm2 = nn.LayerNorm(config.width)
        self.mlp = FeedForward(config.width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = record("resid_mid", x + self.attn(record("norm1", self.norm1(x)), mask))  # (B, T, C)
        return record("resid", x + self.mlp(record("norm2", self.norm2(x))))  # (B, T, C)


class GPT(nn.Module):
    """ids (B, T) -> logits (B, T, V): the score of every token of the vocabulary as the next one."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(vocab_size, config.width)
        if config.positions == "learned":
            self.embed_positions = nn.Embedding(config.context, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.final_norm = nn.LayerNorm(config.width)
        self.unembed = nn.Linear(config.width, vocab_size, bias=False)
        self.apply(self._init)
        if config.tied:
            self.unembed.weight = self.embed.weight

    @staticmethod
    def _init(module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def positions(self, time: int) -> Tensor | None:
        """(T, C) vectors to add to the embeddings; None where positions are rotary or absent."""
        if self.config.positions == "learned":
            return self.embed_positions.weight[:time]
        if self.config.positions == "sinusoidal":
            return sinusoidal(time, self.config.width).to(self.embed.weight)
        return None

    def forward(self, ids: Tensor) -> Tensor:
        time = ids.shape[1]
        if time > self.config.context:
            raise ValueError(f"the text has {time} tokens; this model reads at most {self.config.context}")
        x = record("embed.tok", self.embed(ids))  # (B, T, C)
        if (positions := self.positions(time)) is not None:
            x = x + record("embed.pos", positions)  # (B, T, C) + (T, C)
        x = record("embed.out", x)  # (B, T, C)
        mask = causal_mask(time, ids.device)  # (T, T)
        for block in self.blocks:
            x = block(x, mask)  # (B, T, C)
        x = record("final_norm", self.final_norm(x))  # (B, T, C)
        return record("logits", self.unembed(x))  # (B, T, V)


class GPTPlugin(ModelPlugin):
    """The zoo's textbook transformer."""

    spec = ModelSpec(
        id="zoo/gpt",
        title="GPT",
        family="gpt",
        task="next-token",
        summary="Reads all tokens at once; each looks back at those before it and predicts the next.",
    )
    Config = Config

    def build(self, config: Any, vocab_size: int) -> GPT:
        """An untrained GPT: weights from N(0, 0.02), biases zero (Radford et al. 2019)."""
        return GPT(config, vocab_size)

    def recipe(self) -> Mapping[str, object]:
        """Small batches in half precision: within a minute it comes near to all that the glass box lets one know."""
        return {"batch": 8, "precision": "bfloat16", "matrix_rate": 0.03, "rate": 0.006}

    def names(self) -> Mapping[str, str]:
        """Empty: every step is recorded by hand, above."""
        return {}

    def anatomy(self, module: nn.Module) -> Anatomy:
        """The GPT's weights under schema names."""
        assert isinstance(module, GPT)
        config = module.config
        params = {"embed.W_E": module.embed.weight, "unembed.W_U": module.unembed.weight.mT}
        if (positions := module.positions(config.context)) is not None:
            params["embed.W_pos"] = positions
        params |= _norm("final_norm", module.final_norm)
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
            positions=config.positions,
        )


def _norm(name: str, norm: nn.LayerNorm) -> dict[str, torch.Tensor]:
    return {f"{name}.weight": norm.weight, f"{name}.bias": norm.bias}
