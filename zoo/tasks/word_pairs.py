"""word2vec's two tasks (Mikolov et al. 2013a, 2013b): which words stand near which, learned by telling true from drawn.

    … the sleepy [dog] barked at …       window 2, center "dog", true neighbours: the, sleepy, barked, at
    skip-gram: dog → the | dog → sleepy | dog → barked | dog → at         a pair of words each
    CBOW:      (the, sleepy, barked, at) → dog                            all neighbours together, one center

A softmax over the whole vocabulary is left out. Instead each true word is set beside `NEGATIVES` words that were
drawn blindly, and the model learns to give the true one a high score s and each drawn one a low score:

    loss = −log σ(s of the true word) − Σ log σ(−s of a drawn word)       mean over the pairs

Pairs and drawn words come from torch's global generator, which training seeds for each step. Used by `zoo.training`
and the conformance kit. Shape letters: B batch, T time, W window, N pairs, K drawn words, V vocabulary.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.data import Corpus
from zoo.data.pieces import InPieces
from zoo.tasks import streams
from zoo.tasks.next_token import NextToken, Windows
from zoo.tasks.streams import Part
from zoo.tasks.task import Batch, Examples, HeldOut
from zoo.tokenizers import Tokenizer

NEGATIVES = 5
"""K: words drawn for each true one. Mikolov et al. advise 5 to 20 for small texts, 2 to 5 for large ones."""
POWER = 0.75
"""A word is drawn in proportion to its count to this power: rare words more often than they occur."""
COUNTED = 2_000_000
"""Training tokens that are counted at most."""
_DRAWS = 0
"""The seed of all that is drawn for a held-out score: the same at every call."""


@runtime_checkable
class PairModel(Protocol):
    """What these tasks ask of a model beside its forward."""

    window: int
    """Words on either side that are a word's neighbours, at most."""
    threshold: float
    """Words with a greater share of the text than this are passed over now and then; see `kept_share`."""

    def scores(self, inputs: Tensor, candidates: Tensor) -> Tensor:
        """inputs (N, M), ids below 0 being nothing; candidates (N, 1 + K) -> the candidates' scores (N, 1 + K)."""


@dataclass(frozen=True)
class Stretches:
    """Windows of text in which pairs are looked for. A batch: rows (B, T), texts (B, T), counts (V,)."""

    windows: Windows
    counts: Tensor
    """(V,) how often the training text has each token."""
    end_of_text: int | None
    """Its tokens end a text: pairs reach across none of them."""

    @property
    def time(self) -> int:
        """Tokens of one stretch."""
        return self.windows.time

    def __len__(self) -> int:
        return len(self.windows)

    def batch(self, step: int, size: int) -> Batch:
        """The stretches of a step: a function of (seed, step) alone."""
        return self._with_texts(self.windows.batch(step, size)[0])

    def in_order(self, size: int, limit: int) -> list[Batch]:
        """The first `limit` stretches, front to back, in batches of at most `size`."""
        return [self._with_texts(rows) for rows, *_ in self.windows.in_order(size, limit)]

    def _with_texts(self, rows: Tensor) -> Batch:
        """texts[b, t]: how many texts of the row end before token t. The mark at its end belongs to a text."""
        ends = (rows == (-1 if self.end_of_text is None else self.end_of_text)).long()
        return rows, ends.cumsum(1) - ends, self.counts


def token_counts(corpus: Corpus, tokenizer: Tokenizer) -> Tensor:
    """(V,) how often each token comes in the training text, or in its first `COUNTED` tokens where it is longer."""
    enough = COUNTED if isinstance(corpus.train, InPieces) else None
    ids = streams.tokens(corpus, "train", tokenizer, at_least=enough).ids[:COUNTED]
    return torch.bincount(ids, minlength=tokenizer.vocab_size)


def noise(counts: Tensor) -> Tensor:
    """(V,) the chance of each word to be drawn: (count + 1)^0.75, scaled to sum to 1.

    The 1 is ours: a word that the text lacks is drawn now and then too, and so learns that it stands nowhere.
    """
    weights = (counts.double() + 1) ** POWER
    return weights / weights.sum()


def kept_share(counts: Tensor, threshold: float) -> Tensor:
    """(V,) the chance of each word's occurrence to be used: min(1, √(threshold / its share of the text)).

    Mikolov et al. 2013b, equation 5: "the" stands near everything and tells little.
    """
    share = counts.double() / counts.sum().clamp(min=1)
    return (threshold / share.clamp(min=1e-12)).sqrt().clamp(max=1)


def neighbours(batch: Batch, window: int, threshold: float, generator: torch.Generator | None = None) -> Tensor:
    """(B, T, 2W): the words near each word, −1 where there is none.

    As in the paper each word looks 1 to `window` words far, drawn anew, so that near words count for more. Where a
    text ends, sight ends. An occurrence that is passed over is neither center nor neighbour, and leaves its gap.
    """
    rows, texts, counts = batch
    kept = torch.rand(rows.shape, generator=generator) < kept_share(counts, threshold)[rows]  # (B, T)
    reach = torch.randint(1, window + 1, (*rows.shape, 1), generator=generator)  # (B, T, 1)
    steps = torch.arange(1, window + 1)
    near = torch.cat([steps.flip(0), steps]) <= reach  # (B, T, 2W)
    near &= (around(texts, window) == texts[..., None]) & kept[..., None]
    return around(rows.masked_fill(~kept, -1), window).masked_fill(~near, -1)


def around(values: Tensor, window: int) -> Tensor:
    """(B, T) -> (B, T, 2W): the `window` values before each place and those behind it; −1 beyond the row's ends."""
    found = F.pad(values, (window, window), value=-1).unfold(1, 2 * window + 1, 1)  # (B, T, 2W + 1)
    return torch.cat([found[..., :window], found[..., window + 1 :]], -1)


def pair_loss(scores: Tensor) -> Tensor:
    """(N, 1 + K), the true word's first -> (N,): −log σ(s) of the true one − Σ log σ(−s) of the drawn, in nats."""
    return -F.logsigmoid(scores[:, 0]) - F.logsigmoid(-scores[:, 1:]).sum(1)


class _WordPairs(ABC):
    """What skip-gram and CBOW share: all but which words are given, and which are asked for."""

    @abstractmethod
    def pairs(self, rows: Tensor, near: Tensor) -> tuple[Tensor, Tensor]:
        """rows (B, T), near (B, T, 2W) with −1 for nothing -> given (N, M), and the true words (N,)."""

    def check(self, corpus: Corpus, tokenizer: Tokenizer, context: int) -> None:
        """Whether both parts of the corpus fill a stretch of `context` tokens.

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
    ) -> Stretches:
        """The corpus's part in stretches of `context` tokens, with the counts of its training part."""
        windows = NextToken().examples(corpus, part, tokenizer, context, seed=seed, limit=limit, folder=folder)
        return Stretches(windows, token_counts(corpus, tokenizer), tokenizer.end_of_text)

    def loss(self, module: nn.Module, batch: Batch) -> Tensor:
        """The mean of `pair_loss` over the pairs of the batch, drawn with torch's global generator; 0 without a pair.

        Raises:
            TypeError: the model is no `PairModel`.
        """
        losses = self._losses(module, batch)
        return losses.sum() / max(1, len(losses))

    @torch.no_grad()
    def evaluate(
        self, module: nn.Module, examples: Examples, tokenizer: Tokenizer, *, batch: int = 16, limit: int = 10**9
    ) -> HeldOut:
        """Score the pairs of the first `limit` stretches: with the same draws at every call of one batch size.

        Of the loss that training lowers, and comparable with it alone: no text is predicted, so there are no bits
        per character.
        """
        generator, nats, count = torch.Generator().manual_seed(_DRAWS), 0.0, 0
        for part in examples.in_order(batch, limit):
            losses = self._losses(module, part, generator)
            nats, count = nats + float(losses.double().sum()), count + len(losses)
        return HeldOut(nats / max(1, count), None, count, 0)

    def ceiling(self, vocab_size: int) -> tuple[float, str]:
        """(1 + K) ln 2."""
        choices = 1 + NEGATIVES
        return choices * math.log(
            2
        ), f"{choices} ln 2: {choices} words, each called true or drawn by the toss of a coin."

    def _losses(self, module: nn.Module, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """(N,) the loss of each pair in the batch."""
        if not isinstance(module, PairModel):
            raise TypeError(f"{type(module).__name__} cannot learn from pairs: give it window, threshold and scores()")
        near = neighbours(batch, module.window, module.threshold, generator)
        given, true = self.pairs(batch[0], near)
        drawn = draw(noise(batch[2]), len(true), generator)
        return pair_loss(module.scores(given, torch.cat([true[:, None], drawn], 1)).float())


def draw(chances: Tensor, count: int, generator: torch.Generator | None = None) -> Tensor:
    """(count, K) words drawn by `chances` (V,). The true word may be among them, as the theory has it."""
    flat = torch.multinomial(chances, max(1, count * NEGATIVES), replacement=True, generator=generator)
    return flat[: count * NEGATIVES].view(count, NEGATIVES)


class SkipGram(_WordPairs):
    """A word is given, and each of its neighbours asked for: one pair a neighbour."""

    def pairs(self, rows: Tensor, near: Tensor) -> tuple[Tensor, Tensor]:
        """Given the center (N, 1), each neighbour (N,)."""
        found = near >= 0  # (B, T, 2W)
        return rows[..., None].expand_as(near)[found][:, None], near[found]

    def fed(self, ids: list[int], added: list[int], vocab_size: int) -> list[int]:
        """The text so far: the last row says what stands near its last word."""
        return ids + added


class Cbow(_WordPairs):
    """The neighbours of a word are given, all together, and the word asked for: a continuous bag of words."""

    def pairs(self, rows: Tensor, near: Tensor) -> tuple[Tensor, Tensor]:
        """Given the neighbours (N, 2W), some of them −1, the center (N,)."""
        found = (near >= 0).any(-1)  # (B, T)
        return near[found], rows[found]

    def fed(self, ids: list[int], added: list[int], vocab_size: int) -> list[int]:
        """The text so far and a blank behind it: the last row says what fills it."""
        return [*ids, *added, vocab_size]
