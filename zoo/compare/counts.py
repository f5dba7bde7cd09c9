"""What a pass over a text costs, by counting: steps that wait for each other, products, bytes. No clock here.

The page Sequential and parallel draws these beside what `zoo.compare.cost` measures.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
"""How many blocks of rows a cell's two matrices have: one for each gate."""


def schedule(tokens: int, layers: int, recurrent: bool) -> NDArray[np.int64]:
    """The first tick at which each piece of work can be done: (layers + 2, tokens).

    Row 0 is the embedding, the last row the readout. A piece of work waits for the layer below: a cell for
    the token that it reads, a transformer's block for that token and all before it. A cell also waits for
    itself, one token earlier. So layer l of a recurrent network reads token t at tick t + l (l and t from 1
    and 0 on), while a block does all tokens at one tick.
    """
    ticks = np.zeros((layers + 2, tokens), dtype=np.int64)
    for stage in range(1, layers + 2):
        below = ticks[stage - 1]
        if stage > layers:
            ticks[stage] = below + 1
        elif recurrent:
            ticks[stage] = _in_turn(below)
        else:
            ticks[stage] = np.maximum.accumulate(below) + 1
    return ticks


def _in_turn(below: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each after its input, and after its neighbour to the left."""
    found, last = np.zeros_like(below), -1
    for token, ready in enumerate(below):
        last = max(last, int(ready)) + 1
        found[token] = last
    return found


def dependent_steps(tokens: int, layers: int, recurrent: bool) -> int:
    """How many ticks a pass takes, however many processors there are."""
    return int(schedule(tokens, layers, recurrent).max()) + 1


@dataclass(frozen=True)
class Flops:
    """Operations in matrix products, a multiplication and an addition counting as two; nothing else is counted."""

    each: int
    """For each token, wherever it stands."""
    pair: int = 0
    """For each pair of a token that looks and a token looked at: scores, and the mixing of values."""

    def of(self, tokens: int) -> int:
        """Of a pass over a text in which every token is set against every other, as our transformer does it."""
        return self.each * tokens + self.pair * tokens**2

    def next(self, place: int) -> int:
        """Of one more token, the `place`-th, where what the earlier ones left behind is kept."""
        return self.each + self.pair * place


def recurrent_flops(kind: str, width: int, layers: int, vocab_size: int) -> Flops:
    """Of a recurrent model as in `zoo.models`: 2 · 2 · gates · width² a layer and token, and the readout."""
    return Flops(each=4 * GATES[kind] * width**2 * layers + 2 * width * vocab_size)


def transformer_flops(width: int, blocks: int, vocab_size: int) -> Flops:
    """Of `zoo.models.gpt`: queries, keys, values and output 8 · width², feed-forward 16 · width², q · k and α · v."""
    return Flops(each=24 * width**2 * blocks + 2 * width * vocab_size, pair=4 * width * blocks)


@torch.no_grad()
def counted_flops(module: nn.Module, ids: Tensor) -> int:
    """What torch's own counter finds in one pass over ids (1, time); it cannot look into a fused kernel of an LSTM."""
    counter = FlopCounterMode(display=False)
    with counter:
        module(ids)
    return int(counter.get_total_flops())


def fitted_flops(module: nn.Module, ids: Sequence[int]) -> Flops:
    """What a model costs for each token and for each pair, from torch's counter at two lengths of the same text.

    Exact where the cost is of the form `Flops.of`. `ids` are at least two.
    """
    short, long = max(1, len(ids) // 2), len(ids)
    a, b = (counted_flops(module, torch.tensor([list(ids[:n])])) for n in (short, long))
    pair = round((b * short - a * long) / (short * long * (long - short)))
    return Flops(each=round(a / short - pair * short), pair=pair)


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Watches every tensor that torch makes: `peak` is the most bytes that lived at once.

    What was there `before`, the weights, is not counted, nor is what a kernel takes and gives back inside.
    """

    def __init__(self, before: Iterable[Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known = {each.untyped_storage()._cdata for each in before}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for each in result if isinstance(result, tuple | list) else (result,):
            if isinstance(each, Tensor):
                self._add(each)
        self.peak = max(self.peak, self.now)
        return result

    def _add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self.now += size
            weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


@torch.no_grad()
def peak_bytes(module: nn.Module, ids: Tensor) -> int:
    """The most bytes of values alive at once in a pass over ids (1, time)."""
    watching = LiveBytes([*module.parameters(), *module.buffers(), ids])
    with watching:
        module(ids)
    return watching.peak
