"""GRU: the LSTM's idea with one state and two gates (Cho et al. 2014).

    ids ─ embed ─ layers of cells ─ unembed ─ logits
                   │  ▲
                   └──┘ h: what each step hands to the next

One gate does the work of two: what is let in takes the place of what is dropped, (1 − z) of the one and z of the
other. There is no c beside h, and a quarter of the LSTM's cell weights is saved. All else is as in the RNN. The
cell, and how it differs from that of 2014, stands in `zoo.layers.recurrent`.
Shape letters: B batch, T time, C width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field
from torch import Tensor, nn

from zoo.layers import weights
from zoo.layers.recurrent import GRULayer, State, read_through
from zoo.plugin import Anatomy, ModelPlugin, ModelSpec
from zoo.trace.record import record


class Config(BaseModel):
    """How large the GRU is."""

    layers: int = Field(1, ge=1, le=4, description="How many layers of cells stand on each other.")
    width: int = Field(128, ge=8, le=512, description="Size of each token's vector, and of the state.")
    context: int = Field(128, ge=8, le=1024, description="The longest text it is trained on and asked with, in tokens.")


class GRU(nn.Module):
    """ids (B, T) -> logits (B, T, V): after each token, the score of every token as the next one."""

    fused: bool | None = None
    """Which way the layers go: torch's kernel (True), cell by cell (False), or as each sees fit (None)."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab_size, config.width)
        self.layers = nn.ModuleList(
            GRULayer(config.width, config.width, reach=config.context) for _ in range(config.layers)
        )
        self.unembed = nn.Linear(config.width, vocab_size)

    def forward(self, ids: Tensor) -> Tensor:
        return self.read(ids)[0]

    def read(self, ids: Tensor, states: Sequence[State] | None = None) -> tuple[Tensor, list[State]]:
        """The same, going on from `states`: logits (B, T, V), and the states to go on from, one a layer.

        Whoever keeps the states need not read the text again for its next token.
        """
        x = record("embed.tok", self.embed(ids))  # (B, T, C)
        x = record("embed.out", x)  # (B, T, C): no positions, the order is in the reading
        x, states = read_through(self.layers, x, states, self.fused)  # (B, T, C)
        return record("logits", self.unembed(x)), states  # (B, T, V)


class GRUPlugin(ModelPlugin):
    """The smaller sibling of the LSTM."""

    spec = ModelSpec(
        id="zoo/gru",
        title="GRU",
        family="rnn",
        task="next-token",
        summary="An RNN with two gates and one state: the idea of the LSTM with a quarter fewer weights in its cells.",
    )
    Config = Config

    def build(self, config: Any, vocab_size: int) -> GRU:
        """An untrained GRU, whose states begin with spans of up to the context (Tallec and Ollivier 2018)."""
        return GRU(config, vocab_size)

    def recipe(self) -> Mapping[str, object]:
        """Larger batches than the LSTM's: torch's kernel takes a GRU's steps one by one on a CPU."""
        return {"batch": 16, "matrix_rate": 0.03, "rate": 0.04}

    def names(self) -> Mapping[str, str]:
        """Empty: every step is recorded by hand."""
        return {}

    def anatomy(self, module: nn.Module) -> Anatomy:
        """The weights of each gate, under schema names."""
        assert isinstance(module, GRU)
        params = {"embed.W_E": module.embed.weight} | weights.cells(module.layers)
        params |= weights.linear(module.unembed, "unembed.W_U", "unembed.b_U")
        last = f"layers.{len(module.layers) - 1}.cell.h"
        return Anatomy(params=weights.held(params), positions="none", read_out=last)
