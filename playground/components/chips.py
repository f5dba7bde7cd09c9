"""A text as a row of token chips; one of them can be selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from playground.components.bundle import pack
from playground.components.mount import choose


def token_chips(
    pieces: list[str],
    ids: list[int],
    *,
    selected: int | None,
    key: str,
    new_from: int | None = None,
    on_select: Callable[[int], None] | None = None,
) -> int | None:
    """Show a token chip for each piece, and return the position of the selected one.

    Args:
        pieces: what each token adds to the text; spaces and line breaks are made visible.
        ids: the tokens' ids, one for each piece; they also give the chips their colours.
        selected: the position that the page selects; the reader's click holds until this changes.
        key: the component's key; unique on the page.
        new_from: tokens from this position on were added to the text, and are marked so.
        on_select: called with the new position, before the page runs again.

    Raises:
        ValueError: the numbers of pieces and ids differ.
    """
    value = choose(
        "chips",
        lambda position: prepare(pieces, ids, position, key, new_from),
        key=key,
        given=selected,
        valid=lambda position: is_position(position, len(pieces)),
        on_select=on_select,
    )
    return None if value is None else int(value)


def prepare(pieces: Sequence[str], ids: Sequence[int], selected: int | None, key: str, new_from: int | None) -> bytes:
    """The chips as bytes for the browser."""
    if len(pieces) != len(ids):
        raise ValueError(f"{len(pieces)} pieces but {len(ids)} ids: give one id for each piece")
    head = {"key": key, "pieces": list(pieces), "ids": list(ids), "selected": selected, "new_from": new_from}
    return pack(head, {})


def is_position(value: object, length: int) -> bool:
    """Whether a value from the browser is a position in the text."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < length
