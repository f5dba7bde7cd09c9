"""Words and text: "Mia had a dog." <-> Mia, had, a, dog, and the full stop."""

from __future__ import annotations

import re
from collections.abc import Iterable

from zoo.data.glass_box.network import END

WORD = re.compile(r"\w+|[^\w\s]")
"""A word, or a mark: what the `word` tokenizer makes one token of, without the space before it."""
SPACED_MARK = re.compile(r" (?=[^\w\s])")


def split(text: str) -> list[str]:
    """The words and punctuation marks of a text; an end-of-text mark in it is END."""
    parts = [WORD.findall(part) for part in text.split(END)]
    words = parts[0]
    for part in parts[1:]:
        words += [END, *part]
    return words


def join(words: Iterable[str]) -> str:
    """One paragraph: a space before each word but the first, none before a mark."""
    return SPACED_MARK.sub("", " ".join(words))
