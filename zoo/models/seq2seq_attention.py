"""Seq2seq with attention: for each token the decoder looks back at the whole source.

Bahdanau et al. 2015, "Neural machine translation by jointly learning to align and translate"; Luong et al. 2015,
"Effective approaches to attention-based neural machine translation".

    source ─ embed ─ encoder ─ encoder ─ encoder          all states are kept
                        └─────────┼─────────┘
                           pattern: how much of each      one row a target step
                                  │
                                  ▼ context: their mix, another one for each step
                mark ─ embed ─ decoder ─ decoder ─ …
                                  │ logits

The plain seq2seq has one context vector for the whole sentence. Here each target step makes its own: its state is
the query, every encoder state answers with a score, and the softmax of the scores says how much of each state goes
into the mix. Nothing else is new. What a long sentence says no longer has to fit into C numbers, and the pattern
shows which source words a target word was made from.

- Luong, dot: score = h_t · s. No weight at all, so this model has as many parameters as the plain one.
- Luong, general: score = h_t · W s. A few parameters more (3 % at the default size), and it learns sooner.
- Bahdanau: score = v · tanh(W h_{t−1} + U s), additive. The query is the state *before* the step, and the context
  goes into the step: each has to wait for the one before it.

Left out, to keep the delta small: Bahdanau's second encoder that reads backwards, Luong's input feeding.
Shape letters: B batch, S source time, T target time, C width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn

from zoo.layers import weights
from zoo.layers.pairs import PairModel, last, padding_mask
from zoo.layers.recurrent import GRULayer, State, read_through
from zoo.plugin import Anatomy, ModelPlugin, ModelSpec
from zoo.trace.record import record

Kind = Literal["luong-dot", "luong-general", "bahdanau"]


class Config(BaseModel):
    """How large the two networks are, and how the decoder looks back."""

    layers: int = Field(1, ge=1, le=4, description="How many layers of cells stand on each other, on either side.")
    width: int = Field(128, ge=8, le=512, description="Size of each token's vector, of the state, and of a context.")
    context: int = Field(128, ge=8, le=1024, description="The longest source and target together, in tokens.")
    attention: Kind = Field("luong-general", description="How a decoder state is compared with the encoder's states.")


class Encoder(nn.Module):
    """source (B, S) -> (B, S, C): the state after each token."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab_size, config.width)
        self.layers = nn.ModuleList(GRULayer(config.width, config.width) for _ in range(config.layers))

    def forward(self, source: Tensor) -> Tensor:
        x = record("embed.tok", self.embed(source.clamp(min=0)))  # (B, S, C)
        states, _ = read_through(self.layers, x)  # (B, S, C)
        return record("out", states)


class CrossAttention(nn.Module):
    """Each query is compared with all keys, and takes its mix of the states. One head: the 1 in the shapes.

    query (B, T, C), keys and states (B, S, C), mask (B, 1, 1, S) -> contexts (B, T, C).
    """

    def __init__(self, kind: Kind, width: int) -> None:
        super().__init__()
        self.kind = kind
        self.key = nn.Identity() if kind == "luong-dot" else nn.Linear(width, width, bias=False)  # W, or U
        if kind == "bahdanau":
            self.query = nn.Linear(width, width, bias=False)  # W
            self.score = nn.Linear(width, 1, bias=False)  # v

    def compare(self, query: Tensor, keys: Tensor) -> Tensor:
        """(B, T, C) and (B, S, C) -> (B, T, S): how well each key answers each query."""
        if self.kind != "bahdanau":
            return query @ keys.mT  # (B, T, C) x (B, C, S) -> (B, T, S)
        bent = torch.tanh(self.query(query)[:, :, None] + keys[:, None])  # (B, T, 1, C) + (B, 1, S, C)
        scores: Tensor = self.score(bent)[..., 0]  # (B, T, S, C) x (C, 1) -> (B, T, S)
        return scores

    def forward(self, query: Tensor, keys: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        query = record("q", query[:, None])[:, 0]  # (B, T, C)
        scores = record("scores", self.compare(query, keys)[:, None])  # (B, 1, T, S)
        pattern = record("pattern", (scores + mask).softmax(-1))  # (B, 1, T, S), each row sums to 1
        return record("context", pattern[:, 0] @ states)  # (B, T, S) x (B, S, C) -> (B, T, C)


class Decoder(nn.Module):
    """target (B, T) and the encoder's states (B, S, C) -> (B, T, C): what each next token is chosen from."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.waits = config.attention == "bahdanau"
        self.embed = nn.Embedding(vocab_size + 1, config.width)  # the last row is the mark's
        inputs = 2 * config.width if self.waits else config.width  # the context is part of the input, or is not
        sizes = [inputs, *[config.width] * (config.layers - 1)]
        self.layers = nn.ModuleList(GRULayer(size, config.width) for size in sizes)
        self.cross = CrossAttention(config.attention, config.width)
        self.mix = nn.Linear(2 * config.width, config.width)

    def forward(self, target: Tensor, states: Tensor, start: Tensor, mask: Tensor) -> Tensor:
        x = record("embed.tok", self.embed(target.clamp(min=0)))  # (B, T, C)
        keys = record("cross.k", self.cross.key(states)[:, None])[:, 0]  # (B, S, C)
        read = self.step_by_step if self.waits else self.at_once
        both = torch.cat(read(x, start, keys, states, mask), dim=-1)  # (B, T, 2C)
        return record("out", torch.tanh(self.mix(both)))  # (B, T, C)

    def at_once(self, x: Tensor, start: Tensor, keys: Tensor, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Luong: contexts and states, (B, T, C) each. All states first, then each one's look at the source."""
        h, _ = read_through(self.layers, x, [(start,)] * len(self.layers))  # (B, T, C)
        return self.cross(h, keys, states, mask), h

    def step_by_step(
        self, x: Tensor, start: Tensor, keys: Tensor, states: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Bahdanau: contexts and states, (B, T, C) each. A look with the last state, then a step with what it found."""
        h = start[:, None]  # (B, 1, C)
        carried: list[State] = [(start,)] * len(self.layers)
        contexts, hidden = list[Tensor](), list[Tensor]()
        for token in x.unbind(1):  # (B, C) each
            contexts.append(self.cross(h, keys, states, mask))  # (B, 1, C)
            both = torch.cat([token[:, None], contexts[-1]], dim=-1)  # (B, 1, 2C)
            h, carried = read_through(self.layers, both, carried)  # (B, 1, C)
            hidden.append(h)
        return torch.cat(contexts, dim=1), torch.cat(hidden, dim=1)


class Seq2SeqAttention(PairModel):
    """ids (B, S + T) -> logits (B, T, V): a row for the mark and for each target token, about the one after it."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__(vocab_size)
        self.encoder = Encoder(config, vocab_size)
        self.decoder = Decoder(config, vocab_size)
        self.unembed = nn.Linear(config.width, vocab_size)

    def translate(self, source: Tensor, target: Tensor) -> Tensor:
        states = self.encoder(source)  # (B, S, C)
        start = record("start", last(states, source))  # (B, C)
        x = self.decoder(target, states, start, padding_mask(source))  # (B, T, C)
        return record("logits", self.unembed(x))  # (B, T, V)


class Seq2SeqAttentionPlugin(ModelPlugin):
    """The zoo's encoder and decoder with attention between them."""

    spec = ModelSpec(
        id="zoo/seq2seq-attention",
        title="Seq2seq with attention",
        family="seq2seq",
        task="translate",
        summary="Writes a translation word by word, and looks back at the whole source sentence before each.",
    )
    Config = Config

    def build(self, config: Any, vocab_size: int) -> Seq2SeqAttention:
        """An untrained pair of networks; the states' matrices begin as turns (Saxe et al. 2014)."""
        return Seq2SeqAttention(config, vocab_size)

    def recipe(self) -> Mapping[str, object]:
        """Large steps: within a minute it writes most sentences of up to ten words without a fault."""
        return {"batch": 32, "rate": 0.01}

    def names(self) -> Mapping[str, str]:
        """Empty: every step is recorded by hand."""
        return {}

    def anatomy(self, module: nn.Module) -> Anatomy:
        """The weights of both networks and of the attention between them, under schema names."""
        assert isinstance(module, Seq2SeqAttention)
        params = halves(module.encoder, module.decoder) | across(module.decoder.cross)
        params |= weights.linear(module.unembed, "unembed.W_U", "unembed.b_U")
        return Anatomy(params=weights.held(params), positions="none", read_out="decoder.out")


def halves(encoder: Encoder, decoder: Decoder) -> dict[str, Tensor]:
    """The weights of encoder and decoder, under schema names."""
    params = {"encoder.embed.W_E": encoder.embed.weight, "decoder.embed.W_E": decoder.embed.weight}
    params |= weights.cells(encoder.layers, "encoder.") | weights.cells(decoder.layers, "decoder.")
    W_c, W_h = decoder.mix.weight.chunk(2, dim=1)  # of the context, of the state
    return params | {"decoder.mix.W_c": W_c.mT, "decoder.mix.W_h": W_h.mT, "decoder.mix.b": decoder.mix.bias}


def across(cross: CrossAttention) -> dict[str, Tensor]:
    """The weights of the comparison, as many as this kind has."""
    params = {} if cross.kind == "luong-dot" else {"decoder.cross.W_K": cross.key.get_parameter("weight").mT}
    if cross.kind == "bahdanau":
        params |= {"decoder.cross.W_Q": cross.query.weight.mT, "decoder.cross.v": cross.score.weight.mT}
    return params
