"""The most probable next tokens as bars; clicking one takes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from playground.components.bundle import pack
from playground.components.mount import trigger


@dataclass(frozen=True)
class Candidate:
    """One row: a token with its logit and its probability."""

    piece: str
    id: int
    logit: float
    prob: float
    rank: int
    """1 for the most probable token of the vocabulary."""
    right: float | None = None
    """The exact probability, where the text comes from a language whose rules are known."""


def candidates(
    rows: Sequence[Candidate],
    *,
    others: int,
    others_prob: float,
    key: str,
    taken: int | None = None,
    on_take: Callable[[int], None] | None = None,
) -> None:
    """Show the rows and what is left over.

    Args:
        rows: the tokens to show, the most probable first.
        others: how many tokens of the vocabulary are not shown.
        others_prob: what they have together.
        key: the component's key; unique on the page.
        taken: the id that stands in the text already; its row is marked.
        on_take: called with the id of a clicked row; None where nothing can be taken.
    """
    ids = {row.id for row in rows}
    trigger(
        "candidates",
        prepare(rows, others, others_prob, key, taken, on_take is not None),
        key=key,
        valid=lambda chosen: isinstance(chosen, int) and chosen in ids,
        on_trigger=on_take,
    )


def prepare(
    rows: Sequence[Candidate], others: int, others_prob: float, key: str, taken: int | None, clickable: bool
) -> bytes:
    """The rows as bytes for the browser."""
    head: dict[str, Any] = {
        "key": key,
        "rows": [vars(row) for row in rows],
        "others": others,
        "others_prob": others_prob,
        "taken": taken,
        "clickable": clickable,
    }
    return pack(head, {})
