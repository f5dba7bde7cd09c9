"""Drawing English sentences of an exact length, and counting how many there are.

A sentence's weight is the product of its rules' probabilities. For every phrase and length the weights of all
such phrases are summed once (the inside weights: Baker 1979). Then a sentence is drawn rule by rule, each
choice in proportion to the weight of all that can follow from it at the length that is left.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from random import Random
from typing import NamedTuple

from zoo.data.glass_pairs.grammar import MARKS, Entry, Grammar, Leaf, Node, Rule, is_symbol
from zoo.data.glass_pairs.rules import START


class Inside:
    """Sums over all phrases of a symbol and a length, each worked out once."""

    def __init__(
        self, grammar: Grammar, rule: Callable[[Rule], float], words: Callable[[tuple[Entry, ...]], float]
    ) -> None:
        self._grammar, self._rule, self._words = grammar, rule, words
        self._phrases: dict[tuple[str, int], float] = {}

    def phrase(self, symbol: str, length: int) -> float:
        """The sum over every phrase of `length` words, marks not counted."""
        if entries := self._grammar.words.get(symbol):
            return self._words(entries) if length == 1 else 0
        if (symbol, length) not in self._phrases:
            self._phrases[symbol, length] = sum(weight for _, _, weight in self.ways(symbol, length))
        return self._phrases[symbol, length]

    def ways(self, symbol: str, length: int) -> Iterator[tuple[Rule, tuple[int, ...], float]]:
        """Each rule with the lengths that its items can have, and the sum over what is made in that way."""
        for rule in self._grammar.rules[symbol]:
            for lengths, weight in self._splits(rule.english, length):
                yield rule, lengths, weight * self._rule(rule)

    def _splits(self, items: tuple[str, ...], length: int) -> Iterator[tuple[tuple[int, ...], float]]:
        if not items:
            if length == 0:
                yield (), 1
            return
        first, rest = items[0], items[1:]
        for here in self._lengths(first, rest, length):
            weight = self.phrase(first, here) if is_symbol(first) else 1
            if weight:
                yield from (((here, *lengths), weight * more) for lengths, more in self._splits(rest, length - here))

    def _lengths(self, first: str, rest: tuple[str, ...], length: int) -> Sequence[int]:
        """What `first` can have of `length` words, where each of the rest needs one at least."""
        if first not in self._grammar.rules:
            return (int(first not in MARKS),)
        most = length - sum(item not in MARKS for item in rest)
        free = any(item in self._grammar.rules for item in rest)
        return range(1 if free else max(1, most), most + 1)


def counted(grammar: Grammar) -> Inside:
    """Counts phrases: with `START`, how many sentences there are of a length."""
    return Inside(grammar, lambda rule: 1, len)


class Drawn(NamedTuple):
    """An English sentence."""

    tree: Node
    words: list[str]
    """Without a capital at its beginning."""


class Drawer:
    """Draws from a grammar; deterministic given the random numbers."""

    def __init__(self, grammar: Grammar) -> None:
        self._words = grammar.words
        totals = {symbol: sum(rule.weight for rule in rules) for symbol, rules in grammar.rules.items()}
        self._inside = Inside(grammar, lambda rule: rule.weight / totals[rule.symbol], lambda entries: 1)
        self._known: dict[tuple[str, int], _Choice] = {}

    def sentence(self, length: int, random: Random) -> Drawn:
        """A sentence of `length` words, marks not counted."""
        words: list[str] = []
        return Drawn(self._phrase(START, length, random, words), words)

    def _phrase(self, symbol: str, length: int, random: Random, words: list[str]) -> Node:
        choice = self._known.get((symbol, length)) or self._choice(symbol, length)
        rule, items = choice.ways[bisect_right(choice.thresholds, random.random())]
        at, children = list[int](), list[Node | Leaf | None]()
        for item, entries, each in items:
            here = len(words)
            at.append(here)
            if entries:
                entry = entries[int(random.random() * len(entries))]
                words.append(entry.english)
                children.append(Leaf(entry, here))
            elif each is None:
                words.append(item)
                children.append(None)
            else:
                children.append(self._phrase(item, each, random, words))
        return Node(rule, tuple(at), tuple(children))

    def _choice(self, symbol: str, length: int) -> _Choice:
        rules, lengths, weights = zip(*self._inside.ways(symbol, length), strict=True)
        total = sum(weights)
        thresholds = tuple(accumulate(weight / total for weight in weights))[:-1]
        ways = tuple((rule, self._items(rule, each)) for rule, each in zip(rules, lengths, strict=True))
        return self._known.setdefault((symbol, length), _Choice(thresholds, ways))

    def _items(self, rule: Rule, lengths: tuple[int, ...]) -> tuple[_Item, ...]:
        return tuple(
            (item, self._words.get(item), each if is_symbol(item) else None)
            for item, each in zip(rule.english, lengths, strict=True)
        )


_Item = tuple[str, tuple[Entry, ...] | None, int | None]
"""A phrase with its length, or a list of words with these, or a word."""


class _Choice(NamedTuple):
    thresholds: tuple[float, ...]
    """Below which each way but the last is taken."""
    ways: tuple[tuple[Rule, tuple[_Item, ...]], ...]
