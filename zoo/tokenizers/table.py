"""The figures to choose a tokenizer by, on one text. The page Tokenizers shows a row for each of its tokenizers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

from zoo.tokenizers.round_trip import RoundTrip, compare
from zoo.tokenizers.tokenizer import Tokenizer
from zoo.tokenizers.unknown import unknown_id, unread

BUDGET = 0.04
"""Seconds that measuring the speed may take."""
_REPEATS = 200


@dataclass(frozen=True)
class Row:
    """What one tokenizer makes of one text."""

    characters: int
    bytes: int
    """Of the text in UTF-8."""
    tokens: int
    characters_per_token: float | None
    """None where there are no tokens."""
    bytes_per_token: float | None
    unknown: int
    """Tokens that mean "unknown"."""
    unknown_share: float
    """Of all tokens."""
    unread: int
    """Characters that became unknown or were left out, blanks aside: of them the model gets to know nothing."""
    round_trip: RoundTrip
    vocab_size: int
    rows: int
    """Rows of an embedding: the largest id + 1, which is the vocabulary's size unless ids were skipped."""
    embedding_parameters: int
    """rows × width; an output matrix of its own (not tied to the embedding) costs as many again."""


def row(tokenizer: Tokenizer, *, text: str, width: int) -> Row:
    """The figures of this tokenizer on this text, for a model of this width.

    Raises:
        ValueError: the text holds a lone surrogate.
    """
    encoding = tokenizer.encode(text)
    tokens, size = len(encoding.ids), len(text.encode())
    unknown = unknown_id(tokenizer)
    strange = encoding.ids.count(unknown) if unknown is not None else 0
    rows = embedding_rows(tokenizer)
    return Row(
        characters=len(text),
        bytes=size,
        tokens=tokens,
        characters_per_token=len(text) / tokens if tokens else None,
        bytes_per_token=size / tokens if tokens else None,
        unknown=strange,
        unknown_share=strange / tokens if tokens else 0.0,
        unread=unread(tokenizer, text, encoding),
        round_trip=compare(tokenizer, text, tokenizer.decode(encoding.ids)),
        vocab_size=tokenizer.vocab_size,
        rows=rows,
        embedding_parameters=rows * width,
    )


@lru_cache(maxsize=8)
def embedding_rows(tokenizer: Tokenizer) -> int:
    """How many rows the embedding of a model needs: one for each id up to the largest."""
    return max(tokenizer.raw.get_vocab(with_added_tokens=True).values(), default=-1) + 1


def speed(tokenizer: Tokenizer, *, text: str) -> float:
    """MB of UTF-8 encoded in a second, here and now: the median of as many runs as fit in 0.04 seconds; 0 for no text.

    A text that takes longer is encoded once. Some tokenizers remember the words that they met, so in a short text
    that is encoded many times these cost less than in a new one.

    Raises:
        ValueError: the text holds a lone surrogate.
    """
    size, start = len(text.encode("utf-8", "replace")), time.perf_counter()
    seconds: list[float] = []
    while not seconds or (time.perf_counter() - start < BUDGET and len(seconds) < _REPEATS):
        before = time.perf_counter()
        tokenizer.encode_batch([text])
        seconds.append(time.perf_counter() - before)
    return size / median(seconds) / 1e6
