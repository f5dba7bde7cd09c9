"""Byte-pair encoding learned step by step, in the open (Sennrich et al. 2016); the lesson behind `bpe` and `bpe-char`.

Cut the text into words, and each word into its smallest symbols. Count which two symbols stand side by side.
Write the most frequent pair as one new symbol, everywhere. Count again, and so on: each step adds one token to the
vocabulary. The merges equal those of the library's trainer, one for one; the page "Training, watched" compares them.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from tokenizers import models

from zoo.tokenizers.tokenizer import Tokenizer
from zoo.tokenizers.train import UNKNOWN, Kind, train_tokenizer

Level = Literal["byte", "character"]
"""What the smallest symbols are."""
Pair = tuple[int, int]
"""Two ids whose tokens stand side by side."""
KIND_OF: dict[Level, Kind] = {"byte": "bpe", "character": "bpe-char"}


@dataclass(frozen=True)
class Candidate:
    """A pair that could be merged."""

    left: int
    right: int
    count: int
    """How often the two stand side by side in the text."""


@dataclass(frozen=True)
class Step:
    """One step of the training."""

    left: int
    right: int
    count: int
    token: int
    """The new token's id."""
    candidates: list[Candidate]
    """The most frequent pairs before this merge, in the order of the choice: the first of them is merged."""
    tied: int
    """How many other pairs stand side by side just as often. The lower id of the left token decides, then the right."""
    different: int
    """How many different pairs there were before this merge."""
    before: int
    """Tokens of the text before this merge."""
    after: int


@dataclass(frozen=True)
class Learned:
    """What was learned from a text, and how."""

    level: Level
    words: dict[str, int]
    """The words that the text is cut into, each with how often it occurs; bytes are written as the library does."""
    vocabulary: list[str]
    """The name of each token, by its id; those that the steps added come last."""
    steps: list[Step]

    @property
    def start(self) -> int:
        """How many tokens there were before the first step."""
        return len(self.vocabulary) - len(self.steps)

    @property
    def merges(self) -> list[tuple[str, str]]:
        """The pairs that were merged, in order."""
        return [(self.vocabulary[step.left], self.vocabulary[step.right]) for step in self.steps]

    def cut(self, word: str, steps: int) -> list[int]:
        """A word's tokens after so many steps: the merges are done in the order in which they were learned."""
        ids = {name: i for i, name in enumerate(self.vocabulary)}
        symbols = [ids[char] for char in word]
        for step in self.steps[:steps]:
            symbols, _ = _merged(symbols, (step.left, step.right), step.token)
        return symbols

    def tokenizer(self) -> Tokenizer:
        """A tokenizer with these merges, as the library would run it."""
        raw = _blank(self.level).raw
        unknown = UNKNOWN if self.level == "character" else None
        vocab = {name: i for i, name in enumerate(self.vocabulary)}
        raw.model = models.BPE(vocab=vocab, merges=self.merges, unk_token=unknown)
        return Tokenizer(raw)


def learn(texts: Iterable[str], merges: int, level: Level = "byte", most: int = 10) -> Learned:
    """Learn at most so many merges; fewer where the words run out of pairs.

    Args:
        texts: the corpus; no word reaches over the end of a text.
        merges: how many steps to take.
        level: whether the smallest symbols are bytes or characters.
        most: how many candidates each step keeps.

    Raises:
        ValueError: `merges` is negative, the level is unknown, or a text is not valid Unicode.
    """
    if merges < 0:
        raise ValueError(f"the number of merges is 0 or more, not {merges}")
    words = count_words(texts, level)
    vocabulary = _smallest(words, level)
    ids = {name: i for i, name in enumerate(vocabulary)}
    symbols = [[ids[char] for char in word] for word in words]
    pairs = _Pairs(symbols, list(words.values()))
    tokens = sum(len(word) * n for word, n in words.items())
    steps: list[Step] = []
    while len(steps) < merges and pairs.counts:
        candidates = pairs.most_frequent(max(most, 1))
        chosen = candidates[0]
        tied = sum(count == chosen.count for count in pairs.counts.values()) - 1
        left, right, token, different = chosen.left, chosen.right, len(vocabulary), len(pairs.counts)
        vocabulary.append(vocabulary[left] + vocabulary[right])
        after = tokens - pairs.merge((left, right), token)
        steps.append(Step(left, right, chosen.count, token, candidates, tied, different, tokens, after))
        tokens = after
    return Learned(level, dict(words), vocabulary, steps)


class _Pairs:
    """How often each pair occurs, and in which words; a merge recounts only what stands beside it."""

    def __init__(self, symbols: list[list[int]], often: Sequence[int]) -> None:
        self.symbols, self.often = symbols, often
        self.counts: Counter[Pair] = Counter()
        self.where: defaultdict[Pair, set[int]] = defaultdict(set)
        for i, word in enumerate(symbols):
            self._count(i, Counter(pairwise(word)))

    def most_frequent(self, most: int) -> list[Candidate]:
        """The most frequent pairs; of equally frequent ones the lower ids come first."""
        best = heapq.nsmallest(most, ((-count, pair) for pair, count in self.counts.items()))
        return [Candidate(*pair, -count) for count, pair in best]

    def merge(self, pair: Pair, token: int) -> int:
        """Write this pair as one token wherever it stands; returns by how many tokens the text got shorter."""
        shorter = 0
        for i in self.where[pair].copy():
            length = len(self.symbols[i])
            self.symbols[i], changes = _merged(self.symbols[i], pair, token)
            shorter += (length - len(self.symbols[i])) * self.often[i]
            self._count(i, changes)
        return shorter

    def _count(self, i: int, changes: Counter[Pair]) -> None:
        """Word `i` now has so many more, or fewer, of these pairs; a word counts as often as it occurs."""
        for pair, change in changes.items():
            self.counts[pair] += change * self.often[i]
            if change > 0:
                self.where[pair].add(i)
            if self.counts[pair] == 0:
                del self.counts[pair]
                self.where.pop(pair, None)


def _merged(symbols: list[int], pair: Pair, token: int) -> tuple[list[int], Counter[Pair]]:
    """The symbols with this pair merged, from left to right, and by how much the counts of pairs change.

    With (a, a) as A, "a a a b" becomes "A a b": what overlaps is merged once.
    """
    left, right = pair
    merged: list[int] = []
    changes: Counter[Pair] = Counter()
    i = 0
    while i < len(symbols):
        if symbols[i] != left or symbols[i + 1 : i + 2] != [right]:
            merged.append(symbols[i])
            i += 1
            continue
        changes[pair] -= 1
        if merged:
            changes[merged[-1], left] -= 1
            changes[merged[-1], token] += 1
        if i + 2 < len(symbols):
            changes[right, symbols[i + 2]] -= 1
            changes[token, symbols[i + 2]] += 1
        merged.append(token)
        i += 2
    return merged, changes


def count_words(texts: Iterable[str], level: Level) -> Counter[str]:
    """The words of the texts and how often each occurs, cut as our tokenizers of this level cut them.

    Raises:
        ValueError: the level is unknown, or a text is not valid Unicode.
    """
    cutter = _blank(level).raw.pre_tokenizer
    assert cutter is not None
    counts: Counter[str] = Counter()
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"the text is not valid Unicode at character {error.start}") from error
        counts.update(word for word, _ in cutter.pre_tokenize_str(text))
    return counts


def library_merges(texts: Sequence[str], merges: int, level: Level) -> list[tuple[str, str]]:
    """The merges that the library's own trainer chooses on these texts."""
    size = len(_smallest(count_words(texts, level), level)) + merges
    trained = train_tokenizer(KIND_OF[level], texts, max(size, 4))
    found = json.loads(trained.raw.to_str())["model"]["merges"]
    return [(left, right) for left, right in found][:merges]


def _blank(level: Level) -> Tokenizer:
    """Our tokenizer of this level that was trained on nothing."""
    if level not in KIND_OF:
        raise ValueError(f"unknown level {level!r}; choose one of {', '.join(KIND_OF)}")
    return train_tokenizer(KIND_OF[level], [], 257)


def _smallest(words: Iterable[str], level: Level) -> list[str]:
    """The vocabulary before the first merge: the special tokens, then each byte or character by its code."""
    vocab = _blank(level).raw.get_vocab()
    known = sorted(vocab, key=vocab.__getitem__)
    return known + sorted({char for word in words for char in word} - vocab.keys())
