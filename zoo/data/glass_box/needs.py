"""What settles each word of a story, and how many words back it stands: found by asking "what if".

A word is settled where nothing else could come. What it depends on is found by experiment: a variable is
set to each of its other values, all else as it is, and what could come then is compared. The words before
that tell the variable's value are found in the same way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from zoo.data.glass_box.network import END, UNSET, Draw, Network, Said
from zoo.data.glass_box.reader import Reader

Kind = Literal["chance", "grammar", "near", "far"]
NEAR = 4
"""Words back up to which a need counts as near."""


@dataclass(frozen=True)
class Need:
    """What a word is settled by: nothing yet (chance), the sentence itself (grammar), or a word before it."""

    kind: Kind
    back: int | None = None
    """Near and far: how many words back the nearest words stand that settle it (the last word: 1)."""
    guess: float | None = field(default=None, compare=False)
    """Near and far: how often the best guess is right of one who knows all else, but not what stands `back` words
    back or further of what the word depends on. Every value that this leaves open counts as equally likely."""


@dataclass(frozen=True)
class Mention:
    """A word that tells something of a variable's value."""

    position: int
    rows: frozenset[int]
    """The values that it leaves possible."""


def needs(network: Network, words: Sequence[str]) -> list[Need]:
    """For each word, END included where it is given, what settles it.

    Raises:
        ValueError: the language cannot say these words.
    """
    journal = _Journal(network)
    return [journal.read(word) for word in words]


class _Journal:
    """Reads a story and keeps where each variable was mentioned last."""

    def __init__(self, network: Network) -> None:
        self.reader = Reader(network)
        self.mentions: list[list[Mention]] = [[] for _ in network.names]
        self.apart = _apart(network)
        self.held: list[frozenset[int]] = [frozenset() for _ in network.names]
        """The values that each may hold, or held when the story needed it last."""
        self.position = 0

    def read(self, word: str) -> Need:
        ways = [way for _, way in self.reader.ways()]
        said = [way for way in ways if way.word == word]
        before = self._possible()
        self.held = [now if UNSET not in now else then for now, then in zip(before, self.held, strict=True)]
        what_if = {variable: self._what_if(variable, before[variable]) for variable in _touched(said)}
        need = self._need(what_if) if len(said) == len(ways) else Need("chance")
        self.reader.feed(word)
        if word == END:
            self.held = [frozenset() for _ in self.held]
        self._note(word, before, what_if)
        self.position += 1
        return need

    def _possible(self) -> list[frozenset[int]]:
        """For each variable the values that it may hold after the words so far."""
        columns = zip(*[bindings for _, bindings in self.reader.states], strict=True)
        return [frozenset(column) for column in columns]

    def _what_if(self, variable: int, rows: frozenset[int]) -> dict[int, frozenset[str]]:
        """For each value that the variable could have instead: the words that could come next."""
        if UNSET in rows:
            return {}
        network, found = self.reader.network, dict[int, frozenset[str]]()
        for row in range(network.sizes[variable]):
            states = {(node, (*b[:variable], row, *b[variable + 1 :])) for node, b in self.reader.states}
            found[row] = frozenset(way.word for state in states for way in network.ways(*state))
        return found

    def _need(self, what_if: dict[int, dict[int, frozenset[str]]]) -> Need:
        """Of a settled word: the farthest back of the variables that it depends on."""
        backs = {each: self._back(each, words) for each, words in what_if.items() if len(set(words.values())) > 1}
        if not backs:
            return Need("grammar")
        farthest = max(backs, key=lambda variable: backs[variable])
        back = backs[farthest]
        return Need("near" if back <= NEAR else "far", back, self._guess(farthest, what_if[farthest], back))

    def _guess(self, variable: int, words: dict[int, frozenset[str]], back: int) -> float:
        """The likeliest next word's share, by what stands less than `back` words back and by all other variables."""
        nearer = [mention.rows for mention in self.mentions[variable] if self.position - mention.position < back]
        held = [self.held[other] for other in self.apart[variable] if len(self.held[other]) == 1]
        left = frozenset(words).intersection(*nearer)
        rows = left.difference(*held) or left  # a value that another holds is out, as far as it was drawn apart
        shares: defaultdict[str, float] = defaultdict(float)
        for row in rows:
            for word in words[row]:
                shares[word] += 1 / len(words[row]) / len(rows)
        return max(shares.values())

    def _back(self, variable: int, words: dict[int, frozenset[str]]) -> int:
        """How far back one must look until all values still possible lead to the same next word."""
        rows = frozenset(words)
        for mention in reversed(self.mentions[variable]):
            rows &= mention.rows
            if len({words[row] for row in rows}) == 1:
                return self.position - mention.position
        raise AssertionError("a settled word has been settled by a word before it")

    def _note(self, word: str, before: list[frozenset[int]], what_if: dict[int, dict[int, frozenset[str]]]) -> None:
        """Keep what the word tells: of a variable that it depends on, or whose value it narrows down."""
        for variable, rows in enumerate(self._possible()):
            if UNSET in before[variable] and UNSET not in rows:
                self.mentions[variable] = []  # newly drawn
            told = frozenset(row for row, words in what_if.get(variable, {}).items() if word in words)
            if told and len(told) < self.reader.network.sizes[variable]:
                self.mentions[variable].append(Mention(self.position, told))
            elif UNSET not in rows and rows != before[variable]:
                self.mentions[variable].append(Mention(self.position, rows))


def _apart(network: Network) -> list[set[int]]:
    """For each variable those that never hold the same value at once."""
    found: list[set[int]] = [set() for _ in network.names]
    for node in network.nodes:
        if isinstance(node, Draw):
            for other in node.other_than:
                found[node.variable].add(other)
                found[other].add(node.variable)
    return found


def _touched(ways: Sequence[Said]) -> list[int]:
    """The variables on any of these ways."""
    bits = 0
    for way in ways:
        bits |= way.touched
    return [variable for variable in range(bits.bit_length()) if bits >> variable & 1]
