"""Next-token prediction: every position of a window is asked for the token that follows it.

Used by `zoo.training.train`, the conformance kit and the model card.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.tokenizers import Tokenizer

CHUNK = 100
"""Texts that are tokenized at a time: the library needs about a hundred bytes a token while it works."""


def token_stream(tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    """All texts as one row of ids (tokens,) int32, each followed by the end-of-text id."""
    separator = [] if tokenizer.end_of_text is None else [tokenizer.end_of_text]
    parts = [np.empty(0, dtype=np.int32)]
    for start in range(0, len(texts), CHUNK):
        chunk = tokenizer.encode_batch(texts[start : start + CHUNK])
        parts += [np.asarray(ids + separator, dtype=np.int32) for ids in chunk]
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
    name: str = "text"
    """What the stream is, for the error: "held-out text"."""

    def __post_init__(self) -> None:
        if len(self) < 1:
            raise ValueError(
                f"the {self.name} has {len(self.stream)} tokens; the model's context of {self.time} asks for"
                f" at least {self.time + 1}: take a longer text or a shorter context"
            )

    def __len__(self) -> int:
        return (len(self.stream) - 1) // self.time

    def batch(self, step: int, size: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of a step, both (size, time); the targets are the inputs one token on."""
        return self._cut([self._pick(step * size + i) for i in range(size)])

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


@lru_cache(maxsize=4)
def _permutation(size: int, seed: int) -> Tensor:
    return torch.randperm(size, generator=torch.Generator().manual_seed(seed))


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
