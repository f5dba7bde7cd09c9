"""LSTM: an RNN with a second state, which is added to and not overwritten (Hochreiter and Schmidhuber 1997).

    ids ─ embed ─ layers of cells ─ unembed ─ logits
                   │  ▲
                   └──┘ h: what is shown, and c: what is kept

The plain cell passes all it remembers through a matrix and a tanh at each step: what came in early is soon worn
away, and so is the gradient that would teach it. Here gates, each between 0 and 1, say what is let into c, what
is kept and what is shown. All else is as in the RNN. The cell stands in `zoo.layers.recurrent`.
Shape letters: B batch, T time, C width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field
from torch import Tensor, nn

from zoo.layers import weights
from zoo.layers.recurrent import LSTMLayer, State, read_through
from zoo.plugin import Anatomy, ModelPlugin, ModelSpec
from zoo.trace.record import record


class Config(BaseModel):
    """How large the LSTM is."""

    layers: int = Field(1, ge=1, le=4, description="How many layers of cells stand on each other.")
    width: int = Field(128, ge=8, le=512, description="Size of each token's vector, and of the state.")
    context: int = Field(128, ge=8, le=1024, description="The longest text it is trained on and asked with, in tokens.")


class LSTM(nn.Module):
    """ids (B, T) -> logits (B, T, V): after each token, the score of every token as the next one."""

    fused: bool | None = None
    """Which way the layers go: torch's kernel (True), cell by cell (False), or as each sees fit (None)."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab_size, config.width)
        self.layers = nn.ModuleList(
            LSTMLayer(config.width, config.width, reach=config.context) for _ in range(config.layers)
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


class LSTMPlugin(ModelPlugin):
    """The recurrent network that held the field before transformers did."""

    spec = ModelSpec(
        id="zoo/lstm",
        title="LSTM",
        family="rnn",
        task="next-token",
        summary="An RNN with gates that say what to keep: it holds on to a word for much longer.",
    )
    Config = Config

    def build(self, config: Any, vocab_size: int) -> LSTM:
        """An untrained LSTM, whose cell states begin with spans of up to the context (Tallec and Ollivier 2018)."""
        return LSTM(config, vocab_size)

    def recipe(self) -> Mapping[str, object]:
        """Small batches, in the number format in which torch's kernel is fastest."""
        return {"batch": 8, "precision": "bfloat16", "matrix_rate": 0.012, "rate": 0.02}

    def names(self) -> Mapping[str, str]:
        """Empty: every step is recorded by hand."""
        return {}

    def anatomy(self, module: nn.Module) -> Anatomy:
        """The weights of each gate, under schema names."""
        assert isinstance(module, LSTM)
        params = {"embed.W_E": module.embed.weight} | weights.cells(module.layers)
        params |= weights.linear(module.unembed, "unembed.W_U", "unembed.b_U")
        last = f"layers.{len(module.layers) - 1}.cell.h"
        return Anatomy(params=weights.held(params), positions="none", read_out=last)
