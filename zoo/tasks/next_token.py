"""Next-token prediction: every position of a window is asked for the token that follows it.

Used by `zoo.training.train`, the conformance kit and the model card.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.tasks.streams import token_stream as token_stream
from zoo.tasks.streams import too_short
from zoo.tokenizers import Tokenizer


@dataclass(frozen=True)
class Windows:
    """A stream of ids in windows of `time` tokens, visited in a new seeded order each epoch.

    Without `starts` the stream is cut into windows, one behind the other. With them a window begins at
    each start that leaves room for it: what comes before it does not matter to the text in it.
    The batch of a step depends on (seed, step) alone, so a resumed run sees what it would have seen.

    Raises:
        ValueError: the stream is shorter than one window and its target.
    """

    stream: Tensor
    """(tokens,) of whole numbers; may be mapped from a file."""
    time: int
    seed: int = 0
    name: str = "text"
    """What the stream is, for the error: "held-out text"."""
    starts: NDArray[np.int64] | None = None
    """(texts,) ascending."""

    def __post_init__(self) -> None:
        if len(self) < 1:
            raise too_short(self.name, len(self.stream), self.time)

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _count(self) -> int:
        if self.starts is None:
            return (len(self.stream) - 1) // self.time
        return int(np.sum(self.starts < len(self.stream) - self.time))

    def batch(self, step: int, size: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of a step, both (size, time); the targets are the inputs one token on."""
        epochs, visits = np.divmod(np.arange(step * size, (step + 1) * size), len(self))
        picks = [_permutation(len(self), self._epoch_seed(e))[visits[epochs == e]] for e in np.unique(epochs)]
        return self._cut(self._places(np.concatenate(picks)))

    def in_order(self, size: int, limit: int) -> list[tuple[Tensor, Tensor]]:
        """The first `limit` windows that share no target, front to back, in batches of at most `size`."""
        places = self.apart(limit)
        return [self._cut(places[i : i + size]) for i in range(0, len(places), size)]

    def apart(self, limit: int) -> NDArray[np.int64]:
        """(windows,) where the first `limit` windows that share no target begin."""
        if self.starts is None:
            return np.arange(min(limit, len(self))) * self.time
        places, free = list[int](), 0
        for start in self.starts[: len(self)].tolist():
            if start >= free and len(places) < limit:
                places.append(start)
                free = start + self.time
        return np.asarray(places)

    def rows(self, places: NDArray[np.int64]) -> Tensor:
        """The windows that begin at `places`, each with the target of its last token: (windows, time + 1)."""
        return self.stream[torch.from_numpy(places[:, None] + np.arange(self.time + 1))].long()

    def _places(self, picks: NDArray[np.int64]) -> NDArray[np.int64]:
        return picks * self.time if self.starts is None else self.starts[picks]

    def _cut(self, places: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        rows = self.rows(places)
        return rows[:, :-1], rows[:, 1:]

    def _epoch_seed(self, epoch: int) -> int:
        return self.seed * 1_000_003 + int(epoch)


@lru_cache(maxsize=2)
def _permutation(size: int, seed: int) -> NDArray[np.int64]:
    return torch.randperm(size, generator=torch.Generator().manual_seed(seed)).numpy()


def loss(module: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats per token: −log p of the right token, averaged over the window."""
    logits = module(inputs)
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


@dataclass(frozen=True)
class HeldOut:
    """How well a model predicts text that it was not trained on."""

    nats_per_token: float
    bits_per_character: float
    tokens: int
    characters: int
    """Of the text that the predicted tokens write; end-of-text marks write none."""


@torch.no_grad()
def evaluate(
    module: nn.Module, windows: Windows, tokenizer: Tokenizer, *, batch: int = 16, limit: int = 10**9
) -> HeldOut:
    """Score the first `limit` windows of held-out text, each read on its own."""
    nats, predicted = 0.0, list[Tensor]()
    for inputs, targets in windows.in_order(batch, limit):
        nats += float(loss(module, inputs, targets)) * targets.numel()
        predicted.append(targets.flatten())
    ids = torch.cat(predicted)  # in one piece: a character's bytes may lie on both sides of a window's end
    characters = max(1, len(tokenizer.raw.decode(ids.tolist())))
    return HeldOut(nats / len(ids), nats / math.log(2) / characters, len(ids), characters)
