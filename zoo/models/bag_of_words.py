"""Bag of words: the next word guessed from how often each word came, their order thrown away (Harris 1954).

    ids ─ counts ─ shares ─ (· W_E) ─ mean vector ─ unembed ─ logits

The simplest model of the zoo that learns: "dog bites man" and "man bites dog" are one and the same to
it. What comes next it can only read off the counts: what the text is about, and where a language keeps
its books in balance, what is still missing ("the" one time more than all nouns: a noun is due).

Each `record` call names a value; the page shows it under that name. Shape letters: B batch, T time,
C width, V vocabulary.
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
    """How large the bag's vector is."""

    width: int = Field(64, ge=8, le=1024, description="Size of the vector that sums up the bag.")
    context: int = Field(128, ge=2, le=1024, description="The longest text the model can read, in tokens.")


class BagOfWords(nn.Module):
    """ids (B, T) -> logits (B, T, V): the score of every token of the vocabulary as the next one."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(vocab_size, config.width)
        self.unembed = nn.Linear(config.width, vocab_size)
        nn.init.normal_(self.embed.weight, std=1.0)
        nn.init.zeros_(self.unembed.bias)
        nn.init.normal_(self.unembed.weight, std=0.02)

    def forward(self, ids: Tensor) -> Tensor:
        if (time := ids.shape[1]) > self.config.context:
            raise ValueError(f"the text has {time} tokens; this model reads at most {self.config.context}")
        table = self.embed.weight  # (V, C)
        counts = record("bag.counts", F.one_hot(ids, len(table)).to(table.dtype).cumsum(1))  # (B, T, V)
        shares = record("bag.shares", counts / counts.sum(-1, keepdim=True))  # (B, T, V), each row sums to 1
        mean = record("bag.mean", shares @ table)  # (B, T, V) x (V, C) -> (B, T, C): the mean of the words' vectors
        return record("logits", self.unembed(mean))  # (B, T, V)


class BagOfWordsPlugin(ModelPlugin):
    """The zoo's bag of words."""

    spec = ModelSpec(
        id="zoo/bag-of-words",
        title="Bag of words",
        family="bag-of-words",
        task="next-token",
        summary="Counts the words so far and forgets their order; the counts alone predict the next word.",
    )
    Config = Config

    def build(self, config: Any, vocab_size: int) -> BagOfWords:
        """An untrained bag: vectors from N(0, 1), since a mean of many is short; nearly even guesses at first."""
        return BagOfWords(config, vocab_size)

    def recipe(self) -> Mapping[str, object]:
        """A very high rate: one word more moves a mean of many by little, so the weights have to grow large."""
        return {"rate": 0.3, "precision": "bfloat16"}

    def names(self) -> Mapping[str, str]:
        """Empty: every step is recorded by hand, above."""
        return {}

    def anatomy(self, module: nn.Module) -> Anatomy:
        """Its table and its output layer, under schema names."""
        assert isinstance(module, BagOfWords)
        params = {"embed.W_E": module.embed.weight} | weights.linear(module.unembed, "unembed.W_U", "unembed.b_U")
        return Anatomy(params=weights.held(params), positions="none", read_out="bag.mean")
