"""word2vec, skip-gram: a word's vector is what foretells the words near it (Mikolov et al. 2013a, 2013b).

    ids ─ embed ─ unembed ─ logits        two tables of vectors, one product, nothing else

Each word has two vectors: one as the word that is given (`embed`), one as a word that is asked for (`unembed`). The
score of a pair is their product. Words with the same neighbours get vectors that point the same way.

Shape letters: B batch, T time, C width, V vocabulary, N pairs, K words drawn as counterexamples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


class SkipGram(nn.Module):
    """ids (B, T) -> logits (B, T, V): how well each word of the vocabulary goes with token t as a word near it.

    Negative sampling makes a score the log-odds of "true neighbour" against "one of K drawn words". So where
    training has ended and C is large enough,

        logits[t, c] = log P(c near w) − log P_drawn(c) − log K,     w the word at t,

    the pair's pointwise mutual information but for the power 0.75 in P_drawn, shifted by log K (Levy and Goldberg
    2014). The softmax of a row is therefore not P(c near w) but P(c near w) / P_drawn(c), scaled to sum to 1: it
    says how much more often than by chance, so a rare companion may stand before a frequent word.
    """

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.window, self.threshold = config.window, config.threshold
        self.embed = nn.Embedding(vocab_size, config.width)
        self.unembed = nn.Linear(config.width, vocab_size, bias=False)
        for table in (self.embed, self.unembed):
            nn.init.normal_(table.weight, std=0.02)

    def scores(self, inputs: Tensor, candidates: Tensor) -> Tensor:
        """A given word each (N, 1), candidates (N, 1 + K) -> their scores (N, 1 + K), the same as in `forward`."""
        x: Tensor = self.embed(inputs)  # (N, 1, C)
        return (F.embedding(candidates, self.unembed.weight) @ x.mT).squeeze(-1)  # (N, 1 + K, C) @ (N, C, 1)

    def forward(self, ids: Tensor) -> Tensor:
        x = record("embed.tok", self.embed(ids))  # (B, T, C)
        return record("logits", self.unembed(x))  # (B, T, V)


class SkipGramPlugin(ModelPlugin):
    """The vectors that made words comparable."""

    spec = ModelSpec(
        id="zoo/skip-gram",
        title="word2vec, skip-gram",
        family="word2vec",
        task="skip-gram",
        summary="Learns a vector for each word from the words near it; knows which words are alike, and no order.",
    )
    Config = Config

    def build(self, config: Any, vocab_size: int) -> SkipGram:
        """Untrained vectors from N(0, 0.02): every score is near 0, true or drawn by the toss of a coin."""
        return SkipGram(config, vocab_size)

    def recipe(self) -> Mapping[str, object]:
        """A high rate: within 15 seconds the glass box's names, pets, days and colours have found each other."""
        return {"batch": 16, "rate": 0.02}

    def names(self) -> Mapping[str, str]:
        """Empty: every step is recorded by hand, above."""
        return {}

    def anatomy(self, module: nn.Module) -> Anatomy:
        """Its two tables, under schema names."""
        assert isinstance(module, SkipGram)
        params = {"embed.W_E": module.embed.weight} | weights.linear(module.unembed, "unembed.W_U")
        return Anatomy(params=weights.held(params), positions="none", read_out="embed.tok")
