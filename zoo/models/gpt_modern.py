"""GPT, modern: what changed in the transformer since 2019, each change a switch that can be turned back.

Read `gpt.py` first: the house is the same, and only what differs is explained here. Each switch of
`Config` names its paper. The other half of the difference is how it is trained (`GPTModernPlugin.recipe`):
Muon for the matrices beside Adam for the tables and the output layer, half-precision arithmetic, a
learning rate that falls with the time spent, and pieces of words (BPE) for tokens.

    ids ─ embed ─(+ previous token)─┬───────────────┬─(+)─┬─────────(+)─ … ─ norm ─ unembed ─ logits
                                    └ norm ─ attn ──┘     └ norm ─ mlp ┘

Shape letters: B batch, T time, C width, H heads, D = C / H, F = 4C, V vocabulary. No layer has a bias
(Chowdhery et al. 2022, PaLM, section 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from pydantic import BaseModel, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.layers.attention import causal_mask
from zoo.layers.formats import Matrix, number_format
from zoo.layers.positions import turned, turning
from zoo.plugin import Anatomy, ModelPlugin, ModelSpec
from zoo.trace.record import record


class Config(BaseModel):
    """How large the model is, and which of the changes since 2019 it takes part in."""

    blocks: int = Field(2, ge=1, le=24, description="How many blocks (attention + feed-forward) follow each other.")
    heads: int = Field(4, ge=1, le=32, description="How many attention heads work side by side in each block.")
    width: int = Field(128, ge=8, le=1024, description="Size of each token's vector. A multiple of the heads.")
    context: int = Field(128, ge=2, le=1024, description="The longest text the model can read, in tokens.")
    rotary: bool = Field(
        True, description="Turn queries and keys by their place in the text. Off: add a learned vector for each place."
    )
    query_key_norm: bool = Field(
        True, description="Bring queries and keys to one length, so that no score can run away."
    )
    squared_relu: bool = Field(True, description="Cut below zero and square above, max(0, x)². Off: the smooth GELU.")
    plain_norm: bool = Field(True, description="Norms without weights of their own. Off: each learns scale and shift.")
    zero_start: bool = Field(
        True, description="Layers that write into the stream, and the output layer, start at zero. Off: at random."
    )
    untied: bool = Field(True, description="An output layer of its own. Off: the embedding table is used again.")
    previous_token: bool = Field(
        True, description="Each token's vector also holds a row for the token before it. Off: only its own."
    )

    @model_validator(mode="after")
    def _check_heads(self) -> Config:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if self.rotary and self.width // self.heads % 2:
            raise ValueError("rotary positions turn pairs: width / heads must be even")
        return self


class Shared(NamedTuple):
    """What is the same in every block: made once for a pass."""

    mask: Tensor
    """(T, T): 0 where a token may look, −∞ where it may not."""
    turn: tuple[Tensor, Tensor] | None
    """cos and sin of the rotary angles, each (T, D); None where positions are learned vectors."""


class Attention(nn.Module):
    """Queries, keys and values as in the textbook; queries and keys are normed, then turned. (B, T, C) -> (B, T, C).

    Rotary positions: Su et al. 2021, RoFormer. Query–key norm: Henry et al. 2020; without it the scores of a
    quickly trained model grow until the softmax freezes (Dehghani et al. 2023, section 2).
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads = config.heads
        self.query, self.key, self.value = (Matrix(config.width, config.width) for _ in range(3))
        self.out = Matrix(config.width, config.width, zero=config.zero_start)
        size = config.width // config.heads
        self.q_norm = norm(size, config) if config.query_key_norm else None
        self.k_norm = norm(size, config) if config.query_key_norm else None

    def split(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, H, T, D): each head gets its own slice of the width."""
        batch, time, width = x.shape
        return x.view(batch, time, self.heads, width // self.heads).transpose(1, 2)

    def forward(self, x: Tensor, shared: Shared) -> Tensor:
        q = record("q", self.split(self.query(x)))  # (B, H, T, D)
        k = record("k", self.split(self.key(x)))  # (B, H, T, D)
        v = record("v", self.split(self.value(x)))  # (B, H, T, D)
        if self.q_norm is not None and self.k_norm is not None:
            q, k = record("q_norm", self.q_norm(q)), record("k_norm", self.k_norm(k))  # (B, H, T, D)
        if shared.turn is not None:
            q, k = record("q_rot", turned(q, *shared.turn)), record("k_rot", turned(k, *shared.turn))  # (B, H, T, D)
        q = q * q.shape[-1] ** -0.5  # here, and not on the scores: there are fewer numbers to scale
        scores = record("scores", q @ k.mT)  # (B, H, T, D) x (B, H, D, T) -> (B, H, T, T)
        pattern = record("pattern", (scores + record("mask", shared.mask)).softmax(-1))  # (B, H, T, T)
        z = record("z", pattern @ v)  # (B, H, T, T) x (B, H, T, D) -> (B, H, T, D)
        return record("out", self.out(z.transpose(1, 2).flatten(2)))  # (B, T, C)


class FeedForward(nn.Module):
    """Widen, bend, narrow. (B, T, C) -> (B, T, C).

    Squared ReLU: So et al. 2021, Primer, section 4. It is as good as GELU or better, cheaper, and truly
    zero for most inputs.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.squared = config.squared_relu
        self.up = Matrix(config.width, 4 * config.width)
        self.down = Matrix(4 * config.width, config.width, zero=config.zero_start)

    def forward(self, x: Tensor) -> Tensor:
        pre = record("pre", self.up(x))  # (B, T, F)
        act = record("act", F.relu(pre).square() if self.squared else F.gelu(pre, approximate="tanh"))  # (B, T, F)
        return record("out", self.down(act))  # (B, T, C)


class Block(nn.Module):
    """Attention, then feed-forward; each reads a normalised copy and adds its answer to the stream."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.norm1, self.attn = norm(config.width, config), Attention(config)
        self.norm2, self.mlp = norm(config.width, config), FeedForward(config)

    def forward(self, x: Tensor, shared: Shared) -> Tensor:
        x = record("resid_mid", x + self.attn(record("norm1", self.norm1(x)), shared))  # (B, T, C)
        return record("resid", x + self.mlp(record("norm2", self.norm2(x))))  # (B, T, C)


def norm(width: int, config: Config) -> nn.LayerNorm:
    """Layer norm; without weights it is as good (Xu et al. 2019, section 3), and the next matrix can scale as well."""
    return nn.LayerNorm(width, elementwise_affine=not config.plain_norm)


def table(rows: int, width: int, std: float = 0.0) -> nn.Embedding:
    """One learned row for each number; rows that are only added to others may begin at zero."""
    embedding = nn.Embedding(rows, width)
    nn.init.normal_(embedding.weight, std=std)
    return embedding


class GPTModern(nn.Module):
    """ids (B, T) -> logits (B, T, V): the score of every token of the vocabulary as the next one.

    What writes into the stream, and the output layer, start at zero: each block begins as a mere passage,
    the first prediction is an even guess, and the gradient finds a clear way back (Zhang et al. 2019,
    Fixup; Bachlechner et al. 2020, ReZero).
    """

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.embed = table(vocab_size, config.width, std=0.5 if config.untied else 0.02)
        if config.previous_token:
            self.embed_previous = table(vocab_size + 1, config.width)  # the last row: nothing stands before
        if not config.rotary:
            self.embed_positions = table(config.context, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.final_norm = norm(config.width, config)
        self.unembed = Matrix(config.width, vocab_size, zero=config.zero_start)
        if not config.untied:
            self.unembed.weight = self.embed.weight

    def forward(self, ids: Tensor) -> Tensor:
        time = ids.shape[1]
        if time > self.config.context:
            raise ValueError(f"the text has {time} tokens; this model reads at most {self.config.context}")
        dtype = number_format(ids.device)
        with torch.autocast(ids.device.type, enabled=False):  # from here on in the one format
            return self._logits(ids, dtype)

    def _logits(self, ids: Tensor, dtype: torch.dtype) -> Tensor:
        x = self._embedded(ids).to(dtype)  # (B, T, C)
        shared = self._shared(ids, dtype)
        for block in self.blocks:
            x = block(x, shared)  # (B, T, C)
        x = record("final_norm", self.final_norm(x))  # (B, T, C)
        return record("logits", self.unembed(x))  # (B, T, V)

    def _embedded(self, ids: Tensor) -> Tensor:
        """The start of the stream (B, T, C).

        The row for the previous token gives the first block pairs of tokens to work with; without it a
        whole attention head has to learn to look one step back (Olsson et al. 2022).
        """
        x = record("embed.tok", self.embed(ids))  # (B, T, C)
        if self.config.previous_token:
            before = F.pad(ids[:, :-1], (1, 0), value=self.embed.num_embeddings)  # (B, T)
            x = x + record("embed.prev", self.embed_previous(before))  # (B, T, C)
        if not self.config.rotary:
            x = x + record("embed.pos", self.embed_positions.weight[: ids.shape[1]])  # (B, T, C) + (T, C)
        return record("embed.out", x)

    def _shared(self, ids: Tensor, dtype: torch.dtype) -> Shared:
        time, size = ids.shape[1], self.config.width // self.config.heads
        mask = causal_mask(time, ids.device).to(dtype)  # (T, T)
        if not self.config.rotary:
            return Shared(mask, None)
        cos, sin = turning(time, size)  # (T, D), (T, D)
        return Shared(mask, (cos.to(mask), sin.to(mask)))


class GPTModernPlugin(ModelPlugin):
    """The zoo's modern transformer."""

    spec = ModelSpec(
        id="zoo/gpt-modern",
        title="GPT, modern",
        family="gpt",
        task="next-token",
        summary="The same transformer with what was learned since 2019: it reaches the same loss many times sooner.",
    )
    Config = Config

    def build(self, config: Any, vocab_size: int) -> GPTModern:
        """An untrained model: an even guess at first, where `zero_start` is on."""
        return GPTModern(config, vocab_size)

    def recipe(self) -> Mapping[str, object]:
        """What this model was measured with (`tests/benchmarks/nanogpt.py`)."""
        rates = {"matrix_rate": 0.02, "rate": 0.005, "head_rate": 0.004}
        return rates | {"optimizer": "muon", "weight_decay": 0.2, "precision": "bfloat16", "batch": 8}

    def names(self) -> Mapping[str, str]:
        """Empty: every step is recorded by hand, above."""
        return {}

    def anatomy(self, module: nn.Module) -> Anatomy:
        """The weights under schema names."""
        assert isinstance(module, GPTModern)
        config = module.config
        params = {"embed.W_E": module.embed.weight, "unembed.W_U": module.unembed.weight.mT}
        if config.previous_token:
            params["embed.W_prev"] = module.embed_previous.weight
        if not config.rotary:
            params["embed.W_pos"] = module.embed_positions.weight
        for i, block in enumerate(module.blocks):
            assert isinstance(block, Block)
            attn, mlp = f"blocks.{i}.attn", f"blocks.{i}.mlp"
            parts = zip("QKVO", (block.attn.query, block.attn.key, block.attn.value, block.attn.out), strict=True)
            params |= {f"{attn}.W_{letter}": matrix.weight.mT for letter, matrix in parts}
            params |= {f"{mlp}.W_in": block.mlp.up.weight.mT, f"{mlp}.W_out": block.mlp.down.weight.mT}
        for name, each in module.named_modules():
            if isinstance(each, nn.LayerNorm) and each.elementwise_affine:
                params |= {f"{name}.weight": each.weight, f"{name}.bias": each.bias}
        return Anatomy(
            params={name: tensor.detach() for name, tensor in params.items()},
            blocks=config.blocks,
            heads=config.heads,
            kv_heads=config.heads,
            head_dim=config.width // config.heads,
            activation="relu_squared" if config.squared_relu else "gelu_tanh",
            positions="rotary" if config.rotary else "learned",
            query_key_norm=config.query_key_norm,
        )
