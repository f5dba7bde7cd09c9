"""Rows of token chips, such as words with their counts: nothing to choose, only to read; some tokens are lit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from playground.components.bundle import pack
from playground.components.mount import show


@dataclass(frozen=True)
class Row:
    """A line of the list: a label, its tokens, and what there is to say of them."""

    label: str
    pieces: Sequence[str]
    """What each token writes; blanks are made visible."""
    ids: Sequence[int]
    """The tokens' ids, one for each piece; they also give the chips their colours."""
    lit: Collection[int] = ()
    """Positions of the tokens that stand out."""
    note: str = ""


def word_rows(rows: Sequence[Row], *, key: str, label: str) -> None:
    """Show the rows, one below the other; a long list can be scrolled.

    Args:
        rows: what to show.
        key: the component's key; unique on the page.
        label: what this list is, for those who hear the page.

    Raises:
        ValueError: the numbers of pieces and ids of a row differ.
    """
    show("words", prepare(rows, key, label), key=key)


def prepare(rows: Sequence[Row], key: str, label: str) -> bytes:
    """The list as bytes for the browser."""
    for row in rows:
        if len(row.pieces) != len(row.ids):
            raise ValueError(f"{len(row.pieces)} pieces but {len(row.ids)} ids: give one id for each piece")
    plain = [
        {"label": row.label, "pieces": list(row.pieces), "ids": list(row.ids), "lit": sorted(row.lit), "note": row.note}
        for row in rows
    ]
    return pack({"key": key, "rows": plain, "label": label}, {})
