"""A text file too large for memory, read in pieces from disk. Used by `zoo.data.text` for files over `LARGE`.

What is held out is settled by position: the last tenth of a `.txt` (by bytes, at the end of a word),
of a `.jsonl` the lines marked so, else its last tenth of lines. One pass checks the whole file first,
so that a fault in its last line is told before training, and makes its SHA-256.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import lzma
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from zoo.data import pieces

LARGE = 64 * 2**20
"""Bytes, unpacked; a file of more is streamed."""
BLOCK = 2**18
"""Bytes read at a time."""
Side = Literal["train", "valid"]
SIDES: tuple[Side, Side] = ("train", "valid")


def opened(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked."""
    return lzma.open(path) if path.suffix == ".xz" else path.open("rb")


def file_hash(path: Path) -> str:
    """SHA-256 of the file as it lies on disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class LargeText(Collection[str]):
    """Bytes `start` to `end` of a text file as one document. Going through it gives its pieces."""

    path: Path
    start: int
    end: int

    def pieces(self) -> Iterator[tuple[str, bool]]:
        """Each piece, and whether the document ends with it: with the last."""
        held = ""
        for text in self._blocks():
            held += text
            while len(held) > pieces.PIECE:
                cut = pieces.cut_before(held, pieces.PIECE)
                yield held[:cut], False
                held = held[cut:]
        yield held, True

    def _blocks(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        with opened(self.path) as file:
            file.seek(self.start)
            left = self.end - self.start
            while left > 0 and (block := file.read(min(BLOCK, left))):
                left -= len(block)
                yield decoder.decode(block, final=left == 0)

    def __iter__(self) -> Iterator[str]:
        return (text for text, _ in self.pieces())

    def __len__(self) -> int:
        return 1

    def __contains__(self, text: object) -> bool:
        return any(text == each for each in self)


@dataclass(frozen=True)
class LargeLines(Collection[str]):
    """The texts of a .jsonl that are learned from, or held out."""

    path: Path
    side: Side
    count: int
    held_out_from: int | None
    """The first line that is held out, counted without empty ones; None where the lines say it themselves."""

    def pieces(self) -> Iterator[tuple[str, bool]]:
        """Each text, the long ones in pieces, and whether it ends with this one."""
        for text in self:
            yield from pieces.pieces([text])

    def __iter__(self) -> Iterator[str]:
        for number, (text, marked) in enumerate(rows(self.path)):
            held_out = marked if self.held_out_from is None else number >= self.held_out_from
            if held_out == (self.side == "valid"):
                yield text

    def __len__(self) -> int:
        return self.count

    def __contains__(self, text: object) -> bool:
        return any(text == each for each in self)


def rows(path: Path) -> Iterator[tuple[str, bool]]:
    """Each line's text, and whether it is marked as held out.

    Raises:
        ValueError: the file is not JSON lines with a text in each, in UTF-8.
    """
    place = 0
    with opened(path) as file:
        for line in file:
            try:
                text = line.decode("utf-8" if place else "utf-8-sig")
            except UnicodeDecodeError as error:
                raise ValueError(f"{path} is not UTF-8 text: byte {place + error.start} cannot be decoded") from error
            place += len(line)
            if text.strip():
                yield row_of(path, text)


def row_of(path: Path, line: str) -> tuple[str, bool]:
    """One line's text, a string that some encoding can express (JSON can escape half a character), and its mark.

    Raises:
        ValueError: it is something else.
    """
    try:
        row = json.loads(line)
        text = row["text"]
        if not isinstance(text, str):
            raise TypeError(f"the text {text!r} is not a string")
        text.encode()
        return text, row.get("split") == "valid"
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f'{path} is not JSON lines with a "text" in each: {error}') from error
