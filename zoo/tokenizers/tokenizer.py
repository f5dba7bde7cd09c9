"""A thin, typed face on a `tokenizers.Tokenizer`: ids, pieces as text, and a content hash."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import tokenizers

END_OF_TEXT = "<|endoftext|>"
"""Stands between two documents; the first token of a training window may follow it."""


@dataclass(frozen=True)
class Encoding:
    """A text as the model sees it."""

    ids: list[int]
    pieces: list[str]
    """What each token adds to the text; bytes that are no whole character are written as <0xE2>."""
    offsets: list[tuple[int, int]]
    """Start and end of each token in the text, in characters."""


class Tokenizer:
    """Text <-> ids. Immutable; wraps the library's tokenizer as `.raw`.

    A typed text is only ever text: "<|endoftext|>" in it becomes the characters that it is written
    with, and not the separator. Special tokens are put in by their id.
    """

    def __init__(self, raw: tokenizers.Tokenizer) -> None:
        self.raw = raw
        self.raw.encode_special_tokens = True  # in the library's words: encode them like any other text

    @classmethod
    def load(cls, path: str | Path) -> Tokenizer:
        """Read a `tokenizer.json`.

        Raises:
            ValueError: the file is not one.
        """
        try:
            return cls(tokenizers.Tokenizer.from_file(str(path)))
        except Exception as error:  # the library raises a bare Exception
            raise ValueError(f"{path} is not a tokenizer.json: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write a `tokenizer.json`."""
        self.raw.save(str(path))

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the `tokenizer.json` text, in hexadecimal: two tokenizers with one hash are the same."""
        return hashlib.sha256(self.raw.to_str().encode()).hexdigest()

    @property
    def vocab_size(self) -> int:
        """How many ids there are, special tokens included."""
        return int(self.raw.get_vocab_size())

    @property
    def end_of_text(self) -> int | None:
        """The id that stands between documents, where the tokenizer has one."""
        for name in (END_OF_TEXT, "</s>"):
            if (found := self.raw.token_to_id(name)) is not None:
                return int(found)
        return None

    def encode(self, text: str) -> Encoding:
        """Ids, pieces and offsets of `text`; no special tokens are added.

        Raises:
            ValueError: the text holds a lone surrogate, which no encoding can express.
        """
        _check_unicode(text)
        encoded = self.raw.encode(text, add_special_tokens=False)
        return Encoding(encoded.ids, [self.piece(i) for i in encoded.ids], encoded.offsets)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts, on all cores.

        Raises:
            ValueError: a text holds a lone surrogate, which no encoding can express.
        """
        for text in texts:
            _check_unicode(text)
        return [each.ids for each in self.raw.encode_batch(list(texts), add_special_tokens=False)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, special tokens included."""
        return str(self.raw.decode(list(ids), skip_special_tokens=False))

    def piece(self, token_id: int) -> str:
        """What this one token writes, with a visible stand-in for bytes that are no whole character."""
        return self._pieces[token_id] if 0 <= token_id < len(self._pieces) else f"<{token_id}>"

    @cached_property
    def _pieces(self) -> list[str]:
        vocab = self.raw.get_vocab(with_added_tokens=True)
        names = [""] * (max(vocab.values(), default=-1) + 1)
        for name, i in vocab.items():
            names[i] = name
        added = {token.content for token in self.raw.get_added_tokens_decoder().values()}
        steps = _decoding_steps(self.raw)
        return [name if name in added else _readable(name, steps) for name in names]


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the text is not valid Unicode at character {error.start}") from error


_BYTES = {
    char: byte
    for char, byte in zip(
        [chr(b) for b in (*range(33, 127), *range(161, 173), *range(174, 256))] + [chr(256 + n) for n in range(68)],
        [*range(33, 127), *range(161, 173), *range(174, 256), *range(33), *range(127, 161), 173],
        strict=True,
    )
}
"""Byte-level tokenizers write each byte as one printable character (Radford et al. 2019); this reads it back."""


def _decoding_steps(raw: tokenizers.Tokenizer) -> dict[str, Any]:
    """What the tokenizer itself does to turn names into text: kind of step -> its settings."""
    if raw.decoder is None:
        return {}
    state = json.loads(raw.decoder.__getstate__())
    return {step["type"]: step for step in state.get("decoders", [state])}


def _readable(name: str, steps: dict[str, Any]) -> str:
    """The text that a vocabulary entry writes, read as the tokenizer's own decoder reads it."""
    if "ByteLevel" in steps and all(char in _BYTES for char in name):
        return _characters(bytes(_BYTES[char] for char in name))
    if "ByteFallback" in steps and re.fullmatch("<0x[0-9A-F]{2}>", name):
        return _characters(bytes([int(name[3:5], 16)]))
    if "Replace" in steps and steps["Replace"]["pattern"].get("String") == _SPACE:
        return name.replace(_SPACE, steps["Replace"]["content"])
    return name.replace(_SPACE, " ") if "Metaspace" in steps else name


_SPACE = "\u2581"
"""How SentencePiece writes a space inside a vocabulary entry."""


def _characters(raw: bytes) -> str:
    """Bytes as text; those that are no whole character as <0xE2>."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        broken = "".join(f"<0x{byte:02X}>" for byte in raw[error.start : error.end])
        return raw[: error.start].decode() + broken + _characters(raw[error.end :])
