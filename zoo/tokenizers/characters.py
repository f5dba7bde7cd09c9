"""Which bytes each token stands for, and which characters they belong to. Used by `zoo.tokenizers.cut`."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import tokenizers

from zoo.tokenizers.spelling import BYTES, decoding_steps


@dataclass(frozen=True)
class Part:
    """A stretch of one token: whole characters, or bytes of a character that it shares with other tokens."""

    text: str = ""
    """Whole characters; empty for a part that is bytes."""
    bytes: list[int] = field(default_factory=list)
    char: str = ""
    """The character that these bytes are a part of; empty where they are part of none."""
    first: int = 0
    """Where the first of them stands in that character's UTF-8, counted from 0."""
    of: int = 0
    """How many bytes that character has."""


def bytes_of(raw: tokenizers.Tokenizer, names: Sequence[str]) -> list[bytes | None]:
    """The bytes that each vocabulary entry stands for; None for one that stands for characters."""
    steps = decoding_steps(raw)
    added = {token.content for token in raw.get_added_tokens_decoder().values()}
    return [None if name in added else _bytes(name, steps) for name in names]


def _bytes(name: str, steps: dict[str, object]) -> bytes | None:
    if "ByteLevel" in steps and all(char in BYTES for char in name):
        return bytes(BYTES[char] for char in name)
    if "ByteFallback" in steps and re.fullmatch("<0x[0-9A-F]{2}>", name):
        return bytes([int(name[3:5], 16)])
    return None


def parts(raw: Sequence[bytes | None], pieces: Sequence[str]) -> list[list[Part]]:
    """Each token's parts. Bytes of neighbours are read together: three tokens may make one character.

    Args:
        raw: each token's bytes; None for one that stands for characters.
        pieces: what each token adds to the text; taken where there are no bytes.
    """
    found: list[list[Part]] = [
        [] if one is not None else [Part(text=piece)] for one, piece in zip(raw, pieces, strict=True)
    ]
    start = 0
    while start < len(raw):
        end = start
        while end < len(raw) and raw[end] is not None:
            end += 1
        _read(raw, start, end, found)
        start = end + 1
    return found


def _read(raw: Sequence[bytes | None], start: int, end: int, found: list[list[Part]]) -> None:
    """Read the bytes of the tokens `start` up to `end` as one run of UTF-8."""
    run = b"".join(raw[i] or b"" for i in range(start, end))
    owner = [i for i in range(start, end) for _ in raw[i] or b""]
    at = 0
    while at < len(run):
        if whole := _whole(run, owner, at):
            _add_text(found[owner[at]], whole)
            at += len(whole.encode())
            continue
        char = _character(run, at)
        size = len(char.encode()) or 1
        _add_bytes(found, owner, run, at, size, char)
        at += size


def _whole(run: bytes, owner: list[int], at: int) -> str:
    """The whole characters that begin here and belong to the token that owns this byte; empty where there is none."""
    end = bisect_right(owner, owner[at], lo=at)
    try:
        return run[at:end].decode()
    except UnicodeDecodeError as error:
        return run[at : at + error.start].decode()


def _character(run: bytes, at: int) -> str:
    """The character that begins here; empty where none does."""
    lead = run[at]
    size = 1 if lead < 0x80 else 2 if 0xC2 <= lead < 0xE0 else 3 if 0xE0 <= lead < 0xF0 else 4
    try:
        return run[at : at + size].decode()
    except UnicodeDecodeError:
        return ""


def _add_text(into: list[Part], char: str) -> None:
    if into and into[-1].text:
        into[-1] = Part(text=into[-1].text + char)
    else:
        into.append(Part(text=char))


def _add_bytes(found: list[list[Part]], owner: list[int], run: bytes, at: int, size: int, char: str) -> None:
    """Give each token its bytes of one character."""
    for token in dict.fromkeys(owner[at : at + size]):
        mine = [i for i in range(at, at + size) if owner[i] == token]
        of = size if char else 0
        found[token].append(Part(bytes=[run[i] for i in mine], char=char, first=mine[0] - at if char else 0, of=of))
