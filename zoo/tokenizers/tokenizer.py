"""A thin, typed face on a `tokenizers.Tokenizer`: ids, pieces as text, and a content hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import tokenizers

from zoo.tokenizers.spelling import decoding_steps, readable

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
    with, and not the separator. Special tokens are put in by their id. A text becomes all of its tokens
    and no others: what the file says of cutting off and of filling up is turned off.
    """

    def __init__(self, raw: tokenizers.Tokenizer) -> None:
        self.raw = raw
        self.raw.encode_special_tokens = True  # in the library's words: encode them like any other text
        self.raw.no_truncation()
        self.raw.no_padding()

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
        check_unicode(text)
        encoded = self.raw.encode(text, add_special_tokens=False)
        return Encoding(encoded.ids, [self.piece(i) for i in encoded.ids], encoded.offsets)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts, on all cores.

        Raises:
            ValueError: a text holds a lone surrogate, which no encoding can express.
        """
        for text in texts:
            check_unicode(text)
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
        steps = decoding_steps(self.raw)
        return [name if name in added else readable(name, steps) for name in names]


def check_unicode(text: str) -> None:
    """Raise a ValueError for a lone surrogate, which no encoding can express."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the text is not valid Unicode at character {error.start}") from error
