"""One tokenizer on every preset: what it costs there, what is lost, how letters and numbers are cut.

The page Tokenizers draws a small matrix from it, and checks its claims on "when to choose which" with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import digits

from zoo.tokenizers.presets import PRESETS
from zoo.tokenizers.round_trip import compare
from zoo.tokenizers.tokenizer import Encoding, Tokenizer
from zoo.tokenizers.unknown import Span, covered, unknown_spans, unread


@dataclass(frozen=True)
class Cost:
    """A tokenizer on one preset."""

    characters: int
    tokens: int
    characters_per_token: float | None
    """None where there are no tokens."""
    single: int
    """Tokens that stand for exactly one character, shared with no other token."""
    unread: int
    """Characters that became unknown or were left out."""
    lossless: bool
    lost: list[str]
    """The sorts of what was lost, the most frequent first (`zoo.tokenizers.losses.SORTS`)."""
    numbers: list[Number]
    """Each run of digits in the text."""


@dataclass(frozen=True)
class Number:
    """How a run of digits was cut."""

    digits: str
    pieces: list[int]
    """How many of the digits each token holds; empty where the run was not read."""


def across(tokenizer: Tokenizer) -> dict[str, Cost]:
    """Name of a preset -> what the tokenizer makes of it."""
    return {name: cost(tokenizer, preset.text) for name, preset in PRESETS.items()}


def cost(tokenizer: Tokenizer, text: str) -> Cost:
    """What the tokenizer makes of one short text."""
    encoding = tokenizer.encode(text)
    trip = compare(tokenizer, text, tokenizer.decode(encoding.ids))
    return Cost(
        characters=len(text),
        tokens=len(encoding.ids),
        characters_per_token=len(text) / len(encoding.ids) if encoding.ids else None,
        single=_single(encoding, len(text)),
        unread=unread(tokenizer, text, encoding),
        lossless=trip.lossless,
        lost=[each.sort for each in trip.losses],
        numbers=_numbers(text, encoding, unknown_spans(tokenizer, encoding)),
    )


def _single(encoding: Encoding, length: int) -> int:
    alone = covered(encoding.offsets, length)
    return sum(end - start == 1 and alone[start] == 1 for start, end in encoding.offsets)


def _numbers(text: str, encoding: Encoding, unknown: list[Span]) -> list[Number]:
    lost = set(unknown)
    found = []
    for match in re.finditer("[0-9]+", text):
        held = [
            sum(char in digits for char in piece)
            for piece, span in zip(encoding.pieces, encoding.offsets, strict=True)
            if span[0] < match.end() and span[1] > match.start() and span not in lost
        ]
        found.append(Number(match[0], [n for n in held if n] if sum(held) == len(match[0]) else []))
    return found
