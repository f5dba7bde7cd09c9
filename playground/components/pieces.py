"""A stretch of text in the pieces that it is cut into, some of them lit: nothing to choose, only to read."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from playground.components.bundle import pack
from playground.components.mount import show


def pieces(texts: Sequence[str], *, key: str, lit: Collection[int] = (), label: str = "Pieces of the text") -> None:
    """Show the pieces in a row.

    Args:
        texts: the pieces; spaces, line breaks and control characters are made visible.
        key: the component's key; unique on the page.
        lit: positions of the pieces that stand out.
        label: what this row is, for those who hear the page.
    """
    show("pieces", prepare(texts, key, lit, label), key=key)


def prepare(texts: Sequence[str], key: str, lit: Collection[int], label: str) -> bytes:
    """The row as bytes for the browser."""
    return pack({"key": key, "texts": list(texts), "lit": sorted(lit), "label": label}, {})
