"""`GlassBox`: a language of small stories whose every probability is known. What the rest of the zoo talks to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

import numpy as np
from numpy.typing import NDArray

from zoo.data.glass_box import text
from zoo.data.glass_box.compile import compile_program
from zoo.data.glass_box.entropy import Measure, measure
from zoo.data.glass_box.needs import Need, needs
from zoo.data.glass_box.network import END, Network
from zoo.data.glass_box.plots import STORIES
from zoo.data.glass_box.program import Program
from zoo.data.glass_box.reader import Reader
from zoo.data.glass_box.sampler import Sampler, Story

EXAMPLE_BACK = range(20, 61)
"""How far back the example's next word is settled."""


@dataclass(frozen=True)
class GlassBox:
    """A language: a program, and how many sentences may stand between what is said and where it is needed."""

    fewest: int = 0
    """Asides in a story, at least."""
    most: int = 3
    """At most; each number from `fewest` to `most` is equally likely. An aside has 5 to 14 words."""
    program: Program = STORIES

    def __post_init__(self) -> None:
        if not 0 <= self.fewest <= self.most <= 100:
            raise ValueError(f"no story has {self.fewest} to {self.most} asides: give 0 ≤ fewest ≤ most ≤ 100")

    @cached_property
    def fingerprint(self) -> str:
        """Of the knob and all sentences: two languages with the same one are the same."""
        return hashlib.sha256(repr((self.fewest, self.most, self.program)).encode()).hexdigest()[:16]

    def stories(self, count: int, seed: int) -> list[Story]:
        """That many stories; the same for the same seed, and the first ones of a longer list."""
        random = Random(seed)
        return [self._sampler.story(random) for _ in range(count)]

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """Every word and punctuation mark, sorted, and END as the last."""
        return (*sorted(self.network.words() - {END}), END)

    def reader(self) -> Reader:
        """Reads word by word, from a story's beginning on."""
        return Reader(self.network)

    def next_words(self, prefix: Sequence[str]) -> dict[str, float]:
        """The exact probability of each word that can come after these, likeliest first; they sum to 1.

        After END a new story begins, so a prefix may hold several stories.

        Raises:
            ValueError: the language cannot say the prefix; the message names the word and its place.
        """
        reader = self.reader()
        _feed(reader, prefix)
        return reader.next_words()

    def surprisals(self, words: Sequence[str], *, end: bool = True) -> NDArray[np.float64]:
        """−log p of each word given those before it, in nats: (words + 1,), the last one for END.

        With `end=False`, or where the words end with END already, none is added: (words,). So a
        beginning can be scored, or several stories in a row, each with its END.

        Raises:
            ValueError: the language cannot say these words, or they are no whole story and `end` is true.
        """
        added = [END] if end and (not words or words[-1] != END) else []
        return np.array(_feed(self.reader(), [*words, *added]), dtype=np.float64)

    @property
    def entropy_rate(self) -> float:
        """Nats per word, END counted as one: no model of the language can have a lower mean loss.

        A story's entropy over its expected length, both computed from the program. It counts decisions,
        which are those of the words where every story can be made in one way only, as in `DEFAULT`.
        """
        return self.measure.entropy / self.measure.words

    @cached_property
    def measure(self) -> Measure:
        """The entropy of a story in nats, and its mean length in words, END included."""
        return measure(self.network)

    def needs(self, words: Sequence[str]) -> list[Need]:
        """For each word what settles it: chance, grammar, or a near or far word, and how far back it stands.

        Raises:
            ValueError: the language cannot say these words.
        """
        return needs(self.network, words)

    def split(self, story: str) -> list[str]:
        """The words of a text, as the `word` tokenizer cuts it, without their spaces."""
        return text.split(story)

    def join(self, words: Iterable[str]) -> str:
        """The text of these words."""
        return text.join(words)

    def example(self) -> str:
        """The beginning of a story whose next word is one that was said far back: always the same beginning."""
        for story in self.stories(200, seed=0):
            words = story.words
            for position, need in enumerate(self.needs(words)):
                if need.back in EXAMPLE_BACK and words[position] == words[position - (need.back or 0)]:
                    return self.join(words[:position])
        raise ValueError("this language has no word that was said 20 to 60 words back and must be said again")

    @cached_property
    def network(self) -> Network:
        """The program as states."""
        return compile_program(self.program, self.fewest, self.most)

    @cached_property
    def _sampler(self) -> Sampler:
        return Sampler(self.network)


def _feed(reader: Reader, words: Sequence[str]) -> list[float]:
    """Read all of it; a refusal names the place."""
    surprisals = []
    for position, word in enumerate(words):
        try:
            surprisals.append(reader.feed(word))
        except ValueError as error:
            last = f" after “{text.join(words[max(0, position - 4) : position])}”" if position else ""
            raise ValueError(f"word {position + 1}{last}: {error}") from None
    return surprisals


DEFAULT = GlassBox()
"""The language of the corpus "glass-box"."""
