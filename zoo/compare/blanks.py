"""A word of a story filled in from both sides, or from what stands left of it: BERT's question and GPT's.

In the glass box both have an exact answer: a word's probability given the words before it, and given all others.
Used by the page Sequential and parallel.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.compare.exact import tokens_of
from zoo.data.glass_box import GlassBox
from zoo.inference import LoadedModel
from zoo.trace.record import logits_of

HELD_OUT_SEED = 2**31 + 1
"""No corpus's training stories are drawn from it."""
SURE = 0.99
"""What the right answer must give a word to be called settled."""
OPEN = 3
"""From the left, at least so many words must be possible in an example's blank."""
SHORT = 24
"""Words that may stand left of an example's blank."""
BATCH = 32
"""Texts with a blank that a model reads at once."""


@dataclass(frozen=True)
class Blank:
    """A text with one word missing."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    word: str
    """What stood there; "" where nobody knows."""


@dataclass(frozen=True)
class Example:
    """A blank that the words behind it settle, and the same with another word behind it."""

    blank: Blank
    other: Blank


@dataclass(frozen=True)
class Sides:
    """Mean −log p of the true words, in nats, of two models on the very same words, and of the language itself."""

    words: int
    stories: int
    left: float
    both: float
    left_exact: float
    both_exact: float
    error: float
    """The standard error of the mean difference between the two models."""


@torch.no_grad()
def answer(model: LoadedModel, ids: Sequence[int], place: int) -> NDArray[np.float64]:
    """log p (vocab,) of every token at `place` of the text `ids`, where the model is not shown what stands there.

    A model that fills blanks is fed all of the text, with its mark at the place, and answers in that row; any
    other is fed what stands left of the place, and answers in its last row.
    """
    row = [*ids]
    if model.fills_blanks:
        assert model.mark is not None
        row[place] = model.mark
    else:
        row = row[:place]
        if not row:
            raise ValueError("nothing stands left of the blank: put at least one word before it")
    logits = logits_of(model.module(torch.tensor([row])))[0]  # (time, vocab)
    return _log_probs(logits[place if model.fills_blanks else -1])


@torch.no_grad()
def predictions(model: LoadedModel, ids: Sequence[int]) -> Tensor:
    """The logits (tokens − 1, vocab) about each token but the first, each asked for as in `answer`."""
    text = torch.tensor(list(ids))
    if not model.fills_blanks:
        return logits_of(model.module(text[None, :-1]))[0]  # row t − 1 knows what stands left of t
    assert model.mark is not None
    places = torch.arange(1, len(text))
    rows = text.repeat(len(places), 1)  # (time − 1, time): one blank in each
    rows[places - 1, places] = model.mark
    batches = zip(torch.split(rows, BATCH), torch.split(places, BATCH), strict=True)
    return torch.cat([logits_of(model.module(some))[range(len(some)), at] for some, at in batches])


def surprisals(model: LoadedModel, ids: Sequence[int]) -> NDArray[np.float64]:
    """−log p of each token but the first (tokens − 1,), in nats, each asked for as in `answer`."""
    log_probs = _log_probs(predictions(model, ids))
    return np.asarray(-log_probs[np.arange(len(ids) - 1), list(ids[1:])])


def from_left(language: GlassBox, left: Sequence[str]) -> dict[str, float]:
    """The exact probability of each word given those before it, likeliest first.

    Raises:
        ValueError: the language cannot say these words.
    """
    return language.next_words(left)


def from_both(language: GlassBox, left: Sequence[str], right: Sequence[str]) -> dict[str, float]:
    """The exact probability of each word given those on both sides, likeliest first (Bayes' rule).

    p(word | left, right) ∝ p(word | left) · p(right | left, word). What follows after `right` is left open.

    Raises:
        ValueError: no word of the language fits in between.
    """
    reader = language.reader()
    for word in left:
        reader.feed(word)
    found = {}
    for word, prob in reader.next_words().items():
        after = copy.copy(reader)  # feeding replaces its states and changes none
        try:
            after.feed(word)
            found[word] = math.log(prob) - sum(after.feed(each) for each in right)
        except ValueError:
            continue
    if not found:
        raise ValueError("no word of the language fits between these two sides")
    most = max(found.values())
    total = sum(math.exp(value - most) for value in found.values())
    probs = {word: math.exp(value - most) / total for word, value in found.items()}
    return dict(sorted(probs.items(), key=lambda item: (-item[1], item[0])))


def example(language: GlassBox) -> Example:
    """A word that is open from the left and settled from both sides, and another one if one word is changed.

    The first one early in a held-out story.

    Raises:
        ValueError: no story has one.
    """
    for story in language.stories(100, HELD_OUT_SEED):
        for found in _examples(language, story.words):
            return found
    raise ValueError("no story of this language has a word that only those behind it settle")


def _examples(language: GlassBox, words: Sequence[str]) -> Iterator[Example]:
    reader = language.reader()
    for place, word in enumerate(words):
        possible = list(reader.next_words())
        reader.feed(word)
        ends = [at for at in range(place + 1, len(words)) if words[at] == "."]
        if not 0 < place <= SHORT or len(possible) < OPEN or not ends:
            continue
        blank = Blank(tuple(words[:place]), tuple(words[place + 1 : ends[0] + 1]), word)
        if from_both(language, blank.left, blank.right).get(word, 0) < SURE:
            continue
        for other in (each for each in possible if each != word):
            if (right := _nearest(language, blank, other)) is not None:
                yield Example(blank, Blank(blank.left, right, other))


def _nearest(language: GlassBox, blank: Blank, word: str) -> tuple[str, ...] | None:
    """What can stand behind another word, one word away from what stood behind the first one and settling it."""
    reader, right = language.reader(), list[str]()
    for each in (*blank.left, word):
        reader.feed(each)
    for each in blank.right:
        possible = reader.next_words()
        right.append(each if each in possible else next(iter(possible)))
        reader.feed(right[-1])
    if sum(a != b for a, b in zip(right, blank.right, strict=True)) != 1:
        return None
    return tuple(right) if from_both(language, blank.left, right).get(word, 0) >= SURE else None


def sides(left: LoadedModel, both: LoadedModel, language: GlassBox, stories: int) -> Sides:
    """Every word but the first of these held-out stories, as far as both models can read.

    Raises:
        ValueError: the tokens of a model are not the language's words.
    """
    asked, exact = [list[NDArray[np.float64]](), list[NDArray[np.float64]]()], [list[float](), list[float]()]
    for story in islice(language.stories(stories, HELD_OUT_SEED), stories):
        words = story.words[: min(left.context, both.context)]
        for known, model in zip(asked, (left, both), strict=True):
            known.append(surprisals(model, tokens_of(language, model.tokenizer, words, model.title)))
        for surely, values in zip(exact, exact_surprisals(language, words), strict=True):
            surely += values
    from_left_only, from_both_sides = (np.concatenate(each) for each in asked)
    gain = from_left_only - from_both_sides
    return Sides(
        words=len(gain),
        stories=stories,
        left=float(from_left_only.mean()),
        both=float(from_both_sides.mean()),
        left_exact=float(np.mean(exact[0])),
        both_exact=float(np.mean(exact[1])),
        error=float(gain.std(ddof=1) / math.sqrt(len(gain))),
    )


def exact_surprisals(language: GlassBox, words: Sequence[str]) -> tuple[list[float], list[float]]:
    """−log p of each word but the first by the language itself: from the left, and from both sides."""
    reader, left, both = language.reader(), list[float](), list[float]()
    for place, word in enumerate(words):
        possible = reader.next_words()
        reader.feed(word)
        if place:
            left.append(-math.log(possible[word]))
            certain = len(possible) == 1
            both.append(0.0 if certain else -math.log(from_both(language, words[:place], words[place + 1 :])[word]))
    return left, both


def _log_probs(logits: Tensor) -> NDArray[np.float64]:
    return np.asarray(logits.double().log_softmax(-1).numpy())
