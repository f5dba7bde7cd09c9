"""Long texts in pieces that tokenize as the whole does. Used by `zoo.data.stream` and `zoo.tasks.streams`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Protocol, runtime_checkable

PIECE = 100_000
"""Characters of a piece, about."""
_CUT = re.compile(r"(?<=\S)(?=\s)")
"""Before the space that follows a word: no tokenizer of ours makes a token across this place."""


@runtime_checkable
class InPieces(Protocol):
    """Texts that are read piece by piece, because they may not fit into memory."""

    def pieces(self) -> Iterator[tuple[str, bool]]:
        """Each piece, and whether a document ends with it."""


def pieces(texts: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """The texts, the long ones in pieces: each piece, and whether a document ends with it."""
    if isinstance(texts, InPieces):
        yield from texts.pieces()
        return
    for text in texts:
        while len(text) > PIECE:
            cut = cut_before(text, PIECE)
            yield text[:cut], False
            text = text[cut:]
        yield text, True


def cut_before(text: str, most: int) -> int:
    """Where to cut `text`: the last place at or before `most` at which a word ends; `most` where there is none."""
    for near in (200, most):  # the end of a text is likely to have one
        found = [match.start() for match in _CUT.finditer(text, max(0, most - near), most + 1)]
        if found and found[-1] > 0:
            return min(found[-1], most)
    return most
