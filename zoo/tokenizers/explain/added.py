"""Added tokens: what is cut out of a text before the model sees it, such as <think> or <|user|>.

The library looks for them twice: for some in the text as it was typed, for the others after the normaliser. Special
tokens are found too, but a `Tokenizer` leaves them in the text (its `raw.encode_special_tokens` is set).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from tokenizers import pre_tokenizers

Row = tuple[int | None, int, int]
"""A stretch of a text, start and end: of an added token with this id, or (None) of what lies between."""


@dataclass(frozen=True)
class Added:
    """An added token and its settings, as in `tokenizer.json`."""

    id: int
    content: str
    single_word: bool
    lstrip: bool
    rstrip: bool
    normalized: bool
    special: bool

    @classmethod
    def read(cls, entry: dict[str, Any]) -> Added:
        """From an entry of `added_tokens`."""
        return cls(**{name: entry[name] for name in cls.__dataclass_fields__})


class Finder:
    """Finds some added tokens in a text; of those that begin in one place the longest."""

    def __init__(self, tokens: dict[str, Added]) -> None:
        """The tokens by the text that each is found by.

        Raises:
            ValueError: one of these texts is empty.
        """
        if "" in tokens:
            raise ValueError(f"the normaliser erases the added token {tokens[''].content!r}, so it is found nowhere")
        self.tokens = tokens
        self.has_others = any(not token.special for token in tokens.values())
        by_start = groupby(sorted(tokens), key=lambda pattern: pattern[0])
        self._lengths = {start: sorted({len(each) for each in found}, reverse=True) for start, found in by_start}
        self._starts = re.compile("[" + "".join(map(re.escape, self._lengths)) + "]") if tokens else None

    def finds(self, leave_special: bool) -> bool:
        """Whether there is anything to find."""
        return self.has_others if leave_special else bool(self.tokens)

    def rows(self, text: str, leave_special: bool) -> list[Row]:
        """The text in stretches, in order. They can overlap where one token swallows the blanks of another."""
        rows: list[Row] = []
        done = 0
        if not self.finds(leave_special):
            return [(None, 0, len(text))]
        for token, start, end in self._matches(text):
            if (token.special and leave_special) or (token.single_word and not _stands_alone(text, start, end)):
                continue
            if token.lstrip:
                start = _before_blanks(text, start, done)
            if token.rstrip:
                end = _after_blanks(text, end)
            if done < start:
                rows.append((None, done, start))
            if start < end:  # nothing is left of one whose blanks were swallowed before
                rows.append((token.id, start, end))
            done = end
        return [*rows, (None, done, len(text))] if done < len(text) else rows

    def _matches(self, text: str) -> Iterator[tuple[Added, int, int]]:
        """All tokens from left to right; none begins inside of another."""
        at = 0
        while self._starts is not None and (found := self._starts.search(text, at)):
            at = found.start()
            pieces = (text[at : at + length] for length in self._lengths[text[at]])
            if longest := next((piece for piece in pieces if piece in self.tokens), ""):
                yield self.tokens[longest], at, at + len(longest)
            at += len(longest) or 1


def _before_blanks(text: str, start: int, done: int) -> int:
    while start > done and text[start - 1] in _BLANKS:
        start -= 1
    return max(start, done)


def _after_blanks(text: str, end: int) -> int:
    while end < len(text) and text[end] in _BLANKS:
        end += 1
    return end


def _stands_alone(text: str, start: int, end: int) -> bool:
    return (start == 0 or not _in_words(text[start - 1])) and (end == len(text) or not _in_words(text[end]))


@cache
def _in_words(char: str) -> bool:
    """Whether the library counts this character among those that words are made of; it is asked."""
    return [piece for piece, _ in _WORDS.pre_tokenize_str(f"a{char}")] == [f"a{char}"]


_WORDS = pre_tokenizers.Whitespace()
_BLANKS = set(
    map(chr, [*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000])
)
"""Unicode's White_Space; Python's own `str.isspace` has four more."""
