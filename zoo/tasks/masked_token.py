"""Masked words: some tokens of a text are blanked out, and the model is asked for them from both sides (BERT).

Devlin et al. 2019, section 3.1: of each text's positions 15 % are asked for. Of these, 80 % are a blank to the
model (the id behind the vocabulary, `vocab_size`), 10 % a random token, and 10 % stand as they were: so a model
must doubt every word that it reads. Used by `zoo.training`, the conformance kit and the model card.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.data import Corpus
from zoo.tasks import streams
from zoo.tasks.next_token import NextToken, Windows
from zoo.tasks.streams import Part
from zoo.tasks.task import Batch, Examples, HeldOut
from zoo.tokenizers import Tokenizer

ASKED = 0.15
"""Share of a text's positions that are asked for."""
BLANKED, REPLACED = 0.8, 0.1
"""Of those asked for, the share that is a blank to the model, and the share that is a random token."""
CUT = 1 / 3
"""Share of the training steps whose texts end early, with a blank: how the model is asked for what comes next.

Devlin et al. cut a tenth of their texts short. A model that never saw a text end has no idea of how one goes on.
"""
NOT_ASKED = -1
"""The target of a position that is not asked for."""


@dataclass(frozen=True)
class Blanks:
    """Windows of text with blanks in them. The blanks of a step depend on (seed, step) alone."""

    windows: Windows
    vocab_size: int

    @property
    def time(self) -> int:
        """Tokens of a window that does not end early."""
        return self.windows.time

    def __len__(self) -> int:
        return len(self.windows)

    def batch(self, step: int, size: int) -> Batch:
        """What the model reads and what it is asked for, both (size, time); a third of the steps end early."""
        random = np.random.default_rng([self.windows.seed, step])
        text, _ = self.windows.batch(step, size)
        if random.random() < CUT:
            return ending_blank(text[:, : random.integers(1, self.time + 1)], self.vocab_size, random)
        return blanked(text, self.vocab_size, random)

    def in_order(self, size: int, limit: int) -> list[Batch]:
        """The first `limit` windows that share no token, front to back: the same blanks at every call, for all seeds.

        Neither `size` nor `limit` moves a blank.
        """
        places = self.windows.apart(limit)
        text = self.windows.rows(places)[:, :-1]
        inputs, targets = blanked(text, self.vocab_size, np.random.default_rng(0))
        return [(inputs[i : i + size], targets[i : i + size]) for i in range(0, len(text), size)]


def blanked(text: Tensor, vocab_size: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Text (batch, time) with blanks, and what stood there: targets (batch, time), −1 where nothing is asked.

    In each row round(15 % of its positions) are asked for, and at least one.
    """
    draws = torch.from_numpy(random.random((*text.shape, 3)))  # row by row: more rows leave the first as they were
    count = max(1, round(ASKED * text.shape[1]))
    places = draws[..., 0].argsort(-1)[:, :count]  # (batch, count)
    asked = torch.zeros_like(text, dtype=torch.bool).scatter(1, places, True)
    fate, other = draws[..., 1], (draws[..., 2] * vocab_size).long()
    inputs = text.masked_fill(asked & (fate < BLANKED), vocab_size)
    inputs = torch.where(asked & (fate >= BLANKED) & (fate < BLANKED + REPLACED), other, inputs)
    return inputs, text.masked_fill(~asked, NOT_ASKED)


def ending_blank(text: Tensor, vocab_size: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """`blanked`, and each row's last token is asked for behind a blank, as a prompt's next one is."""
    inputs, targets = blanked(text, vocab_size, random)
    inputs[:, -1], targets[:, -1] = vocab_size, text[:, -1]
    return inputs, targets


class MaskedToken:
    """The blanks of a text are asked for, with all that stands before and behind them."""

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
    ) -> Blanks:
        """The windows that a model of the next token learns from, with blanks."""
        windows = NextToken().examples(corpus, part, tokenizer, context, seed=seed, limit=limit, folder=folder)
        return Blanks(windows, tokenizer.vocab_size)

    def loss(self, module: nn.Module, batch: Batch) -> Tensor:
        """Mean cross-entropy in nats over what is asked for: −log p of the token that stood there."""
        inputs, targets = batch
        return F.cross_entropy(module(inputs).flatten(0, 1).float(), targets.flatten(), ignore_index=NOT_ASKED)

    @torch.no_grad()
    def evaluate(
        self, module: nn.Module, examples: Examples, tokenizer: Tokenizer, *, batch: int = 16, limit: int = 10**9
    ) -> HeldOut:
        """Score the blanks in the first `limit` windows of held-out text; each has all of its window around it."""
        nats, asked = 0.0, 0
        for inputs, targets in examples.in_order(batch, limit):
            count = int((targets != NOT_ASKED).sum())
            nats, asked = nats + float(self.loss(module, (inputs, targets))) * count, asked + count
        return HeldOut(nats / asked, None, asked, 0)

    def ceiling(self, vocab_size: int) -> tuple[float, str]:
        """ln V."""
        return math.log(vocab_size), f"ln {vocab_size:,}: all tokens equally likely."

    def fed(self, ids: list[int], added: list[int], vocab_size: int) -> list[int]:
        """The text so far, and a blank behind it."""
        return [*ids, *added, vocab_size]
