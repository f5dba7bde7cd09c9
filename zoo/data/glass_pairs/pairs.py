"""`GlassPairs`: sentences in two languages whose translation and alignment are known exactly."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from random import Random
from typing import Literal

from zoo.data.glass_box import text
from zoo.data.glass_pairs import lexicon, rules
from zoo.data.glass_pairs.draw import Drawer, Inside, counted
from zoo.data.glass_pairs.grammar import MARKS, grammar
from zoo.data.glass_pairs.parse import Parse
from zoo.data.glass_pairs.rules import START
from zoo.data.glass_pairs.speak import Pair, capital, speak

LANGUAGE = "Lirumo"
"""The second language's name. It is spoken nowhere else."""
LENGTHS = (3, 30)
"""English words, marks not counted, of the shortest and the longest sentences that are drawn by default."""
LONGEST = 60
Part = Literal["train", "valid"]
HELD_OUT = 8
"""One in so many sentences is held out."""
FAR = 6
"""Words between the example's verb and the noun that it agrees with, at least."""


@dataclass(frozen=True)
class GlassPairs:
    """Two languages that say the same, and how long their sentences are."""

    shortest: int = LENGTHS[0]
    """English words, marks not counted."""
    longest: int = LENGTHS[1]

    def __post_init__(self) -> None:
        if not LENGTHS[0] <= self.shortest <= self.longest <= LONGEST:
            raise ValueError(
                f"no sentences have {self.shortest} to {self.longest} words: "
                f"give {LENGTHS[0]} ≤ shortest ≤ longest ≤ {LONGEST}"
            )

    @cached_property
    def fingerprint(self) -> str:
        """Of the lengths, the rules and the dictionary: two with the same one are the same."""
        written = (self.shortest, self.longest, rules.RULES, rules.LETTERS)
        words = (lexicon.NAMES, lexicon.NOUNS, lexicon.VERBS, lexicon.WORDS, lexicon.VOWELS)
        return hashlib.sha256(repr((written, words)).encode()).hexdigest()[:16]

    def pairs(self, count: int, seed: int, length: range | None = None, part: Part | None = None) -> list[Pair]:
        """That many pairs; the same for the same seed, and the first ones of a longer list.

        Each length in `length` (from `shortest` to `longest`, where none is given) is equally likely. `part`
        says whether the sentences are such as corpora train on or such as they hold out: `part_of`. A short
        sentence may come twice.

        Raises:
            ValueError: there are no sentences of such a length.
        """
        return list(islice(self.endless(seed, length, part), count))

    def endless(self, seed: int, length: range | None = None, part: Part | None = None) -> Iterator[Pair]:
        """The pairs of `pairs`, one after the other, without an end."""
        lengths = range(self.shortest, self.longest + 1) if length is None else length
        if not lengths or min(lengths) < LENGTHS[0] or max(lengths) > LONGEST:
            raise ValueError(f"ask for sentences of {LENGTHS[0]} to {LONGEST} words")
        random = Random(seed)
        while True:
            tree, words = self._drawer.sentence(lengths[int(random.random() * len(lengths))], random)
            if part is None or _part(words) == part:
                yield speak(tree, words)

    def translate(self, source: Sequence[str]) -> Pair:
        """A sentence's one translation, with its alignment; a capital at its beginning may be left out.

        Raises:
            ValueError: it is not of the grammar; the message names the word and its place.
        """
        words = _plain(source)
        return speak(Parse(grammar(), words).tree(), words)

    def part_of(self, source: Sequence[str]) -> Part:
        """Whether corpora train on this sentence or hold it out: its own words say so, whatever the seed."""
        return _part(_plain(source))

    def split(self, sentence: str) -> list[str]:
        """The words and marks of a sentence, as the `word` tokenizer cuts it, without their spaces."""
        return text.split(sentence)

    def join(self, words: Iterable[str]) -> str:
        """The text of these words."""
        return text.join(words)

    @cached_property
    def vocabulary(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Every word and mark of English and of Lirumo, each sorted, without a capital at the beginning."""
        return tuple(sorted(self.meanings)), tuple(sorted(set().union(*self.meanings.values())))

    @property
    def meanings(self) -> Mapping[str, frozenset[str]]:
        """Every English word, and the Lirumo words that can stand for it, in all their forms."""
        return grammar().meanings

    @cached_property
    def spellings(self) -> tuple[str, ...]:
        """Every word as a text has it: a capital at the beginning, a space before it elsewhere. For tokenizers."""
        begin = {capital([word])[0] for english in (True, False) for word in grammar().begins(english)}
        inner = {word if word in MARKS else f" {word}" for side in self.vocabulary for word in side}
        return tuple(sorted(begin | inner))

    def count(self, length: int) -> int:
        """How many different English sentences there are of that many words, exactly."""
        return int(self._counted.phrase(START, length))

    def example(self) -> str:
        """An English sentence whose verb stands far from the noun that it agrees with: always the same one."""
        for pair in self.pairs(200, seed=0, length=range(9, 13), part="valid"):
            if pair.source[0] == "The" and max(gaps(pair)) >= FAR:
                return pair.source_text
        raise ValueError("these languages have no sentence whose verb stands far from its noun")

    @cached_property
    def _drawer(self) -> Drawer:
        return Drawer(grammar())

    @cached_property
    def _counted(self) -> Inside:
        return counted(grammar())


def gaps(pair: Pair) -> list[int]:
    """For each Lirumo word that agrees, how many places it stands behind the noun that it agrees with."""
    at = {sources[0]: place for place, sources in reversed(list(enumerate(pair.alignment)))}
    return [place - at[nouns[-1]] for place, nouns in enumerate(pair.agreement) if nouns]


def _plain(source: Sequence[str]) -> list[str]:
    """The first word as the dictionary has it: a name with a capital, all others without."""
    first, rest = "".join(source[:1]), list(source[1:])
    spellings = (first, first[:1].lower() + first[1:], first[:1].upper() + first[1:])
    return [next((each for each in spellings if each in grammar().meanings), first), *rest] if source else []


def _part(words: Sequence[str]) -> Part:
    return "train" if zlib.crc32(" ".join(words).encode()) % HELD_OUT else "valid"


DEFAULT = GlassPairs()
