"""Translation: the next token of a sentence in one language, given the whole sentence in another.

A text of the corpus is one line, `source<TAB>target`. To learn, a model sees the right target so far at every
step (teacher forcing, Williams and Zipser 1989); `zoo.compare.translation` lets it go on from its own words.
Used by `zoo.training`, `zoo.inference` and the conformance kit.

Shape letters: B batch, S source time, T target time, V vocabulary. Ids below 0 fill up the shorter sentences.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.data import Corpus
from zoo.data.pieces import InPieces
from zoo.tasks.streams import NAMES, Part
from zoo.tasks.task import Batch, Examples, HeldOut
from zoo.tokenizers import Tokenizer

MOST = 500_000
"""Pairs that a corpus may have: they are all held in memory."""
NOTHING = -1
"""What fills up the shorter sentences of a batch."""
POOL = 16
"""Batches among which pairs are sorted by length: neighbours in a batch need little filling up."""
_CHUNK = 1000
_PAIR = "write each line as a sentence, one tab, and its translation"


@dataclass(frozen=True, eq=False)
class Pairs:
    """Sentences and their translations, visited in a new seeded order each epoch, those of like length together."""

    ids: NDArray[np.int32]
    """(tokens,) source, target, source, …, one behind the other; each target closed by the end-of-text id."""
    bounds: NDArray[np.int64]
    """(2 · pairs + 1,) where each of them begins; at last where the last one ends."""
    mark: int
    """What each target begins with when it is fed: the id behind the vocabulary."""
    seed: int = 0
    left_out: int = 0
    """How many pairs were longer than the model's context."""
    _orders: dict[tuple[int, int], NDArray[np.int64]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.bounds) // 2

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """(pairs,) tokens of each source and its target, the end-of-text id included."""
        return self.bounds[2::2] - self.bounds[:-2:2]

    @property
    def time(self) -> int:
        """Tokens of one pair, on average."""
        return round(float(self.lengths.mean()))

    def batch(self, step: int, size: int) -> Batch:
        """source (B, S), what the decoder is fed (B, T), what it is asked for (B, T), of step number `step`."""
        epochs, visits = np.divmod(np.arange(step * size, (step + 1) * size), len(self))
        return self.rows(np.concatenate([self._order(int(e), size)[visits[epochs == e]] for e in np.unique(epochs)]))

    def in_order(self, size: int, limit: int) -> list[Batch]:
        """The first `limit` pairs, front to back."""
        places = np.arange(min(limit, len(self)))
        return [self.rows(places[i : i + size]) for i in range(0, len(places), size)]

    def rows(self, picks: NDArray[np.int64]) -> Batch:
        """The pairs of these numbers (B,), as `batch` gives them."""
        source, asked = self._filled_up(2 * picks), self._filled_up(2 * picks + 1)
        begin = torch.full((len(picks), 1), self.mark)
        fed = torch.cat([begin, asked[:, :-1]], dim=1)  # one token behind what is asked for
        return source, fed.masked_fill(asked < 0, NOTHING), asked

    def _filled_up(self, sentences: NDArray[np.int64]) -> Tensor:
        """The sentences of these numbers, side by side: (B, time of the longest)."""
        starts, ends = self.bounds[sentences, None], self.bounds[sentences + 1, None]
        places = starts + np.arange((ends - starts).max())
        rows = np.where(places < ends, self.ids[np.minimum(places, len(self.ids) - 1)], NOTHING)
        return torch.from_numpy(rows).long()

    def _order(self, epoch: int, size: int) -> NDArray[np.int64]:
        """(pairs,) each pair once: shuffled, sorted by length within each pool, the batches shuffled again."""
        if (epoch, size) not in self._orders:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            order = torch.randperm(len(self), generator=generator).numpy()
            order = order[np.lexsort([self.lengths[order], np.arange(len(self)) // (POOL * size)])]
            batches = torch.randperm(len(self) // size, generator=generator).numpy()
            whole = order[: len(batches) * size].reshape(-1, size)[batches].ravel()
            self._orders.clear()
            self._orders[epoch, size] = np.concatenate([whole, order[len(whole) :]])
        return self._orders[epoch, size]


class Translate:
    """Every position of the target is asked for the token that follows it, and sees the whole source."""

    def check(self, corpus: Corpus, tokenizer: Tokenizer, context: int) -> None:
        """Whether both parts are pairs that fit into memory, and at least one of each fits into the context.

        Raises:
            ValueError: they are not.
        """
        if not isinstance(corpus.train, InPieces) and len(corpus.train) == len(corpus.valid) == 1:
            check_lines("".join([*corpus.train, *corpus.valid]))  # one text, cut in two: not all its lines are pairs
        for part in NAMES:
            texts = getattr(corpus, part)
            if isinstance(texts, InPieces) or len(texts) > MOST:
                raise ValueError(f"the corpus is too large to translate: give at most {MOST:,} lines, and 64 MiB")
            for text in texts:
                _sides(text)
            self.examples(corpus, part, tokenizer, context, limit=1)

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
    ) -> Pairs:
        """The corpus's pairs as ids. Those that do not fit into the context, with mark and end, are left out.

        Raises:
            ValueError: none fits, a text is no pair, or the tokenizer has no id that ends a text.
        """
        key = f"pairs {part} {tokenizer.hash} {context} {limit}"
        if key not in corpus.memo:
            corpus.memo[key] = _gather(getattr(corpus, part), tokenizer, context, limit)
        ids, bounds, left_out = corpus.memo[key]
        if len(bounds) < 2:
            raise ValueError(
                f"no pair of the {NAMES[part]} fits into the model's context of {context} tokens:"
                " take shorter sentences or a longer context"
            )
        return Pairs(ids, bounds, tokenizer.vocab_size, seed, left_out)

    def loss(self, module: nn.Module, batch: Batch) -> Tensor:
        """Mean cross-entropy in nats per target token; what fills up a sentence counts for nothing."""
        source, fed, asked = batch
        logits = _translate(module, source, fed)  # (B, T, V)
        return F.cross_entropy(logits.flatten(0, 1).float(), asked.flatten(), ignore_index=NOTHING)

    @torch.no_grad()
    def evaluate(
        self, module: nn.Module, examples: Examples, tokenizer: Tokenizer, *, batch: int = 16, limit: int = 10**9
    ) -> HeldOut:
        """Score the right translations of the first `limit` pairs, each token after the right ones before it.

        Bits per character are those of the target text, its source being known.
        """
        nats, tokens, characters = 0.0, 0, 0
        for part in examples.in_order(batch, limit):
            asked = part[2]
            count = int((asked >= 0).sum())
            nats, tokens = nats + float(self.loss(module, part)) * count, tokens + count
            characters += sum(len(tokenizer.raw.decode(row[row >= 0].tolist())) for row in asked)
        return HeldOut(nats / tokens, nats / math.log(2) / max(1, characters), tokens, characters)

    def ceiling(self, vocab_size: int) -> tuple[float, str]:
        """ln V."""
        return math.log(vocab_size), f"ln {vocab_size:,}: all tokens equally likely."

    def fed(self, ids: list[int], added: list[int], vocab_size: int) -> list[int]:
        """The source, the mark, the target so far."""
        return [*ids, vocab_size, *added]


def _sides(text: str) -> tuple[str, str]:
    """ "a dog\\tun chien" -> ("a dog", "un chien")"""
    sides = [side.strip() for side in text.split("\t")]
    if len(sides) != 2 or not all(sides):
        raise ValueError(f"{_quoted(text)} is no pair: {_PAIR}")
    return sides[0], sides[1]


def check_lines(text: str) -> None:
    """Whether each line of a text is a pair; blank lines, and a text of a single line, are let pass.

    Raises:
        ValueError: naming the first line that is none.
    """
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if len(lines) > 1 and line.strip() and line.count("\t") != 1:
            raise ValueError(f"line {number}, {_quoted(line)}, is no pair: {_PAIR}")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def _gather(
    texts: Iterator[str], tokenizer: Tokenizer, context: int, limit: int | None
) -> tuple[NDArray[np.int32], NDArray[np.int64], int]:
    """The ids of the first `limit` pairs that fit, the bounds of their sentences, and how many do not fit."""
    sentences, left_out = list[list[int]](), 0
    for source, target in _encoded(texts, tokenizer):
        if limit is not None and len(sentences) >= 2 * limit:
            break
        if source and len(source) + 1 + len(target) <= context:  # 1 for the mark
            sentences += [source, target]
        else:
            left_out += 1
    ids = np.fromiter((each for sentence in sentences for each in sentence), dtype=np.int32)
    return ids, np.cumsum([0, *map(len, sentences)]), left_out


def _encoded(texts: Iterator[str], tokenizer: Tokenizer) -> Iterator[tuple[list[int], list[int]]]:
    """The ids of each source, and of its target with the end-of-text id behind it."""
    end = _end(tokenizer)
    pairs = map(_sides, texts)
    while chunk := list(islice(pairs, _CHUNK)):
        sources, targets = (tokenizer.encode_batch(side) for side in zip(*chunk, strict=True))
        yield from zip(sources, ([*target, end] for target in targets), strict=True)


def _end(tokenizer: Tokenizer) -> int:
    if tokenizer.end_of_text is None:
        raise ValueError("the tokenizer has no id that ends a text, so a translation could not end: take another one")
    return tokenizer.end_of_text


def _translate(module: nn.Module, source: Tensor, target: Tensor) -> Tensor:
    found: Any = getattr(module, "translate", None)
    if found is None:
        raise ValueError(
            f"{type(module).__name__} has no method translate(source, target) -> logits: make it a PairModel"
            " (zoo/layers/pairs.py)"
        )
    logits: Tensor = found(source, target)
    return logits
