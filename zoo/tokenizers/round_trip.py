"""Does a text come back from its tokens? If not: where first, and what was lost.

Used by `zoo.tokenizers.table` and `zoo.tokenizers.across`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from zoo.tokenizers.losses import Loss, losses
from zoo.tokenizers.tokenizer import Tokenizer
from zoo.tokenizers.unknown import left_out, unknown_name, unknown_spans

COMPARED = 10_000
"""Characters that are looked at for what was lost; beyond that only whether all came back."""
SAMPLE = 24


@dataclass(frozen=True)
class RoundTrip:
    """A text against what its tokens write."""

    lossless: bool
    at: int | None
    """The first character that did not come back."""
    stood: str
    """The text from there on, a few characters of it; empty where all came back."""
    came: str
    """What came back from there on."""
    losses: list[Loss]
    """What was lost, one of each sort, the most frequent first."""
    looked_from: int
    """Where the stretch begins in which the losses were counted …"""
    looked_to: int
    """… and where it ends: all of the text, unless that is very long."""


def round_trip(tokenizer: Tokenizer, *, text: str) -> RoundTrip:
    """Encode, decode, compare: see `compare`.

    Raises:
        ValueError: the text holds a lone surrogate.
    """
    return compare(tokenizer, text, tokenizer.decode(tokenizer.encode_batch([text])[0]))


def compare(tokenizer: Tokenizer, text: str, back: str) -> RoundTrip:
    """A text against `back`, what came back of it.

    All of it is compared. What was lost is counted in the first 10,000 characters; where nothing was lost in them,
    in the 10,000 from the first loss on, as if they were a text of their own.
    """
    if back == text:
        return RoundTrip(True, None, "", "", [], 0, len(text))
    at = common(text, back)
    start = 0 if at < COMPARED else max(text.rfind(" ", 0, at), text.rfind("\n", 0, at), at - 100)
    stretch = text[start : start + COMPARED]
    found = _lost(tokenizer, stretch) or [Loss("other", 1, at - start, text[at : at + SAMPLE], back[at : at + SAMPLE])]
    moved = [replace(each, at=each.at + start) for each in found]
    return RoundTrip(False, at, text[at : at + SAMPLE], back[at : at + SAMPLE], moved, start, start + len(stretch))


def _lost(tokenizer: Tokenizer, text: str) -> list[Loss]:
    encoding = tokenizer.encode(text)
    spans = unknown_spans(tokenizer, encoding)
    name = unknown_name(tokenizer) if spans else ""
    return losses(text, tokenizer.decode(encoding.ids), spans, left_out(tokenizer, text), name)


def common(one: str, other: str) -> int:
    """How many characters two texts have in common at their start."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low
