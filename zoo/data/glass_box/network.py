"""The states of a language: a program's lines laid out as nodes, which say a word, draw, or decide.

A hidden state of a story is a node and what its variables hold. `Network.moves` is the meaning of every
node, written once; the reader, the needs and the entropy rate are worked out from it. (The sampler has
its own loop, for speed; tests hold the two against each other.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

END = "<|endoftext|>"
"""Stands for a story's end; the same word as the tokenizers' end-of-text token."""

UNSET = -1
Bindings = tuple[int, ...]
"""For each variable the row of its table that it holds, or UNSET."""


@dataclass(frozen=True, slots=True)
class Say:
    """A word that is always the same."""

    word: str
    then: int


@dataclass(frozen=True, slots=True)
class Recall:
    """A variable's value is said in one of its forms."""

    variable: int
    words: tuple[str, ...]
    then: int


@dataclass(frozen=True, slots=True)
class Draw:
    """A variable gets a value, each of its table's rows equally likely but those that others hold."""

    variable: int
    words: tuple[str, ...]
    """What is said for each row; empty for a draw in silence."""
    rows: tuple[int, ...]
    other_than: tuple[int, ...]
    then: int

    def options(self, bindings: Bindings) -> tuple[int, ...]:
        """The rows that may be drawn."""
        if not self.other_than:
            return self.rows
        taken = [bindings[other] for other in self.other_than]
        return tuple(row for row in self.rows if row not in taken)


@dataclass(frozen=True, slots=True)
class Choose:
    """One of several ways is taken."""

    arms: tuple[tuple[float, int], ...]
    """The probability of each way, and where it leads."""


@dataclass(frozen=True, slots=True)
class Follow:
    """The way is that of the variable's value."""

    variable: int
    then: tuple[int, ...]
    """For each row of its table."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The story ends."""


Node = Say | Recall | Draw | Choose | Follow | Stop


class Move(NamedTuple):
    """One thing that can happen in a state."""

    prob: float
    word: str
    """What is said; "" for nothing."""
    then: int
    bindings: Bindings


class Said(NamedTuple):
    """One way to the next word."""

    prob: float
    word: str
    then: int
    bindings: Bindings
    touched: int
    """The variables on the way, as bits: drawn, said, or asked for which way to go."""


@dataclass(frozen=True)
class Network:
    """Nodes, each before all that come after it in a story: a node's followers have lower numbers."""

    nodes: tuple[Node, ...]
    start: int
    names: tuple[str, ...]
    """The variables, in the order of the bindings."""
    sizes: tuple[int, ...]
    """How many values each has."""
    tables: tuple[int, ...]
    """For each the first variable that has the same table."""
    live: tuple[int, ...]
    """For each node the variables, as bits, whose values can still matter from it on."""

    @property
    def blank(self) -> Bindings:
        """Nothing is known yet."""
        return (UNSET,) * len(self.names)

    def moves(self, number: int, bindings: Bindings) -> list[Move]:
        """All that can happen in a state. After the end a new story begins."""
        node = self.nodes[number]
        if isinstance(node, Say):
            return [Move(1.0, node.word, node.then, bindings)]
        if isinstance(node, Recall):
            return [Move(1.0, node.words[bindings[node.variable]], node.then, bindings)]
        if isinstance(node, Choose):
            return [Move(prob, "", then, bindings) for prob, then in node.arms]
        if isinstance(node, Follow):
            return [Move(1.0, "", node.then[bindings[node.variable]], bindings)]
        if isinstance(node, Draw):
            rows, before, after = node.options(bindings), bindings[: node.variable], bindings[node.variable + 1 :]
            prob, words = 1 / len(rows), node.words
            return [Move(prob, words[row] if words else "", node.then, (*before, row, *after)) for row in rows]
        return [Move(1.0, END, self.start, self.blank)]

    def ways(self, number: int, bindings: Bindings) -> list[Said]:
        """Every way from a state to the next word."""
        found: list[Said] = []
        stack = [(1.0, number, bindings, 0)]
        while stack:
            before, number, bindings, touched = stack.pop()
            node = self.nodes[number]
            if isinstance(node, Choose):  # as `moves` has it, without the detour: most ways lead through one
                stack += [(before * prob, then, bindings, touched) for prob, then in node.arms]
                continue
            touched |= touches(node)
            for prob, word, then, after in self.moves(number, bindings):
                if word:
                    found.append(Said(before * prob, word, then, after, touched))
                else:
                    stack.append((before * prob, then, after, touched))
        return found

    def forget(self, node: int, bindings: Bindings) -> Bindings:
        """Without the values that cannot matter any more."""
        live = self.live[node]
        return tuple([row if live >> i & 1 else UNSET for i, row in enumerate(bindings)])

    def words(self) -> set[str]:
        """Every word that can be said, END included."""
        found = {END}
        for node in self.nodes:
            match node:
                case Say(word, _):
                    found.add(word)
                case Recall(_, words, _) | Draw(_, words, _, _, _):
                    found.update(words)
        return found


def touches(node: Node) -> int:
    """The variable that a node says, draws or asks, as a bit."""
    return 1 << node.variable if isinstance(node, Recall | Draw | Follow) else 0


def needed(node: Node) -> int:
    """The variables, as bits, that must have a value here."""
    match node:
        case Recall(variable, _, _) | Follow(variable, _):
            return 1 << variable
        case Draw(_, _, _, other_than, _):
            return sum(1 << other for other in other_than)
        case _:
            return 0


def followers(node: Node) -> tuple[int, ...]:
    """Where a node can lead."""
    match node:
        case Say(_, then) | Recall(_, _, then) | Draw(_, _, _, _, then):
            return (then,)
        case Choose(arms):
            return tuple(then for _, then in arms)
        case Follow(_, targets):
            return targets
        case Stop():
            return ()


def liveness(nodes: Iterable[Node]) -> tuple[int, ...]:
    """For each node the variables, as bits, that are needed from it on before they are drawn anew."""
    live: list[int] = []
    for node in nodes:
        later = 0
        for then in followers(node):
            later |= live[then]
        if isinstance(node, Draw):
            later &= ~(1 << node.variable)
        live.append(later | needed(node))
    return tuple(live)
