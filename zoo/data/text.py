"""A user's text as a corpus: documents to train on, and documents held out.

`.txt` is one document, its last tenth held out (where each line has one tab, it is a text for each line:
pairs of sentences); `.jsonl` has one `{"text": …}` a line, held out where
`"split": "valid"` says so (else the last tenth of the lines). Either may be packed as `.xz`. A file
that is too large for memory is streamed (`zoo.data.stream`).
"""

from __future__ import annotations

import codecs
import lzma
from pathlib import Path

from zoo.data import stream
from zoo.data.corpus import Corpus
from zoo.data.stream import BLOCK, SIDES, LargeLines, LargeText, Side, file_hash, opened, row_of, rows

HELD_OUT = 0.1


def read_corpus(path: str | Path) -> Corpus:
    """Read a text file into a corpus.

    Raises:
        ValueError: the file is missing, empty, not UTF-8, or not of the format its name says.
    """
    path = Path(path)
    lines = path.name.removesuffix(".xz").endswith(".jsonl")
    try:
        with opened(path) as file:
            data = file.read(stream.LARGE + 1)
        if len(data) > stream.LARGE:
            del data
            return _large_lines(path) if lines else _large_text(path)
        text = data.decode("utf-8").removeprefix("\ufeff")
        sha256 = file_hash(path)
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(f"{path} is not an xz file: {error}") from error
    except OSError as error:
        raise ValueError(f"cannot read the corpus {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: byte {error.start} cannot be decoded") from error
    train, valid = _split_lines(path, text) if lines else _split_text(text)
    if not any(train) or not any(valid):
        raise _too_little(path)
    return Corpus(path.name, train, valid, sha256, {"open": str(path)})


def _too_little(path: Path) -> ValueError:
    return ValueError(f"{path} holds too little text to train on and to hold out")


def _split_text(text: str) -> tuple[list[str], list[str]]:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(line.count("\t") == 1 for line in lines):  # a sentence and its translation
        cut = min(len(lines) - 1, round(len(lines) * (1 - HELD_OUT)))
        return lines[:cut], lines[cut:]
    cut = round(len(text) * (1 - HELD_OUT))
    return [text[:cut]], [text[cut:]]


def _split_lines(path: Path, text: str) -> tuple[list[str], list[str]]:
    found = [row_of(path, line) for line in text.split("\n") if line.strip()]
    held_out = [marked for _, marked in found]
    if not any(held_out):
        cut = round(len(found) * (1 - HELD_OUT))
        held_out = [i >= cut for i in range(len(found))]
    train = [text for (text, _), out in zip(found, held_out, strict=True) if not out]
    return train, [text for (text, _), out in zip(found, held_out, strict=True) if out]


def _large_text(path: Path) -> Corpus:
    size = _check_utf8(path)
    with opened(path) as file:
        start = len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0
        cut = round(size * (1 - HELD_OUT))
        file.seek(cut)
        cut += _to_word_end(file.read(BLOCK))
    parts = (LargeText(path, start, cut), LargeText(path, cut, size))
    return Corpus(path.name, *parts, file_hash(path), {"open": str(path)})


def _check_utf8(path: Path) -> int:
    """How many bytes the file has, unpacked; all of it can be decoded."""
    decoder, size = codecs.getincrementaldecoder("utf-8")(), 0
    with opened(path) as file:
        while block := file.read(BLOCK):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                place = size - (len(error.object) - len(block)) + error.start
                raise ValueError(f"{path} is not UTF-8 text: byte {place} cannot be decoded") from error
            size += len(block)
    if decoder.getstate()[0]:
        raise ValueError(f"{path} is not UTF-8 text: its last character is cut short")
    return size


def _to_word_end(data: bytes) -> int:
    """How many bytes on the next word ends; where none does, the next character begins."""
    spaces = [place for place in (data.find(space) for space in (b" ", b"\n")) if place >= 0]
    return min(spaces) if spaces else next((i for i, byte in enumerate(data) if byte & 0xC0 != 0x80), 0)


def _large_lines(path: Path) -> Corpus:
    count = marked = 0
    for _, held_out in rows(path):
        count, marked = count + 1, marked + held_out
    cut = None if marked else round(count * (1 - HELD_OUT))
    sizes: dict[Side, int] = {"valid": marked if cut is None else count - cut}
    sizes["train"] = count - sizes["valid"]
    train, valid = (LargeLines(path, side, sizes[side], cut) for side in SIDES)
    if not any(train) or not any(valid):
        raise _too_little(path)
    return Corpus(path.name, train, valid, file_hash(path), {"open": str(path)})
