"""Window network: the first neural language model that could compete with counting (Bengio et al. 2003).

    ids ─ embed ─ the last N vectors side by side ─ hidden (tanh) ─ unembed ─ logits

Unlike a bag of words, it knows which word stood where; unlike an n-gram it knows similar words by similar
vectors. Its range is short: what stood more than N tokens back does not exist for it, and each step of
range costs a matrix of its own. The paper's optional direct connections from input to output are left out.

Each `record` call names a value; the page shows it under that name. Shape letters: B batch, T time,
N window, C width, H hidden, V vocabulary.
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
    """How far back the network looks, and how large it is."""

    window: int = Field(8, ge=1, le=64, description="How many tokens it sees, the last one included.")
    width: int = Field(64, ge=8, le=1024, description="Size of each token's vector.")
    hidden: int = Field(256, ge=8, le=4096, description="Size of the hidden layer.")
    context: int = Field(128, ge=2, le=1024, description="The longest text the model can read, in tokens.")


class WindowNetwork(nn.Module):
    """ids (B, T) -> logits (B, T, V): the score of every token of the vocabulary as the next one."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(vocab_size, config.width)
        self.hidden = nn.Linear(config.window * config.width, config.hidden)
        self.unembed = nn.Linear(config.hidden, vocab_size)
        nn.init.normal_(self.unembed.weight, std=0.02)
        nn.init.zeros_(self.unembed.bias)

    def windows(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, N, C): each token's vector behind those of the N − 1 before it, oldest first.

        Before the text's start stand zeros.
        """
        padded = F.pad(x, (0, 0, self.config.window - 1, 0))  # (B, N - 1 + T, C)
        return padded.unfold(1, self.config.window, 1).mT  # (B, T, C, N) -> (B, T, N, C)

    def forward(self, ids: Tensor) -> Tensor:
        if (time := ids.shape[1]) > self.config.context:
            raise ValueError(f"the text has {time} tokens; this model reads at most {self.config.context}")
        x = record("embed.tok", self.embed(ids))  # (B, T, C)
        seen = record("window.input", self.windows(x))  # (B, T, N, C)
        pre = record("window.pre", self.hidden(seen.flatten(2)))  # (B, T, N * C) -> (B, T, H)
        hidden = record("window.hidden", torch.tanh(pre))  # (B, T, H)
        return record("logits", self.unembed(hidden))  # (B, T, V)


class WindowPlugin(ModelPlugin):
    """The zoo's feed-forward language model."""

    spec = ModelSpec(
        id="zoo/window",
        title="Window network",
        family="feed-forward",
        task="next-token",
        summary="Lays the vectors of the last few words side by side and predicts the next; further back it is blind.",
    )
    Config = Config

    def build(self, config: Any, vocab_size: int) -> WindowNetwork:
        """An untrained network: word vectors from N(0, 1), nearly even guesses at first."""
        return WindowNetwork(config, vocab_size)

    def recipe(self) -> Mapping[str, object]:
        """Small batches in half precision: many cheap steps fit into a minute."""
        return {"batch": 8, "precision": "bfloat16", "rate": 0.006}

    def names(self) -> Mapping[str, str]:
        """Empty: every step is recorded by hand, above."""
        return {}

    def anatomy(self, module: nn.Module) -> Anatomy:
        """Its table and its two layers, under schema names."""
        assert isinstance(module, WindowNetwork)
        params = {"embed.W_E": module.embed.weight} | weights.linear(module.hidden, "window.W", "window.b")
        params |= weights.linear(module.unembed, "unembed.W_U", "unembed.b_U")
        return Anatomy(params=weights.held(params), positions="none", read_out="window.hidden")
