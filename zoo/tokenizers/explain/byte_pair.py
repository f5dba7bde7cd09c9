"""Byte-pair encoding of a word: of all neighbours that the tokenizer can merge, again and again the lowest rank first.

Where a rank stands twice, the leftmost pair is merged first (Sennrich et al. 2016). A queue of the pairs that wait
keeps this quick: each merge looks at its two new neighbours only, so a long word takes n log n steps and not n².
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from zoo.tokenizers.explain.lookup import no_unknown

Symbol = tuple[int, int]
"""An id, and how many bytes of the word it stands for."""
Done = tuple[int, int, int, int]
"""A merge: place of the left symbol among the first symbols, rank, ids of the left and the right symbol."""


@dataclass(frozen=True)
class BytePair:
    """A vocabulary, and the merges that lead to it."""

    vocab: dict[str, int]
    merges: dict[tuple[int, int], tuple[int, int]]
    """Two ids -> rank, id of the merged symbol."""
    unknown: str | None
    inside: str
    """What stands before each character that isn't the first of its word."""
    last: str
    """What stands behind the last character of a word."""
    fuse_unknown: bool
    byte_fallback: bool
    whole_words: bool
    """Whether a word that the vocabulary has is taken as it is."""

    @classmethod
    def read(cls, model: dict[str, Any]) -> BytePair:
        """From the part `model` of a `tokenizer.json`.

        Raises:
            ValueError: it drops merges at random.
        """
        if model.get("dropout"):
            raise ValueError("this tokenizer drops merges at random, so there is no one way to its tokens")
        vocab, inside = model["vocab"], model.get("continuing_subword_prefix") or ""
        return cls(
            vocab,
            _read_merges(vocab, model["merges"], len(inside.encode())),
            model.get("unk_token"),
            inside,
            model.get("end_of_word_suffix") or "",
            model.get("fuse_unk", False),
            model.get("byte_fallback", False),
            model.get("ignore_merges", False),
        )

    def ids(self, word: str) -> list[int]:
        """The ids of the word's tokens.

        Raises:
            ValueError: the unknown token is needed, and is not in the vocabulary.
        """
        if self.whole_words and word in self.vocab:
            return [self.vocab[word]]
        chain = Chain([token_id for token_id, _ in self.symbols(word)])
        for _ in chain.merge(self.merges):
            pass
        return chain.symbols()

    def symbols(self, word: str) -> Iterator[Symbol]:
        """What the merging begins with: characters, their bytes, or the unknown token."""
        unknown: Symbol | None = None
        for char, name in zip(word, self.names(word), strict=True):
            size = len(char.encode())
            if (found := self.vocab.get(name)) is not None:
                if unknown:
                    yield unknown
                unknown = None
                yield found, size
            elif in_bytes := self.in_bytes(name):
                yield from ((each, 1) for each in in_bytes)  # the library puts these before an unknown that waits
            elif self.unknown is not None:
                if unknown and not self.fuse_unknown:
                    yield unknown
                    unknown = None
                unknown = (self._unknown(char), size + (unknown[1] if unknown else 0))
        if unknown:
            yield unknown

    def names(self, word: str) -> Iterator[str]:
        """How each character would stand in the vocabulary."""
        for i, char in enumerate(word):
            yield (self.inside if i else "") + char + (self.last if i == len(word) - 1 else "")

    def in_bytes(self, name: str) -> list[int]:
        """The tokens that write these bytes one by one; none unless the tokenizer does that and has them all."""
        if not self.byte_fallback:
            return []
        found = [self.vocab.get(f"<0x{byte:02X}>") for byte in name.encode()]
        return [each for each in found if each is not None] if None not in found else []

    def _unknown(self, char: str) -> int:
        if self.unknown not in self.vocab:
            raise no_unknown(char)
        return self.vocab[self.unknown]


class Chain:
    """Symbols side by side; each knows its neighbours, so that two can become one without moving the rest."""

    def __init__(self, ids: list[int]) -> None:
        self._ids = list(ids)
        """-1 where a symbol was merged into the one before it."""
        self._before = list(range(-1, len(ids) - 1))
        self._after = [*range(1, len(ids)), -1] if ids else []

    def symbols(self) -> list[int]:
        """The ids as they stand now."""
        return [each for each in self._ids if each >= 0]

    def at(self, place: int) -> int:
        """The index of the symbol that stands at this place of the first symbols."""
        return sum(each >= 0 for each in self._ids[:place])

    def merge(self, merges: dict[tuple[int, int], tuple[int, int]]) -> Iterator[Done]:
        """Do all merges, one at a time."""
        ids, before, after = self._ids, self._before, self._after
        queue: list[tuple[int, int, int]] = []
        for place, pair in enumerate(pairwise(ids)):
            _wait(queue, merges, pair, place)
        while queue:
            _, place, merged = heapq.heappop(queue)
            left, gone = ids[place], after[place]
            if left < 0 or gone < 0:
                continue
            right = ids[gone]
            rank, now = merges.get((left, right), (-1, -1))
            if now != merged:
                continue  # it waited since before a neighbour changed
            ids[place], ids[gone] = merged, -1
            after[place] = behind = after[gone]
            if behind >= 0:
                before[behind] = place
                _wait(queue, merges, (merged, ids[behind]), place)
            if before[place] >= 0:
                _wait(queue, merges, (ids[before[place]], merged), before[place])
            yield place, rank, left, right


def _wait(
    queue: list[tuple[int, int, int]],
    merges: dict[tuple[int, int], tuple[int, int]],
    pair: tuple[int, int],
    place: int,
) -> None:
    if (found := merges.get(pair)) is not None:
        heapq.heappush(queue, (found[0], place, found[1]))


def _read_merges(
    vocab: dict[str, int], merges: list[str] | list[list[str]], inside: int
) -> dict[tuple[int, int], tuple[int, int]]:
    """Older files write a merge as one text with a space in it. A right symbol loses its mark of being inside."""
    read = {}
    for rank, entry in enumerate(merges):
        left, right = entry.split(" ") if isinstance(entry, str) else entry
        merged = left + (right.encode()[inside:].decode(errors="replace") if inside else right)
        read[vocab[left], vocab[right]] = rank, vocab[merged]
    return read
