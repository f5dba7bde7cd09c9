"""Texts of a tokenizer as a reader can read them, by the same rules as `Tokenizer.piece`."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.tokenizers.spelling import BYTES, characters, decoding_steps, readable
from zoo.tokenizers.tokenizer import Tokenizer


class Names:
    """Reads what the tokenizer writes."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._steps = decoding_steps(tokenizer.raw)

    def piece(self, token_id: int) -> str:
        """What this token writes."""
        return self._tokenizer.piece(token_id)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """What these tokens write, one by one."""
        return [self._tokenizer.piece(each) for each in ids]

    def joined(self, ids: Sequence[int]) -> str:
        """What these tokens write together: of bytes that are whole characters only together, the characters."""
        if "ByteLevel" not in self._steps:
            return "".join(self.pieces(ids))
        return self.text("".join(self._tokenizer.raw.id_to_token(each) or "" for each in ids))

    def text(self, written: str) -> str:
        """A text that is written as vocabulary entries are."""
        return readable(written, self._steps)

    def counted(self, written: str) -> str:
        """The same where places in it are counted: left as it is if reading it would shift them."""
        read = self.text(written)
        return read if len(read) == len(written) else written


def from_bytes(written: str) -> str:
    """A text in which each character stands for one byte."""
    if not all(char in BYTES for char in written):
        return written
    return characters(bytes(BYTES[char] for char in written))
