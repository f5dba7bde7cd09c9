"""Seq2seq: one recurrent network reads the source, another writes the target (Sutskever et al. 2014; Cho et al. 2014).

    source ─ embed ─ encoder ─ encoder ─ encoder
                                            │ context: C numbers, all that the decoder ever learns of the source
                           ┌────────────────┼─────────────────┐
                           ▼                ▼                 ▼
                mark ─ decoder ───────── decoder ───────── decoder
                         │ logits          │ logits           │ logits
                       token 1           token 2            end of text

A language model goes on from a text. Here it goes on from a state: the one in which another network was when it
had read a sentence of another language. However long the sentence, it has to fit into that one vector.

The context is the decoder's first state (Sutskever et al.), and stands beside each of its states where the next
token is chosen (Cho et al., whose maxout is one bent layer here). Sutskever et al. read the source backwards,
which brought its beginning nearer to the target's; this one reads it as it is written.
Shape letters: B batch, S source time, T target time, C width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn

from zoo.layers import weights
from zoo.layers.pairs import PairModel, last
from zoo.layers.recurrent import GRULayer, read_through
from zoo.plugin import Anatomy, ModelPlugin, ModelSpec
from zoo.trace.record import record


class Config(BaseModel):
    """How large the two networks are."""

    layers: int = Field(1, ge=1, le=4, description="How many layers of cells stand on each other, on either side.")
    width: int = Field(128, ge=8, le=512, description="Size of each token's vector, of the state, and of the context.")
    context: int = Field(128, ge=8, le=1024, description="The longest source and target together, in tokens.")


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


class Decoder(nn.Module):
    """target (B, T) and the context (B, C) -> (B, T, C): what each next token is chosen from."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab_size + 1, config.width)  # the last row is the mark's
        self.layers = nn.ModuleList(GRULayer(config.width, config.width) for _ in range(config.layers))
        self.mix = nn.Linear(2 * config.width, config.width)

    def forward(self, target: Tensor, context: Tensor) -> Tensor:
        x = record("embed.tok", self.embed(target.clamp(min=0)))  # (B, T, C)
        h, _ = read_through(self.layers, x, [(context,)] * len(self.layers))  # (B, T, C)
        both = torch.cat([context[:, None].expand_as(h), h], dim=-1)  # (B, T, 2C)
        return record("out", torch.tanh(self.mix(both)))  # (B, T, C)


class Seq2Seq(PairModel):
    """ids (B, S + T) -> logits (B, T, V): a row for the mark and for each target token, about the one after it."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__(vocab_size)
        self.encoder = Encoder(config, vocab_size)
        self.decoder = Decoder(config, vocab_size)
        self.unembed = nn.Linear(config.width, vocab_size)

    def translate(self, source: Tensor, target: Tensor) -> Tensor:
        states = self.encoder(source)  # (B, S, C)
        context = record("context", last(states, source))  # (B, C)
        x = self.decoder(target, context)  # (B, T, C)
        return record("logits", self.unembed(x))  # (B, T, V)


class Seq2SeqPlugin(ModelPlugin):
    """The zoo's encoder and decoder with one vector between them."""

    spec = ModelSpec(
        id="zoo/seq2seq",
        title="Seq2seq",
        family="seq2seq",
        task="translate",
        summary="Reads a whole sentence into one vector, and writes its translation from that vector alone.",
    )
    Config = Config

    def build(self, config: Any, vocab_size: int) -> Seq2Seq:
        """An untrained pair of networks; the states' matrices begin as turns (Saxe et al. 2014)."""
        return Seq2Seq(config, vocab_size)

    def recipe(self) -> Mapping[str, object]:
        """Large steps: those of the model with attention, so that the two can be compared."""
        return {"batch": 32, "rate": 0.01}

    def names(self) -> Mapping[str, str]:
        """Empty: every step is recorded by hand."""
        return {}

    def anatomy(self, module: nn.Module) -> Anatomy:
        """The weights of both networks, under schema names."""
        assert isinstance(module, Seq2Seq)
        params = halves(module.encoder, module.decoder)
        params |= weights.linear(module.unembed, "unembed.W_U", "unembed.b_U")
        return Anatomy(params=weights.held(params), positions="none", read_out="decoder.out")


def halves(encoder: Encoder, decoder: Decoder) -> dict[str, Tensor]:
    """The weights of encoder and decoder, under schema names."""
    params = {"encoder.embed.W_E": encoder.embed.weight, "decoder.embed.W_E": decoder.embed.weight}
    params |= weights.cells(encoder.layers, "encoder.") | weights.cells(decoder.layers, "decoder.")
    W_c, W_h = decoder.mix.weight.chunk(2, dim=1)  # of the context, of the state
    return params | {"decoder.mix.W_c": W_c.mT, "decoder.mix.W_h": W_h.mT, "decoder.mix.b": decoder.mix.bias}
