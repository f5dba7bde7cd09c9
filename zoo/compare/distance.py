"""Memory against distance: how often a model knows a word that is settled by one word, so many words back.

Stories of the glass box say things early that they need again later. There the right word is certain for whoever
still knows what was said, so that a model's answer tells whether it does. Used by `zoo.compare.table` and by the
page Sequential and parallel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.compare.exact import tokens_of
from zoo.data.glass_box import GlassBox
from zoo.inference import LoadedModel
from zoo.trace.record import logits_of

EDGES = ((2, 2), (3, 4), (5, 8), (9, 16), (17, 32), (33, 64), (65, 128))
"""The first and the last distance of each bucket, in words. A word settled by the one just before it is in none."""
SEED = 2**31 + 4
"""Of the stories that are asked about: trainings draw theirs from seeds below 2**31."""
STORIES = 200
"""How many, where no number is given."""
BATCH = 16
SAME = 1e-2
"""How far logits may be apart that are computed with and without the words that follow: rounding, and no more."""

Words = Sequence[str]


@dataclass(frozen=True)
class Asked:
    """A word of a story that is certain."""

    story: int
    position: int
    """In the story; the word is asked for after all those before it."""
    back: int | None
    """How many words back the nearest words stand that settle it; None where grammar alone does."""
    guess: float
    """How often the best guess is right without these words, all else known; 1 for grammar."""


@dataclass(frozen=True)
class Answers:
    """What a model made of the words that it was asked for, each (words,)."""

    prob: NDArray[np.float64]
    """The probability that it gave to the right word."""
    right: NDArray[np.bool_]
    """Whether it held that word for the likeliest."""


@dataclass(frozen=True)
class Bucket:
    """All words that are settled from `first` to `last` words back."""

    first: int
    last: int
    words: int
    accuracy: float | None
    """The share of them that the model held for the likeliest; None where there are none."""
    probability: float | None
    """What it gave them on average."""
    guess: float | None
    """The accuracy of the best guess without the word that settles them."""


@dataclass(frozen=True)
class ByDistance:
    """Accuracy by distance, and on words that need no memory."""

    buckets: tuple[Bucket, ...]
    grammar: Bucket
    """The control: words that the sentence itself settles; its distances are 0."""


def planted(language: GlassBox, stories: Sequence[Words]) -> list[Asked]:
    """Every word of these stories that a word before it settles, and those that grammar does, front to back.

    The first word of a story is never asked for: nothing stands before it.
    """
    found = []
    for number, words in enumerate(stories):
        for position, need in enumerate(language.needs(words)):
            if position and need.kind != "chance":
                found.append(Asked(number, position, need.back, 1.0 if need.guess is None else need.guess))
    return found


def token_rows(model: LoadedModel, language: GlassBox, stories: Sequence[Words]) -> list[list[int]]:
    """The stories as ids, one a word.

    Raises:
        ValueError: the model's tokens are not the language's words, or a word is not in its vocabulary.
    """
    rows = [tokens_of(language, model.tokenizer, words, model.title) for words in stories]
    for word, token in zip(chain.from_iterable(stories), chain.from_iterable(rows), strict=True):
        if model.tokenizer.piece(token).strip() != word:
            raise ValueError(f"{model.title} has no token for “{word}”: train it on more stories, or ask about fewer")
    return rows


@torch.no_grad()
def answers(model: LoadedModel, rows: Sequence[Sequence[int]], asked: Sequence[Asked]) -> Answers:
    """What the model says to each word in `asked` of the stories in `rows` (ids).

    It is given the whole story before the word, or as much of its end as it can read at once: what stands further
    back than its context it cannot know.

    Raises:
        ValueError: the model does not predict the next token, or sees words that come later.
    """
    if model.task != "next-token":
        raise ValueError(f"{model.title} does not predict the next word from those before it, so it cannot be asked")
    begin = [] if model.bos is None else [model.bos]
    texts = [[*begin, *row] for row in rows]
    _check_causal(model, texts)
    places = [(each.story, each.position + len(begin)) for each in asked]
    prob, right = np.zeros(len(asked)), np.zeros(len(asked), dtype=bool)
    for batch, members in _batches(texts, places, model.context):
        logits = logits_of(model.module(torch.tensor(batch))).float()  # (batch, time, vocab)
        for number, line, row in members:
            story, place = places[number]
            target, said = texts[story][place], logits[line, row]
            prob[number] = float(said.double().softmax(-1)[target])
            right[number] = int(said.argmax()) == target
    return Answers(prob, right)


def by_distance(asked: Sequence[Asked], found: Answers) -> ByDistance:
    """The answers sorted into buckets."""
    back = np.array([each.back or 0 for each in asked])
    guess = np.array([each.guess for each in asked])

    def bucket(first: int, last: int) -> Bucket:
        mine = (first <= back) & (back <= last)
        if not mine.any():
            return Bucket(first, last, 0, None, None, None)
        means = (float(each[mine].mean()) for each in (found.right, found.prob, guess))
        return Bucket(first, last, int(mine.sum()), *means)

    return ByDistance(tuple(bucket(*edges) for edges in EDGES), bucket(0, 0))


def measure(model: LoadedModel, language: GlassBox, stories: Sequence[Words], asked: Sequence[Asked]) -> ByDistance:
    """A model's accuracy on the words `asked` of these stories; `planted` gives them, once for all models.

    Raises:
        ValueError: the model cannot be asked; see `token_rows` and `answers`.
    """
    return by_distance(asked, answers(model, token_rows(model, language, stories), asked))


Member = tuple[int, int, int]
"""Which of the words asked for, and where its answer stands: the line of the batch, and the row of the line."""


def _batches(
    texts: list[list[int]], places: list[tuple[int, int]], context: int
) -> list[tuple[list[list[int]], list[Member]]]:
    """What the model is fed: each text's beginning once, and a line of its own for each word beyond the context."""
    lines: dict[tuple[int, int], list[tuple[int, int]]] = {}  # (text, where the line begins) -> (word, row)
    for number, (text, place) in enumerate(places):
        start = max(0, place - context)
        lines.setdefault((text, start), []).append((number, place - start - 1))
    ordered, batches = list(lines.items()), []
    for first in range(0, len(ordered), BATCH):
        part = ordered[first : first + BATCH]
        fed = [texts[text][start : start + max(row for _, row in rows) + 1] for (text, start), rows in part]
        time = max(len(each) for each in fed)
        padded = [each + [0] * (time - len(each)) for each in fed]  # behind the text, where nothing is asked
        members = [(number, line, row) for line, (_, rows) in enumerate(part) for number, row in rows]
        batches.append((padded, members))
    return batches


def _check_causal(model: LoadedModel, texts: list[list[int]]) -> None:
    """The rows of a text must not depend on what follows: else a model would be given the answer."""
    text = torch.tensor([max(texts, key=len)[: model.context]])
    half = text.shape[1] // 2
    whole, beginning = (_rows(model, each)[:half] for each in (text, text[:, : max(half, 1)]))
    if half and float((whole - beginning[:half]).abs().max()) > SAME * max(1.0, float(whole.abs().max())):
        raise ValueError(f"{model.title} looks at words that come later, so its answers would be no memory")


def _rows(model: LoadedModel, ids: Tensor) -> Tensor:
    return logits_of(model.module(ids))[0].float()
