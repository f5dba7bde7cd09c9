"""Recurrent cells, gate by gate: the plain RNN, the LSTM and the GRU. Used by every model that reads in steps.

    x[0]        x[1]        x[2]                  Each layer reads its input one token after another.
      │           │           │                   All that it knows of the past is its state: h, and in an
    ┌─┴──┐  h   ┌─┴──┐  h   ┌─┴──┐  h             LSTM also c. No step can begin before the one to its left
    │cell├─────►│cell├─────►│cell├─────► …        is done.
    └─┬──┘      └─┬──┘      └─┬──┘
     h[0]        h[1]        h[2]

A layer can go two ways that give the same numbers up to rounding: its `cell`, one Python step a token, where
every gate is a line and is recorded; and one call of torch's own kernel with the same weights, several times
as fast. Shape letters: B batch, T time, N size of the input, C width, V vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from zoo.trace.record import active, record

State = tuple[Tensor, ...]
"""What a layer carries from token to token: (h,) or, in an LSTM, (h, c); each (B, C)."""


class RecurrentLayer(nn.Module, ABC):
    """A cell, and the reading of a text with it: x (B, T, N) -> h (B, T, C), and the state after the last token.

    Row blocks of `from_input.weight` (gates * C, N) and `from_state.weight` (gates * C, C) belong to the gates,
    in the order of `gates`: torch's own order, so that its kernels can take the same weights.
    """

    gates: ClassVar[str]
    """The letters of what is computed from input and state together, as they are recorded: "ifgo"."""
    states: ClassVar[int] = 1
    """How many tensors the state is."""

    def __init__(self, inputs: int, width: int, state_bias: bool = False) -> None:
        super().__init__()
        self.width = width
        self.from_input = nn.Linear(inputs, len(self.gates) * width)
        self.from_state = nn.Linear(width, len(self.gates) * width, bias=state_bias)
        self._init()

    def _init(self) -> None:
        """Turns for the state (Saxe et al. 2014): a vector that is turned step after step neither dies nor grows."""
        for turn in self.from_state.weight.chunk(len(self.gates)):
            nn.init.orthogonal_(turn)
        for weight in self.from_input.weight.chunk(len(self.gates)):
            nn.init.xavier_uniform_(weight)
        for linear in (self.from_input, self.from_state):
            if linear.bias is not None:
                nn.init.zeros_(linear.bias)

    @abstractmethod
    def cell(self, from_input: Tensor, state: State) -> State:
        """One step. `from_input` (B, gates * C) is what the token gives to each gate."""

    @abstractmethod
    def kernel(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """The whole text in one call of torch: x (B, T, N) -> h (B, T, C), state."""

    def start(self, batch: int) -> State:
        """The state before the first token: zeros."""
        return tuple(self.from_state.weight.new_zeros(batch, self.width) for _ in range(self.states))

    def forward(self, x: Tensor, state: State | None = None, fused: bool | None = None) -> tuple[Tensor, State]:
        """Read x (B, T, N), going on from `state`: h (B, T, C), and the state after the last token.

        `fused`: True takes torch's kernel, False the cell; None the kernel while the layer is being trained, and
        else the cell, so that a traced pass and one that is not give the same logits to the last bit. A traced
        pass takes the cell in any case.
        """
        state = self.start(x.shape[0]) if state is None else state
        if active() is None and (self.training if fused is None else fused):
            return self.kernel(x, state)
        hidden = []
        for token in self.from_input(x).unbind(1):  # no state in it yet: all tokens at once, (B, gates * C) each
            state = self.cell(token, state)
            hidden.append(state[0])
        return torch.stack(hidden, dim=1), state

    def _weights(self) -> list[Tensor]:
        """Of input and state, and their biases, as torch's kernels ask for them."""
        bias = self.from_input.bias
        state_bias = torch.zeros_like(bias) if self.from_state.bias is None else self.from_state.bias
        return [self.from_input.weight, self.from_state.weight, bias, state_bias]


def spans(width: int, reach: int) -> Tensor:
    """(C,) biases b with which a gate begins to keep its numbers over 2 to `reach` tokens, drawn evenly.

    σ(b) of a number is kept a step, for 1 / (1 − σ(b)) = 1 + exp(b) steps in all: b = ln of 1 to reach − 1
    (Tallec and Ollivier 2018, "Can recurrent neural networks warp time?"). A reach of 2 gives zeros.
    """
    return torch.empty(width).uniform_(1, reach - 1).log()


class RNNLayer(RecurrentLayer):
    """The plain cell (Elman 1990): the input and the last state, mixed and bent.

    h' = tanh(x · W_x + h · W_h + b)
    """

    gates = "h"

    def cell(self, from_input: Tensor, state: State) -> State:
        (h,) = state  # (B, C)
        h = record("cell.h", torch.tanh(from_input + self.from_state(h)))  # (B, C)
        return (h,)

    def kernel(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, h = torch.rnn_tanh(x, state[0][None], self._weights(), True, 1, 0.0, self.training, False, True)
        return hidden, (h[0],)


class LSTMLayer(RecurrentLayer):
    """Long short-term memory (Hochreiter and Schmidhuber 1997; the forget gate: Gers et al. 2000).

    The state c is added to and never passed through a matrix: what f keeps, stays.

        c' = f · c + i · g
        h' = o · tanh(c')

    An untrained cell with a bias of 0 halves its memory at each step, so that no gradient comes from far back. The
    usual cure is a forget bias of 1 (Jozefowicz et al. 2015). Here each of the C numbers begins with a span of its
    own, up to `reach` tokens, and lets in as much as it forgets (Tallec and Ollivier 2018): on the glass box a
    held-out loss of 0.72 instead of 0.83 after the same 1,000 steps.
    """

    gates = "ifgo"
    states = 2

    def __init__(self, inputs: int, width: int, reach: int = 2) -> None:
        super().__init__(inputs, width)
        keep, bias = spans(width, reach), self.from_input.bias.detach()
        bias[:width], bias[width : 2 * width] = -keep, keep

    def cell(self, from_input: Tensor, state: State) -> State:
        h, c = state  # (B, C) each
        i_x, f_x, g_x, o_x = from_input.chunk(4, dim=-1)  # (B, C) each: what the token says
        i_h, f_h, g_h, o_h = self.from_state(h).chunk(4, dim=-1)  # (B, C) each: what the past says
        i = record("cell.i", torch.sigmoid(i_x + i_h))  # (B, C), 0 to 1: how much of g is let in
        f = record("cell.f", torch.sigmoid(f_x + f_h))  # (B, C), 0 to 1: how much of c is kept
        g = record("cell.g", torch.tanh(g_x + g_h))  # (B, C), −1 to 1: what could be written
        o = record("cell.o", torch.sigmoid(o_x + o_h))  # (B, C), 0 to 1: how much of c is shown
        c = record("cell.c", f * c + i * g)  # (B, C)
        h = record("cell.h", o * torch.tanh(c))  # (B, C)
        return h, c

    def kernel(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        start = [each[None] for each in state]
        hidden, h, c = torch.lstm(x, start, self._weights(), True, 1, 0.0, self.training, False, True)
        return hidden, (h[0], c[0])


class GRULayer(RecurrentLayer):
    """The gated recurrent unit (Cho et al. 2014), as torch computes it.

    One state, and one gate z that both keeps the old and lets in the new:

        n  = tanh(x · W_xn + b_xn + r · (h · W_hn + b_hn))
        h' = (1 − z) · n + z · h

    Cho et al. reset the state before the matrix, (r · h) · W_hn. Here r acts after it, as in torch and in cuDNN:
    the products of all gates with h are then one, and the candidate needs a bias of its own inside of r.
    z begins with spans of up to `reach` tokens, as the LSTM's f does.
    """

    gates = "rzn"

    def __init__(self, inputs: int, width: int, reach: int = 2) -> None:
        super().__init__(inputs, width, state_bias=True)
        self.from_input.bias.detach()[width : 2 * width] = spans(width, reach)

    def cell(self, from_input: Tensor, state: State) -> State:
        (h,) = state  # (B, C)
        r_x, z_x, n_x = from_input.chunk(3, dim=-1)  # (B, C) each: what the token says
        r_h, z_h, n_h = self.from_state(h).chunk(3, dim=-1)  # (B, C) each: what the past says
        r = record("cell.r", torch.sigmoid(r_x + r_h))  # (B, C), 0 to 1: how much of the past n sees
        z = record("cell.z", torch.sigmoid(z_x + z_h))  # (B, C), 0 to 1: how much of h is kept
        n = record("cell.n", torch.tanh(n_x + r * n_h))  # (B, C), −1 to 1: the state that is proposed
        h = record("cell.h", (1 - z) * n + z * h)  # (B, C)
        return (h,)

    def kernel(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, h = torch.gru(x, state[0][None], self._weights(), True, 1, 0.0, self.training, False, True)
        return hidden, (h[0],)


def read_through(
    layers: Iterable[nn.Module], x: Tensor, states: Sequence[State] | None = None, fused: bool | None = None
) -> tuple[Tensor, list[State]]:
    """Layer upon layer, each reading what the one below it says: x (B, T, N) -> h (B, T, C), and each one's state.

    `states` and `fused` as in `RecurrentLayer.forward`, one state a layer.
    """
    ends = []
    for at, layer in enumerate(layers):
        x, end = layer(x, None if states is None else states[at], fused)  # (B, T, C)
        ends.append(end)
    return x, ends


@dataclass(frozen=True)
class GateWeights:
    """What one gate is computed from, in "input @ W" orientation: bend(x @ W_x + h @ W_h + b)."""

    W_x: Tensor
    """(N, C): from the layer's input."""
    W_h: Tensor
    """(C, C): from the state h of the step before."""
    b: Tensor
    """(C,)"""
    b_h: Tensor | None = None
    """(C,), in the GRU's candidate alone, where it lies within the reset: tanh(x @ W_x + b + r * (h @ W_h + b_h))."""


def gate_weights(layer: RecurrentLayer) -> dict[str, GateWeights]:
    """Each gate's weights by the letter that it is recorded under: "i", "f", "g", "o" in an LSTM."""
    parts = (each.chunk(len(layer.gates)) for each in layer._weights())
    found = {}
    for letter, W_x, W_h, b_x, b_h in zip(layer.gates, *parts, strict=True):
        inside = letter == "n"
        found[letter] = GateWeights(W_x.mT, W_h.mT, b_x if inside else b_x + b_h, b_h if inside else None)
    return found
