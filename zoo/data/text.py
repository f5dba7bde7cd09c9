"""A user's text as a corpus: documents to train on, and documents held out.

`.txt` is one document, its last tenth held out; `.jsonl` has one `{"text": …}` a line, held out where
`"split": "valid"` says so (else the last tenth of the lines). Either may be packed as `.xz`.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from dataclasses import dataclass
from pathlib import Path

HELD_OUT = 0.1


@dataclass(frozen=True)
class Corpus:
    """Texts to learn from, and texts to be judged on."""

    name: str
    train: list[str]
    valid: list[str]
    sha256: str
    """Of the file's bytes: names the exact data in a run folder."""


def read_corpus(path: str | Path) -> Corpus:
    """Read a text file into a corpus.

    Raises:
        ValueError: the file is missing, empty, not UTF-8, or not of the format its name says.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
        data = lzma.decompress(raw) if path.suffix == ".xz" else raw
        text = data.decode("utf-8").removeprefix("\ufeff")
    except OSError as error:
        raise ValueError(f"cannot read the corpus {path}: {error.strerror}") from error
    except lzma.LZMAError as error:
        raise ValueError(f"{path} is not an xz file: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: byte {error.start} cannot be decoded") from error
    name = path.name.removesuffix(".xz")
    train, valid = _split_lines(path, text) if name.endswith(".jsonl") else _split_text(text)
    if not any(train) or not any(valid):
        raise ValueError(f"{path} holds too little text to train on and to hold out")
    return Corpus(path.name, train, valid, hashlib.sha256(raw).hexdigest())


def _split_text(text: str) -> tuple[list[str], list[str]]:
    cut = round(len(text) * (1 - HELD_OUT))
    return [text[:cut]], [text[cut:]]


def _split_lines(path: Path, text: str) -> tuple[list[str], list[str]]:
    try:
        rows = [json.loads(line) for line in text.split("\n") if line.strip()]
        texts = [_text(row) for row in rows]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f'{path} is not JSON lines with a "text" in each: {error}') from error
    held_out = [row.get("split") == "valid" for row in rows]
    if not any(held_out):
        cut = round(len(rows) * (1 - HELD_OUT))
        held_out = [i >= cut for i in range(len(rows))]
    train = [text for text, out in zip(texts, held_out, strict=True) if not out]
    return train, [text for text, out in zip(texts, held_out, strict=True) if out]


def _text(row: dict[str, object]) -> str:
    """The text of one line: a string that some encoding can express (JSON can escape half a character)."""
    text = row["text"]
    if not isinstance(text, str):
        raise TypeError(f"the text {text!r} is not a string")
    text.encode()
    return text
