"""Level 0 inside recurrent modules: `nn.LSTM`, `nn.GRU` and `nn.RNN` again, cell by cell, for their gates.

The library runs a whole text in one call. Here each cell is computed from the module's own weights,
and what comes out is held against what the module gave; only if both agree is anything recorded.
Names are `cell.i`, `cell.f`, … (one call a time step) under the module's path, `layers.{l}.cell.i`
where there is more than one layer, and `…backward.cell.i` for a second reading from the last token
to the first (its call 0 is the last token). Each value is (batch, width).

LSTM: Hochreiter and Schmidhuber 1997. GRU: Cho et al. 2014.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.trace.record import Recorder

RECURRENT = (nn.LSTM, nn.GRU, nn.RNN)

See = Callable[[str, Tensor], Tensor]
State = tuple[Tensor, ...]
"""(h,) or, in an LSTM, (h, c): each (B, C)."""


def lstm_step(x: Tensor, state: State, weights: Sequence[Tensor], see: See) -> State:
    """One cell: gates i, f, g, o from the input and the last output; the cell state c keeps or forgets."""
    h, c = state
    gates = F.linear(x, weights[0]) + F.linear(h, weights[1])  # (B, 4C)
    if len(weights) > 3:
        gates = gates + weights[2] + weights[3]
    i, f, g, o = gates.chunk(4, dim=-1)  # (B, C) each
    i, f, g, o = see("i", i.sigmoid()), see("f", f.sigmoid()), see("g", g.tanh()), see("o", o.sigmoid())
    c = see("c", f * c + i * g)  # (B, C)
    h = o * c.tanh()
    if len(weights) % 2:  # an LSTM whose output is projected to fewer dimensions
        h = F.linear(h, weights[-1])
    return see("h", h), c


def gru_step(x: Tensor, state: State, weights: Sequence[Tensor], see: See) -> State:
    """One cell: r says how much of the old state the candidate n sees, z how much of it stays."""
    (h,) = state
    x_r, x_z, x_n = F.linear(x, weights[0], _bias(weights, 2)).chunk(3, dim=-1)  # (B, C) each
    h_r, h_z, h_n = F.linear(h, weights[1], _bias(weights, 3)).chunk(3, dim=-1)
    r, z = see("r", (x_r + h_r).sigmoid()), see("z", (x_z + h_z).sigmoid())
    n = see("n", (x_n + r * h_n).tanh())
    return (see("h", (1 - z) * n + z * h),)


def rnn_step(bend: Callable[[Tensor], Tensor], x: Tensor, state: State, weights: Sequence[Tensor], see: See) -> State:
    """One cell: the input and the old state, mixed and bent (Elman 1990)."""
    (h,) = state
    return (see("h", bend(F.linear(x, weights[0], _bias(weights, 2)) + F.linear(h, weights[1], _bias(weights, 3)))),)


def _bias(weights: Sequence[Tensor], at: int) -> Tensor | None:
    return weights[at] if len(weights) > at else None


def replayed(recorder: Recorder, path: str, module: nn.RNNBase, args: Any, kwargs: Any, output: Any) -> Any:
    """Record the cells of a recurrent module that has just run; its output, or another after an intervention.

    Nothing is recorded of a packed sequence, or where the replay does not give the module's own output.
    """
    x, start = _arguments(module, args, kwargs)
    if not isinstance(x, Tensor):
        return output
    values: list[tuple[str, Tensor]] = []
    again = replay(module, x, start, lambda name, value: _note(values, name, value))
    if not torch.allclose(again[0], output[0], rtol=1e-4, atol=1e-5):
        return output
    names = {name for name, _ in values}
    if any(f"{path}.{name}" in recorder.edits for name in names):
        return replay(module, x, start, lambda name, value: recorder.record(name, value, at=path))
    for name, value in values:
        recorder.record(name, value, at=path)
    return output


def _note(values: list[tuple[str, Tensor]], name: str, value: Tensor) -> Tensor:
    values.append((name, value))
    return value


def _arguments(module: nn.RNNBase, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The input, and the state to begin with (None: zeros)."""
    given = dict(zip(("input", "hx"), args, strict=False)) | kwargs
    return given.get("input"), given.get("hx")


def replay(module: nn.RNNBase, x: Tensor, start: Any, see: See) -> tuple[Tensor, Any]:
    """What `module(x, start)` returns, computed one cell after another; `see` takes each value by name.

    x (T, B, C), (B, T, C) with batch_first, or (T, C).
    """
    batched = x.dim() == 3
    x = x[:, None] if not batched else x.transpose(0, 1) if module.batch_first else x  # (T, B, C)
    states = _start(module, x, start, batched)
    readings = 2 if module.bidirectional else 1
    for layer in range(module.num_layers):
        prefix = f"layers.{layer}." if module.num_layers > 1 else ""
        outputs = []
        for reading in range(readings):
            at = layer * readings + reading
            name = prefix + ("backward.cell." if reading else "cell.")
            output, states[at] = _read(module, x, states[at], at, see, name)
            outputs.append(output)
        x = torch.cat(outputs, dim=-1)  # (T, B, readings * C)
    ends = tuple(torch.stack(each) for each in zip(*states, strict=True))  # (layers * readings, B, C) each
    if not batched:
        x, ends = x[:, 0], tuple(end[:, 0] for end in ends)
    elif module.batch_first:
        x = x.transpose(0, 1)
    return x, ends if isinstance(module, nn.LSTM) else ends[0]


def _start(module: nn.RNNBase, x: Tensor, start: Any, batched: bool) -> list[State]:
    """One state for each layer and reading: the one given, or zeros."""
    count, batch = module.num_layers * (2 if module.bidirectional else 1), x.shape[1]
    if start is None:
        h = x.new_zeros(count, batch, module.proj_size or module.hidden_size)
        c = x.new_zeros(count, batch, module.hidden_size)
        parts: State = (h, c) if isinstance(module, nn.LSTM) else (h,)
    else:
        parts = start if isinstance(start, tuple) else (start,)
        parts = parts if batched else tuple(part[:, None] for part in parts)
    return [tuple(part[at] for part in parts) for at in range(count)]


def _read(module: nn.RNNBase, x: Tensor, state: State, at: int, see: See, name: str) -> tuple[Tensor, State]:
    """One layer's reading of x (T, B, C), forward or backward: its outputs (T, B, C) and its last state."""
    backward = name.endswith("backward.cell.")
    step, weights = _step(module), module.all_weights[at]
    hidden = []
    for each in x.flip(0) if backward else x:
        state = step(each, state, weights, lambda letter, value: see(name + letter, value))
        hidden.append(state[0])
    return torch.stack(hidden[::-1] if backward else hidden), state


def _step(module: nn.RNNBase) -> Callable[[Tensor, State, Sequence[Tensor], See], State]:
    if isinstance(module, nn.LSTM):
        return lstm_step
    if isinstance(module, nn.GRU):
        return gru_step
    bend = torch.relu if module.mode == "RNN_RELU" else torch.tanh
    return lambda x, state, weights, see: rnn_step(bend, x, state, weights, see)
