"""The transformer of 2017: an encoder reads a sentence, a decoder writes its translation (Vaswani et al. 2017).

    source ─ embed ─ + positions ─┬─ attn ─(+)─ norm2 ─┬─ mlp ─(+)─ … ─ final norm ─ memory     (encoder)
                                  └─────────┘          └────────┘                      │
    target ─ embed ─ + positions ─┬─ attn ─(+)─ norm_cross ─┬─ cross ─(+)─ norm2 ─┬─ mlp ─(+)─ … ─ final norm ─ logits
                                  └─────────┘               └──────────┘          └────────┘            (decoder)

What is new since seq2seq with attention: the recurrent cells are gone. The source's tokens look at each other,
both ways; the target's tokens look at those before them; and across, each target token asks the whole source.
The first transformer of all: GPT kept its decoder, BERT its encoder.

As in BERT, the stream goes on from the norm ("post-norm"). The paper counts each norm to the sum in front of it,
here it counts to what reads it, so `norm1` stands before attention in every model. The first block has none:
nothing norms the embedding. Left out: dropout and label smoothing.

Shape letters: B batch, S source time, T target time, C width, F = 4C width inside the feed-forward, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.layers.attention import Attention, causal_mask
from zoo.layers.pairs import PairModel, padding_mask
from zoo.layers.positions import sinusoidal
from zoo.plugin import Anatomy, ModelPlugin, ModelSpec
from zoo.trace.record import record


class Config(BaseModel):
    """How large encoder and decoder are."""

    blocks: int = Field(2, ge=1, le=12, description="How many blocks the encoder has, and how many the decoder.")
    heads: int = Field(4, ge=1, le=32, description="How many attention heads work side by side in each block.")
    width: int = Field(128, ge=8, le=1024, description="Size of each token's vector. A multiple of the heads.")
    context: int = Field(
        128, ge=2, le=1024, description="The longest pair it learns from: source, mark and target, in tokens."
    )

    @model_validator(mode="after")
    def _check_heads(self) -> Config:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


class FeedForward(nn.Module):
    """Two layers applied to each position alone: widen, cut below 0, narrow. (B, T, C) -> (B, T, C)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        pre = record("pre", self.up(x))  # (B, T, F)
        act = record("act", F.relu(pre))  # (B, T, F)
        return record("out", self.down(act))  # (B, T, C)


class EncoderBlock(nn.Module):
    """Attention both ways, then feed-forward. (B, S, C) -> (B, S, C)."""

    def __init__(self, config: Config, first: bool) -> None:
        super().__init__()
        self.norm1 = None if first else nn.LayerNorm(config.width)
        self.attn = Attention(config.width, config.heads)
        self.norm2 = nn.LayerNorm(config.width)
        self.mlp = FeedForward(config.width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        if self.norm1 is not None:
            x = record("norm1", self.norm1(x))  # (B, S, C)
        x = record("resid_mid", x + self.attn(x, mask))  # (B, S, C)
        x = record("norm2", self.norm2(x))  # (B, S, C)
        return record("resid", x + self.mlp(x))  # (B, S, C)


class DecoderBlock(nn.Module):
    """Attention to the past, then across to the encoder's memory, then feed-forward. (B, T, C) -> (B, T, C)."""

    def __init__(self, config: Config, first: bool) -> None:
        super().__init__()
        self.norm1 = None if first else nn.LayerNorm(config.width)
        self.attn = Attention(config.width, config.heads)
        self.norm_cross = nn.LayerNorm(config.width)
        self.cross = Attention(config.width, config.heads)
        self.norm2 = nn.LayerNorm(config.width)
        self.mlp = FeedForward(config.width)

    def forward(self, x: Tensor, mask: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        if self.norm1 is not None:
            x = record("norm1", self.norm1(x))  # (B, T, C)
        x = record("resid_mid", x + self.attn(x, mask))  # (B, T, C)
        x = record("norm_cross", self.norm_cross(x))  # (B, T, C)
        x = record("resid_cross", x + self.cross(x, memory_mask, memory))  # (B, T, C), asking (B, S, C)
        x = record("norm2", self.norm2(x))  # (B, T, C)
        return record("resid", x + self.mlp(x))  # (B, T, C)


class Encoder(nn.Module):
    """The source, each token in the light of all others: embedded (B, S, C), mask (B, S, S) -> memory (B, S, C)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(EncoderBlock(config, first=i == 0) for i in range(config.blocks))
        self.final_norm = nn.LayerNorm(config.width)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        x = placed(tokens)  # (B, S, C)
        for block in self.blocks:
            x = block(x, mask)  # (B, S, C)
        return record("final_norm", self.final_norm(x))  # (B, S, C)


class Decoder(nn.Module):
    """The target so far, in the light of the memory: embedded (B, T, C) -> (B, T, C)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(DecoderBlock(config, first=i == 0) for i in range(config.blocks))
        self.final_norm = nn.LayerNorm(config.width)

    def forward(self, tokens: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        x = placed(tokens)  # (B, T, C)
        mask = causal_mask(x.shape[1], x.device)  # (T, T); what fills up a target stands behind it, where nobody looks
        for block in self.blocks:
            x = block(x, mask, memory, memory_mask)  # (B, T, C)
        return record("final_norm", self.final_norm(x))  # (B, T, C)


def placed(tokens: Tensor) -> Tensor:
    """Embedded tokens (B, T, C) with sines and cosines added that say where each stands."""
    x = record("embed.tok", tokens)  # (B, T, C)
    x = x + record("embed.pos", sinusoidal(*tokens.shape[1:]).to(tokens))  # (B, T, C) + (T, C)
    return record("embed.out", x)  # (B, T, C)


class EncoderDecoder(PairModel):
    """source (B, S), target (B, T) -> logits (B, T, V): the score of every token as the target's next one.

    One table embeds source and target and is the output layer too (section 3.4). Its last row is the mark's.
    """

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__(vocab_size)
        self.config = config
        self.embed = nn.Embedding(vocab_size + 1, config.width)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.apply(self._init)
        nn.init.normal_(self.embed.weight, std=config.width**-0.5)

    @staticmethod
    def _init(module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)

    def embedded(self, ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, C): rows of the table times √C, as large as the positions to be added (section 3.4)."""
        rows: Tensor = self.embed(ids.clamp(min=0))
        return rows * math.sqrt(self.config.width)

    def translate(self, source: Tensor, target: Tensor) -> Tensor:
        """source (B, S), target (B, T) beginning with the mark -> logits (B, T, V); ids below 0 are nothing."""
        hidden = padding_mask(source)[:, 0]  # (B, 1, S): -inf where a source has ended
        memory = self.encoder(self.embedded(source), hidden.expand(-1, source.shape[1], -1))  # (B, S, C)
        x = self.decoder(self.embedded(target), memory, hidden.expand(-1, target.shape[1], -1))  # (B, T, C)
        return record("logits", x @ self.embed.weight[: self.mark].mT)  # (B, T, V)


class EncoderDecoderPlugin(ModelPlugin):
    """The zoo's first transformer, as it came into the world: to translate."""

    spec = ModelSpec(
        id="zoo/encoder-decoder",
        title="Transformer of 2017",
        family="encoder-decoder",
        task="translate",
        summary="An encoder reads the whole sentence at once; a decoder writes, and looks across at every step.",
    )
    Config = Config

    def build(self, config: Any, vocab_size: int) -> EncoderDecoder:
        """An untrained one: matrices by Glorot and Bengio 2010, the table from N(0, 1 / C), biases zero."""
        return EncoderDecoder(config, vocab_size)

    def recipe(self) -> Mapping[str, object]:
        """Many pairs at a time, as sentences are short, in half precision."""
        return {"batch": 32, "precision": "bfloat16"}

    def names(self) -> Mapping[str, str]:
        """Empty: every step is recorded by hand, above."""
        return {}

    def anatomy(self, module: nn.Module) -> Anatomy:
        """The weights under schema names; those of a half begin with its name."""
        assert isinstance(module, EncoderDecoder)
        config, table = module.config, module.embed.weight
        params = {"embed.W_E": table, "unembed.W_U": table[: module.mark].mT}
        for side, half in (("encoder", module.encoder), ("decoder", module.decoder)):
            params |= _norm(f"{side}.final_norm", half.final_norm)
            for i, block in enumerate(half.blocks):
                params |= _block(f"{side}.blocks.{i}", block)
        return Anatomy(
            params={name: tensor.detach() for name, tensor in params.items()},
            blocks=config.blocks,
            heads=config.heads,
            kv_heads=config.heads,
            head_dim=config.width // config.heads,
            activation="relu",
            positions="sinusoidal",
            post_norm=True,
            read_out="decoder.final_norm",
            extra={"embed_scale": math.sqrt(config.width)},
        )


def _block(at: str, block: nn.Module) -> dict[str, Tensor]:
    """A block's weights, of whichever half it is."""
    params = dict[str, Tensor]()
    for name, part in block.named_children():
        if isinstance(part, nn.LayerNorm):
            params |= _norm(f"{at}.{name}", part)
        elif isinstance(part, Attention):
            for letter, linear in zip("QKVO", (part.query, part.key, part.value, part.out), strict=True):
                params |= {f"{at}.{name}.W_{letter}": linear.weight.mT, f"{at}.{name}.b_{letter}": linear.bias}
        elif isinstance(part, FeedForward):
            params |= {f"{at}.mlp.W_in": part.up.weight.mT, f"{at}.mlp.b_in": part.up.bias}
            params |= {f"{at}.mlp.W_out": part.down.weight.mT, f"{at}.mlp.b_out": part.down.bias}
    return params


def _norm(name: str, norm: nn.LayerNorm) -> dict[str, Tensor]:
    return {f"{name}.weight": norm.weight, f"{name}.bias": norm.bias}
