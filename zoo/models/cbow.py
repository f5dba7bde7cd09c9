"""word2vec, CBOW: the words around a blank, mixed in equal shares, foretell the word in it (Mikolov et al. 2013a).

    ids ─ embed ─ mean of the words around ─ unembed ─ logits

Skip-gram turned round: the neighbours are given and the word is asked for. What is new beside skip-gram is the mix:
equal shares for all neighbours, whatever they are and wherever they stand. Attention is the same sum with shares that
are learned.

Shape letters: B batch, T time, C width, V vocabulary, N blanks, M words given, K words drawn as counterexamples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.layers import weights
from zoo.plugin import Anatomy, ModelPlugin, ModelSpec
from zoo.trace.record import record


class Config(BaseModel):
    """How large the vectors are, and which words count as neighbours."""

    width: int = Field(64, ge=2, le=512, description="Size of each word's vector.")
    window: int = Field(4, ge=1, le=20, description="How many words on either side are a word's neighbours, at most.")
    threshold: float = Field(
        0.003, gt=0, le=1, description="Words with a greater share of the text are passed over now and then; 1: never."
    )
    context: int = Field(
        128, ge=2, le=1024, description="Tokens of a stretch of text; neighbours are looked for in it."
    )


class Cbow(nn.Module):
    """ids (B, T) -> logits (B, T, V): how well each word would stand at place t, by the words around it alone.

    The id `vocab_size` is the blank, ids below 0 are nothing: neither adds to its neighbours' mix. A place with no
    word around it gets logits of 0.

    Negative sampling makes a score the log-odds of "the true word" against "one of K drawn words". So where training
    has ended, as far as a product of vectors can express it,

        logits[t, c] = log P(c | words around t) − log P_drawn(c) − log K

    (Levy and Goldberg 2014). The softmax of a row is therefore P(c | words around) / P_drawn(c), scaled to sum to 1:
    it says how much more often than by chance, so a rare word that fits may stand before a frequent one.
    """

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.window, self.threshold = config.window, config.threshold
        self.embed = nn.Embedding(vocab_size, config.width)
        self.unembed = nn.Linear(config.width, vocab_size, bias=False)
        for table in (self.embed, self.unembed):
            nn.init.normal_(table.weight, std=0.02)

    def words(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """ids (…,) -> vectors (…, C), zeros where there is no word; and whether there is one (…,)."""
        vocab_size = self.embed.num_embeddings
        known = (ids >= 0) & (ids < vocab_size)
        return self.embed(ids.clamp(0, vocab_size - 1)) * known[..., None], known

    def shares(self, known: Tensor) -> Tensor:
        """(B, T) -> (B, T, T): the share of each token in each place's mix; a row sums to 1, or to 0 without words."""
        places = torch.arange(known.shape[1], device=known.device)
        apart = (places[:, None] - places).abs()  # (T, T)
        near = ((apart > 0) & (apart <= self.window) & known[:, None]).to(self.embed.weight)  # (B, T, T)
        return near / near.sum(-1, keepdim=True).clamp(min=1)

    def scores(self, inputs: Tensor, candidates: Tensor) -> Tensor:
        """Words given (N, M), below 0 for none, candidates (N, 1 + K) -> scores (N, 1 + K), as in `forward`."""
        x, known = self.words(inputs)  # (N, M, C), (N, M)
        mean = x.sum(1) / known.sum(1, keepdim=True).clamp(min=1)  # (N, C)
        return (F.embedding(candidates, self.unembed.weight) @ mean[..., None]).squeeze(-1)  # (N, 1 + K, C) @ (N, C, 1)

    def forward(self, ids: Tensor) -> Tensor:
        x, known = self.words(ids)
        x = record("embed.tok", x)  # (B, T, C)
        shares = record("cbow.shares", self.shares(known))  # (B, T, T)
        mean = record("cbow.mean", shares @ x)  # (B, T, C)
        return record("logits", self.unembed(mean))  # (B, T, V)


class CbowPlugin(ModelPlugin):
    """The bag of words, made continuous."""

    spec = ModelSpec(
        id="zoo/cbow",
        title="word2vec, CBOW",
        family="word2vec",
        task="cbow",
        summary="Mixes the vectors of the words around a blank in equal shares, and tells which word fills it.",
    )
    Config = Config

    def build(self, config: Any, vocab_size: int) -> Cbow:
        """Untrained vectors from N(0, 0.02): every score is near 0, true or drawn by the toss of a coin."""
        return Cbow(config, vocab_size)

    def recipe(self) -> Mapping[str, object]:
        """A high rate: within 15 seconds the glass box's names, pets, days and colours have found each other."""
        return {"batch": 16, "rate": 0.02}

    def names(self) -> Mapping[str, str]:
        """Empty: every step is recorded by hand, above."""
        return {}

    def anatomy(self, module: nn.Module) -> Anatomy:
        """Its two tables, under schema names; the blank's row is zeros."""
        assert isinstance(module, Cbow)
        table = torch.cat([module.embed.weight, module.embed.weight.new_zeros(1, module.embed.embedding_dim)])
        params = {"embed.W_E": table} | weights.linear(module.unembed, "unembed.W_U")
        extra = {"window": module.window}
        return Anatomy(params=weights.held(params), positions="none", read_out="cbow.mean", extra=extra)
