"""Next-token prediction: every position of a window is asked for the token that follows it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.tokenizers import Tokenizer


def token_stream(tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    """All texts as one row of ids (tokens,) int32, the end-of-text id between two of them."""
    separator = [] if tokenizer.end_of_text is None else [tokenizer.end_of_text]
    parts = [np.asarray(ids + separator, dtype=np.int32) for ids in tokenizer.encode_batch(texts)]
    return torch.from_numpy(np.concatenate(parts))


@dataclass(frozen=True)
class Windows:
    """A stream of ids cut into windows of `time` tokens, visited in a new seeded order each epoch.

    The batch of a step depends on (seed, step) alone, so a resumed run sees what it would have seen.

    Raises:
        ValueError: the stream is shorter than one window and its target.
    """

    stream: Tensor
    time: int
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self) < 1:
            raise ValueError(
                f"the text has {len(self.stream)} tokens; training needs more than {self.time}, the model's context"
            )

    def __len__(self) -> int:
        return (len(self.stream) - 1) // self.time

    def batch(self, step: int, size: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of a step, both (size, time); the targets are the inputs one token on."""
        picks = [self._pick(step * size + i) for i in range(size)]
        return self._cut(picks)

    def in_order(self, size: int, limit: int) -> list[tuple[Tensor, Tensor]]:
        """The first `limit` windows, front to back, in batches of at most `size`."""
        count = min(limit, len(self))
        return [self._cut(list(range(i, min(i + size, count)))) for i in range(0, count, size)]

    def _cut(self, windows: list[int]) -> tuple[Tensor, Tensor]:
        rows = torch.stack([self.stream[w * self.time : (w + 1) * self.time + 1] for w in windows]).long()
        return rows[:, :-1], rows[:, 1:]

    def _pick(self, n: int) -> int:
        """The n-th window ever visited: epoch n // len, shuffled by a cheap seeded permutation."""
        epoch, place = divmod(n, len(self))
        return int(_permutation(len(self), self.seed * 1_000_003 + epoch)[place])


_cache: dict[tuple[int, int], Tensor] = {}


def _permutation(size: int, seed: int) -> Tensor:
    if (size, seed) not in _cache:
        _cache.clear()
        _cache[size, seed] = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
    return _cache[size, seed]


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


@torch.no_grad()
def evaluate(
    module: nn.Module, windows: Windows, tokenizer: Tokenizer, *, batch: int = 16, limit: int = 10**9
) -> HeldOut:
    """Score the first `limit` windows of held-out text, each read on its own."""
    nats, tokens, characters = 0.0, 0, 0
    for inputs, targets in windows.in_order(batch, limit):
        nats += float(loss(module, inputs, targets)) * targets.numel()
        tokens += targets.numel()
        characters += sum(len(tokenizer.raw.decode(row.tolist())) for row in targets)
    return HeldOut(nats / tokens, nats / math.log(2) / max(characters, 1), tokens)
