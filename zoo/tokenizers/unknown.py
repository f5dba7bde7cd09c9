"""The token that means "unknown", and which characters of a text no other token stands for."""

from __future__ import annotations

import re
import unicodedata

import numpy as np

from zoo.tokenizers.tokenizer import Encoding, Tokenizer

Span = tuple[int, int]
"""Start and end in the text, in characters."""


def unknown_id(tokenizer: Tokenizer) -> int | None:
    """The id with which the model writes what it does not know, where it has one.

    A name in the vocabulary is not enough: some list such a token and never write it.
    """
    model = tokenizer.raw.model
    if hasattr(model, "unk_token"):
        return None if model.unk_token is None else tokenizer.raw.token_to_id(model.unk_token)
    found = re.search(rb'"unk_id":\s*(\d+)', model.__getstate__())  # of Unigram, whose Python face does not show it
    return None if found is None else int(found[1])


def unknown_name(tokenizer: Tokenizer) -> str:
    """How decoding writes it; empty where there is none."""
    unknown = unknown_id(tokenizer)
    return "" if unknown is None else tokenizer.decode([unknown]).strip()


def unknown_spans(tokenizer: Tokenizer, encoding: Encoding) -> list[Span]:
    """The stretches of the text that became unknown, one a token."""
    unknown = unknown_id(tokenizer)
    if unknown is None or unknown not in encoding.ids:
        return []
    return [span for i, span in zip(encoding.ids, encoding.offsets, strict=True) if i == unknown]


def left_out(tokenizer: Tokenizer, text: str) -> list[int]:
    """The characters that become no token: removed before the model, or dropped because it has none for the unknown.

    Blanks are not among them, nor marks (an accent may live on in the letter before it); the round trip shows both.
    Each character is tried by itself, because the library's offsets are shifted behind one that it dropped.
    """
    tried = sorted({char for char in text if not char.isspace() and unicodedata.category(char)[0] != "M"})
    gone = {char for char, ids in zip(tried, tokenizer.encode_batch(tried), strict=True) if not ids}
    return [at for at, char in enumerate(text) if char in gone] if gone else []


def unread(tokenizer: Tokenizer, text: str, encoding: Encoding) -> int:
    """How many characters of the text the model gets to know nothing of: unknown, or left out."""
    known_not = covered(unknown_spans(tokenizer, encoding), len(text)) > 0
    known_not[left_out(tokenizer, text)] = True
    return int(known_not.sum())


def covered(spans: list[Span], length: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """By how many of the spans each character is covered."""
    steps = np.zeros(length + 1, dtype=np.int64)
    if spans:
        found = np.asarray(spans, dtype=np.int64)
        np.add.at(steps, found[:, 0], 1)
        np.add.at(steps, found[:, 1], -1)
    return np.cumsum(steps)[:length]
