"""How a typed sentence is built, or where it leaves the grammar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from zoo.data.glass_pairs.grammar import Grammar, Leaf, Node, Rule, is_symbol
from zoo.data.glass_pairs.rules import START

SUGGESTED = 6
"""Words that a refusal names."""


class Parse:
    """Every way in which words can be a sentence: read from the front, each phrase at each place once."""

    def __init__(self, grammar: Grammar, words: Sequence[str]) -> None:
        self._grammar, self._words = grammar, words
        self._known: dict[tuple[str, int], list[tuple[int, Node | Leaf]]] = {}
        self._expected: defaultdict[int, set[str]] = defaultdict(set)
        """Position -> what could stand there, after words that could stand before it."""

    def trees(self) -> list[Node]:
        """The sentence's readings; the grammar gives no sentence more than one."""
        found = self._phrase(START, 0)
        return [tree for end, tree in found if end == len(self._words) and isinstance(tree, Node)]

    def tree(self) -> Node:
        """The sentence's one reading.

        Raises:
            ValueError: it has none; the message names the word and its place.
        """
        trees = self.trees()
        if not trees:
            raise ValueError(self._refusal())
        assert len(trees) == 1
        return trees[0]

    def _phrase(self, symbol: str, at: int) -> list[tuple[int, Node | Leaf]]:
        """Where phrases of this name that begin here can end, and how they are built."""
        if (symbol, at) not in self._known:
            self._known[symbol, at] = list(self._leaves(symbol, at) or self._nodes(symbol, at))
        return self._known[symbol, at]

    def _leaves(self, symbol: str, at: int) -> list[tuple[int, Node | Leaf]]:
        entries = self._grammar.words.get(symbol, ())
        self._expected[at] |= {entry.english for entry in entries}
        here = self._words[at : at + 1]
        return [(at + 1, Leaf(entry, at)) for entry in entries if [entry.english] == list(here)]

    def _nodes(self, symbol: str, at: int) -> Iterator[tuple[int, Node | Leaf]]:
        for rule in self._grammar.rules.get(symbol, ()):
            for end, starts, children in self._items(rule, 0, at):
                yield end, Node(rule, starts, children)

    def _items(
        self, rule: Rule, index: int, at: int
    ) -> Iterator[tuple[int, tuple[int, ...], tuple[Node | Leaf | None, ...]]]:
        """A rule's items from `index` on: where they end, where each begins, and how it is built."""
        if index == len(rule.english):
            yield at, (), ()
            return
        for end, child in self._item(rule.english[index], at):
            for last, starts, children in self._items(rule, index + 1, end):
                yield last, (at, *starts), (child, *children)

    def _item(self, item: str, at: int) -> Sequence[tuple[int, Node | Leaf | None]]:
        if is_symbol(item):
            return self._phrase(item, at)
        self._expected[at].add(item)
        return [(at + 1, None)] if at < len(self._words) and self._words[at] == item else []

    def _refusal(self) -> str:
        if whole := [end for end, _ in self._phrase(START, 0)]:
            return f"the sentence ends at word {max(whole)}, but more follows: translate one sentence at a time"
        at = max(self._expected)
        could = sorted(self._expected[at])
        more = f" or {len(could) - SUGGESTED} more" if len(could) > SUGGESTED else ""
        options = ", ".join(map(repr, could[:SUGGESTED])) + more
        if at == len(self._words):
            return f"the sentence is not finished: as word {at + 1} there could be {options}"
        word = self._words[at]
        if word not in self._grammar.meanings:
            return f"the glass pairs have no word {word!r} (word {at + 1}): there could be {options}"
        return f"the glass pairs cannot say {word!r} as word {at + 1}: there could be {options}"
