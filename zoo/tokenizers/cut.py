"""A text as the tokens that one tokenizer makes of it, the first of many: what the page shows of each of them.

`zoo.tokenizers.boundaries` sets the cuts of several tokenizers side by side.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import tokenizers
from numpy.typing import NDArray

from zoo.tokenizers.characters import Part, bytes_of, parts
from zoo.tokenizers.tokenizer import Tokenizer
from zoo.tokenizers.unknown import unknown_id

_WHOLE = 20_000
"""Characters up to which a text is simply encoded; of a longer one only the beginning is, with its spans."""
_BEYOND = 16
"""Tokens that are made beyond those shown: the last character shown may need them, and a check does."""


_JOINED = 40
"""Characters in which a token is looked for that a normaliser made of several."""


@dataclass(frozen=True)
class Cut:
    """The first tokens of a text. All lists have one entry for each token."""

    total: int
    """Tokens of the whole text."""
    total_unknown: int
    """How many of them mean "unknown"."""
    length: int
    """Bytes of the whole text in UTF-8."""
    ids: list[int]
    names: list[str]
    """What the library calls them: "Ġcat", "##s", "<0xE2>"."""
    pieces: list[str]
    """What each writes; bytes that are no whole character as <0xE2>."""
    parts: list[list[Part]]
    """The same, with the character told to which such bytes belong."""
    bytes: list[str]
    """The bytes that each writes, in hexadecimal."""
    spans: list[tuple[int, int]]
    """Start and end in the text, in characters; tokens that share a character have the same span."""
    edges: list[tuple[int, int]]
    """Start and end in the text's UTF-8, in bytes; these tell tokens apart that share a character."""
    unknown: list[bool]

    @property
    def reach(self) -> int:
        """The bytes of the text that the tokens here account for."""
        if len(self.ids) == self.total:
            return self.length
        return self.edges[-1][1] if self.edges else 0

    def first(self, most: int) -> Cut:
        """The same cut with no more than so many tokens shown."""
        lists = ("ids", "names", "pieces", "parts", "bytes", "spans", "edges", "unknown")
        return replace(self, **{name: getattr(self, name)[:most] for name in lists})


def cut(tokenizer: Tokenizer, *, text: str, most: int | None = 400) -> Cut:
    """The first `most` tokens of `text` (None: all), and how many there are; quick for a million characters.

    Raises:
        ValueError: the text holds a lone surrogate, which no encoding can express; or `most` is negative.
    """
    if most is not None and most < 0:
        raise ValueError(f"cannot show {most} tokens")
    size = _length(text)
    all_ids, found = _encoded(tokenizer.raw, text, None if most is None else most + _BEYOND)
    unknown = unknown_id(tokenizer)
    names = [tokenizer.raw.id_to_token(i) or "" for i in found.ids]
    pieces = [tokenizer.piece(i) for i in found.ids]
    raw = bytes_of(tokenizer.raw, names)
    made = parts(raw, pieces)
    written = [
        None if i == unknown else one for i, one in zip(found.ids, _written(tokenizer.raw, raw, pieces), strict=True)
    ]
    spans = _without_prefix(text, _with_blanks(text, found.offsets, made, raw), written)
    spans = _with_composed(text, spans, written, tokenizer.raw)
    return Cut(
        total=len(all_ids),
        total_unknown=0 if unknown is None else all_ids.count(unknown),
        length=size,
        ids=found.ids[:most],
        names=names[:most],
        pieces=pieces[:most],
        parts=made[:most],
        bytes=[(one or b"").hex() for one in written[:most]],
        spans=spans[:most],
        edges=_edges(text, spans, made)[:most],
        unknown=[i == unknown for i in found.ids[:most]],
    )


def _length(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise ValueError(f"the text is not valid Unicode at character {error.start}") from error


def _encoded(raw: tokenizers.Tokenizer, text: str, most: int | None) -> tuple[list[int], tokenizers.Encoding]:
    """All ids, and the library's encoding of the first `most` tokens.

    Spans cost the library half of its time. So of a long text only a beginning is encoded with them, and taken
    if it has the very ids that the whole text begins with.
    """
    if most is not None and len(text) > _WHOLE:
        ids: list[int] = raw.encode_batch_fast([text], add_special_tokens=False)[0].ids
        size = _WHOLE
        while size < len(text):
            found = raw.encode(text[:size], add_special_tokens=False)
            if len(found) > most:
                break
            size = int(size * max(2, min(16, 1.5 * most / max(len(found), 1))))
        if size < len(text):
            found.truncate(most)
            if found.ids == ids[:most]:
                return ids, found
    found = raw.encode(text, add_special_tokens=False)
    ids = found.ids
    if most is not None and len(ids) > most:
        found.truncate(most)
    return ids, found


def _with_blanks(
    text: str, offsets: Sequence[tuple[int, int]], made: list[list[Part]], raw: list[bytes | None]
) -> list[tuple[int, int]]:
    """The spans, with the blanks that a token writes: some tokenizers are set to leave those out of the span."""
    spans: list[tuple[int, int]] = []
    before = 0
    for i, (start, end) in enumerate(offsets):
        if raw[i] is not None:
            first, last = made[i][0].text if made[i] else "", made[i][-1].text if made[i] else ""
            lead, tail = first[: len(first) - len(first.lstrip())], last[len(last.rstrip()) :]
            if not text.startswith(lead, start, end) and text.endswith(lead, before, start):
                start -= len(lead)
            if not text.endswith(tail, start, end) and text.startswith(tail, end):
                end += len(tail)
        spans.append((start, end))
        before = end
    return spans


def _without_prefix(text: str, spans: list[tuple[int, int]], written: list[bytes | None]) -> list[tuple[int, int]]:
    """The spans; that of a space put in front of the text is empty, where the library gives it the first character."""
    if len(spans) > 1 and written[0] == b" " and spans[1][0] == 0 and not _begins_blank(text[:1]):
        return [(0, 0), *spans[1:]]
    return spans


def _begins_blank(char: str) -> bool:
    """Whether normalising makes a space and something more of this character."""
    return unicodedata.normalize("NFKC", char)[:1] == " " != char


def _with_composed(
    text: str, spans: list[tuple[int, int]], written: list[bytes | None], raw: tokenizers.Tokenizer
) -> list[tuple[int, int]]:
    """The spans, with the characters that the normaliser joined to the one before.

    It makes one "é" of "e" and an accent, and the library says that only the "e" has become it. What follows such a
    token belongs to it if the two together are normalised into what it writes, and its own characters are not.
    """
    normalizer = raw.normalizer
    if normalizer is None:
        return spans
    found: list[tuple[int, int]] = []
    for _, group in groupby(range(len(spans)), key=lambda i: spans[i]):
        tokens = list(group)
        start, end = spans[tokens[0]]
        behind = spans[tokens[-1] + 1][0] if tokens[-1] + 1 < len(spans) else len(text)
        behind = min(behind, end + _JOINED)
        if end < behind and end - start <= _JOINED:
            readings = [normalizer.normalize_str(text[start:to]) for to in range(end, behind + 1)]
            end += _joined(readings, [written[i] for i in tokens])
        found += [(start, end)] * len(tokens)
    return found


def _joined(readings: list[str], written: list[bytes | None]) -> int:
    """How many characters more belong to a token, by the normalised text without them, with one of them, with two, …

    Where the token is unknown, nobody knows what it writes: then those that change its characters in place.
    """
    if None not in written:
        whole = b"".join(each or b"" for each in written).decode(errors="replace")
        return readings.index(whole) if whole in readings else 0
    alone = readings[0]
    return max((n for n, each in enumerate(readings) if len(each) == len(alone) and each != alone), default=0)


def _edges(text: str, spans: list[tuple[int, int]], made: list[list[Part]]) -> list[tuple[int, int]]:
    """The spans in bytes: exact inside a character too, where a token holds some bytes of that very character."""
    at = _byte_positions(text[: max((end for _, end in spans), default=0)])
    edges = []
    for (start, end), mine in zip(spans, made, strict=True):
        first, last = int(at[start]), int(at[end])
        if end > start and mine:
            head, tail = mine[0], mine[-1]
            if head.char == text[start]:
                first += head.first
            if tail.char == text[end - 1]:
                last -= tail.of - tail.first - len(tail.bytes)
        edges.append((first, last))
    return edges


def _byte_positions(text: str) -> NDArray[np.int64]:
    """(characters + 1,) where each character begins in UTF-8, and where the last one ends."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    sizes = 1 + (codes >= 0x80) + (codes >= 0x800) + (codes >= 0x10000)
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def _written(model: tokenizers.Tokenizer, raw: list[bytes | None], pieces: list[str]) -> list[bytes]:
    """What each token writes; the mark of a continued word is not written."""
    mark = getattr(model.model, "continuing_subword_prefix", None) or ""
    return [piece.removeprefix(mark).encode() if one is None else one for one, piece in zip(raw, pieces, strict=True)]
