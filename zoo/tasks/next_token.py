"""Next-token prediction: every position of a window is asked for the token that follows it.

Used by `zoo.training`, the conformance kit and the model card.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.data import Corpus
from zoo.tasks import streams
from zoo.tasks.streams import Part
from zoo.tasks.task import Batch, Examples, HeldOut
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
            raise streams.too_short(self.name, len(self.stream), self.time)

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

    def in_order(self, size: int, limit: int) -> list[Batch]:
        """The first `limit` windows that share no target, front to back, in batches of at most `size`."""
        places = self.apart(limit)
        return [self._cut(places[i : i + size]) for i in range(0, len(places), size)]

    def at(self, first: int, size: int) -> Batch:
        """Windows number `first` to `first + size` − 1 of a text that is cut, as far as there are any."""
        return self._cut(np.arange(first, min(first + size, len(self))) * self.time)

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


class NextToken:
    """Every position is asked for the token that follows it: the task of GPT, and of all that came before it."""

    def check(self, corpus: Corpus, tokenizer: Tokenizer, context: int) -> None:
        """Whether both parts of the corpus fill a window.

        Raises:
            ValueError: one does not.
        """
        streams.check_room(corpus, tokenizer, context)

    def examples(
        self,
        corpus: Corpus,
        part: Part,
        tokenizer: Tokenizer,
        context: int,
        *,
        seed: int = 0,
        limit: int | None = None,
        folder: Path | None = None,
    ) -> Windows:
        """The corpus's part in windows of `context` tokens; where its stories are known, each begins with one."""
        known = corpus.language is not None
        enough = None if limit is None or known else limit * context + 1
        tokens = streams.tokens(corpus, part, tokenizer, at_least=enough, folder=folder)
        return Windows(tokens.ids, context, seed, streams.NAMES[part], tokens.starts if known else None)

    def loss(self, module: nn.Module, batch: Batch) -> Tensor:
        """Mean cross-entropy in nats per token: −log p of the right token, averaged over the window."""
        inputs, targets = batch
        return F.cross_entropy(module(inputs).flatten(0, 1).float(), targets.flatten())

    @torch.no_grad()
    def evaluate(
        self, module: nn.Module, examples: Examples, tokenizer: Tokenizer, *, batch: int = 16, limit: int = 10**9
    ) -> HeldOut:
        """Score the first `limit` windows of held-out text, each read on its own."""
        nats, predicted = 0.0, list[Tensor]()
        for inputs, targets in examples.in_order(batch, limit):
            nats += float(self.loss(module, (inputs, targets))) * targets.numel()
            predicted.append(targets.flatten())
        ids = torch.cat(predicted)  # in one piece: a character's bytes may lie on both sides of a window's end
        characters = max(1, len(tokenizer.raw.decode(ids.tolist())))
        return HeldOut(nats / len(ids), nats / math.log(2) / characters, len(ids), characters)

    def ceiling(self, vocab_size: int) -> tuple[float, str]:
        """ln V."""
        return math.log(vocab_size), f"ln {vocab_size:,}: all tokens equally likely."

    def fed(self, ids: list[int], added: list[int], vocab_size: int) -> list[int]:
        """The text so far."""
        return ids + added
