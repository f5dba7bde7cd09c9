"""The rules and the dictionary, read: a synchronous grammar. Used by `draw`, `parse` and `speak`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import NamedTuple

from zoo.data.glass_pairs import lexicon
from zoo.data.glass_pairs.rules import LETTERS, RULES, START

MARKS = frozenset(".,")
"""Tokens that are no words."""
AGREES = "~"
_BRACKETS = re.compile(r"\[([\w,]+)\]")


@dataclass(frozen=True, eq=False)
class Entry:
    """A word of the dictionary."""

    english: str
    target: str
    """In Lirumo; `~` where it agrees."""
    vowel: str = ""
    """By which others agree with it, where it is a noun."""


@dataclass(frozen=True)
class Spoken:
    """One part of a rule's Lirumo side: a phrase, or a word."""

    phrase: int | None
    """Which item of the English side it is; None for a word."""
    word: str
    """May have a `~`."""
    sources: tuple[int, ...]
    """Items of the English side that the word comes from."""
    noun: int | None
    """The item with whose noun the phrase agrees; None for the one that its surroundings agree with."""


@dataclass(frozen=True, eq=False)
class Rule:
    """One way of making a phrase, in both languages."""

    symbol: str
    weight: float
    english: tuple[str, ...]
    """Phrases, lists of words (both begin with a capital) and words."""
    target: tuple[Spoken, ...]
    nouns: tuple[int, ...]
    """Items with the nouns of the phrase: two of them are several."""


class Leaf(NamedTuple):
    """A word of a sentence."""

    entry: Entry
    at: int
    """Its position."""


class Node(NamedTuple):
    """A phrase of a sentence."""

    rule: Rule
    at: tuple[int, ...]
    """Where in the sentence each item of the English side begins."""
    children: tuple[Node | Leaf | None, ...]
    """None for an item that is said as it is written."""


class Grammar:
    """Rules and words by their symbols."""

    def __init__(self, rules: str) -> None:
        self.rules: dict[str, tuple[Rule, ...]] = _read(rules)
        self.words: dict[str, tuple[Entry, ...]] = _dictionary()
        for symbol in {item for each in self.rules.values() for rule in each for item in rule.english}:
            if is_symbol(symbol) and symbol not in self.rules and symbol not in self.words:
                raise ValueError(f"the rules name {symbol}, which is neither a phrase nor a list of words")

    @cached_property
    def meanings(self) -> dict[str, frozenset[str]]:
        """Every English word and what can stand for it in Lirumo, in every form that is ever said."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        seen, ahead = {(START, "")}, [(START, "")]
        while ahead:
            symbol, vowel = ahead.pop()
            for entry in self.words.get(symbol, ()):
                found[entry.english].add(entry.target.replace(AGREES, vowel))
            for rule in self.rules.get(symbol, ()):
                for english, said in self._said(rule):
                    found[english] |= {said.replace(AGREES, vowel)} - {""}
                fresh = self._phrases(rule, vowel) - seen
                seen |= fresh
                ahead += fresh
        return {english: frozenset(said) for english, said in found.items()}

    def vowels(self, symbol: str) -> frozenset[str]:
        """By which others can agree with a phrase."""
        if entries := self.words.get(symbol):
            return frozenset(entry.vowel for entry in entries)
        one = [rule.english[rule.nouns[0]] for rule in self.rules[symbol] if len(rule.nouns) == 1]
        several = any(len(rule.nouns) > 1 for rule in self.rules[symbol])
        return frozenset({lexicon.MANY} if several else ()).union(*map(self.vowels, one))

    def _phrases(self, rule: Rule, vowel: str) -> set[tuple[str, str]]:
        """The phrases of a rule, with the vowels by which words in them can agree."""
        return {
            (rule.english[part.phrase], each)
            for part in rule.target
            if part.phrase is not None
            for each in ({vowel} if part.noun is None else self.vowels(rule.english[part.noun]))
        }

    def _said(self, rule: Rule) -> Iterator[tuple[str, str]]:
        """Each English word that a rule says, and each that it aligns, with a Lirumo word that it comes to."""
        yield from ((item, "") for item in rule.english if not is_symbol(item))
        for part in rule.target:
            for item in (rule.english[source] for source in part.sources):
                english = [entry.english for entry in self.words[item]] if is_symbol(item) else [item]
                yield from ((each, part.word) for each in english)

    def begins(self, english: bool) -> frozenset[str]:
        """The words that a sentence can begin with, in English or in Lirumo."""
        seen, ahead, found = {START}, [START], set[str]()
        while ahead:
            symbol = ahead.pop()
            found |= {entry.english if english else entry.target for entry in self.words.get(symbol, ())}
            firsts = {_first(rule, english) for rule in self.rules.get(symbol, ())}
            found |= {item for item in firsts if not is_symbol(item)}
            fresh = {item for item in firsts if is_symbol(item)} - seen
            seen |= fresh
            ahead += fresh
        return frozenset(found)


def _first(rule: Rule, english: bool) -> str:
    """A rule's first item. No phrase that begins a sentence is said in silence, or begins with a word that agrees."""
    if english:
        return rule.english[0]
    part = rule.target[0]
    return part.word if part.phrase is None else rule.english[part.phrase]


def is_symbol(item: str) -> bool:
    """Whether it is a phrase or a list of words, and not a word."""
    return item[0].isupper()


def _read(rules: str) -> dict[str, tuple[Rule, ...]]:
    found: defaultdict[str, list[Rule]] = defaultdict(list)
    symbol = ""
    for line in re.sub(r"\n +->", " ->", rules).splitlines():  # a long line may go on at its arrow
        if line.startswith(" "):
            for rule in _rules(symbol, line):
                found[rule.symbol].append(rule)
        elif line:
            symbol = line.strip()
    return {symbol: tuple(each) for symbol, each in found.items()}


def _rules(symbol: str, line: str) -> list[Rule]:
    """All rules of a line, which share its weight; a letter of the phrase's own name has a line for itself."""
    left, right = line.split("->")
    weight, *english = left.split()
    own = _letters(symbol)
    others = sorted(_letters(left) - own)
    ways = [dict(zip(others, kinds, strict=True)) for kinds in product(*(LETTERS[each] for each in others))]
    rules = []
    for kinds in product(*(LETTERS[each] for each in sorted(own))):
        fixed = dict(zip(sorted(own), kinds, strict=True))
        rules += [_rule(symbol, float(weight) / len(ways), english, right.split(), fixed | way) for way in ways]
    return rules


def _letters(text: str) -> set[str]:
    return {letter for group in _BRACKETS.findall(text) for letter in group.split(",") if letter in LETTERS}


def _rule(symbol: str, weight: float, english: list[str], target: list[str], kinds: dict[str, str]) -> Rule:
    nouns = tuple(english.index(part[1:]) for part in target if part.startswith("*"))
    spoken = tuple(_spoken(part.removeprefix("*"), english) for part in target)
    return Rule(_filled(symbol, kinds), weight, tuple(_filled(item, kinds) for item in english), spoken, nouns)


def _filled(item: str, kinds: dict[str, str]) -> str:
    """ "Bare[b,n]1" -> "Bare[person,one]" """
    if not is_symbol(item):
        return item
    return _BRACKETS.sub(
        lambda group: f"[{','.join(kinds.get(letter, letter) for letter in group[1].split(','))}]",
        item.rstrip("12"),
    )


def _spoken(part: str, english: list[str]) -> Spoken:
    phrase, _, noun = part.partition("<")
    if phrase in english and is_symbol(phrase):
        return Spoken(english.index(phrase), "", (), english.index(noun) if noun else None)
    word, _, sources = part.partition("/")
    return Spoken(None, word, tuple(english.index(source) for source in sources.split("+")), None)


def _dictionary() -> dict[str, tuple[Entry, ...]]:
    words = {"Name": tuple(Entry(name, name, lexicon.VOWELS["person"]) for name in lexicon.NAMES)}
    for kind, text in lexicon.NOUNS.items():
        rows = _rows(text)
        words[f"Noun[{kind},one]"] = tuple(Entry(one, said, lexicon.VOWELS[kind]) for one, _, said in rows)
        words[f"Noun[{kind},many]"] = tuple(Entry(many, said, lexicon.MANY) for _, many, said in rows)
    for kind, text in lexicon.VERBS.items():
        rows = _rows(text)
        words[f"Base[{kind}]"] = tuple(Entry(plain, said) for plain, _, said in rows)
        words[f"Past[{kind}]"] = tuple(Entry(past, said) for _, past, said in rows)
    for symbol, text in lexicon.WORDS.items():
        words[symbol] = tuple(Entry(*each.split()) for each in text.split(","))
    return words


def _rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]


@lru_cache(maxsize=1)
def grammar() -> Grammar:
    """The one grammar, read once."""
    return Grammar(RULES)
