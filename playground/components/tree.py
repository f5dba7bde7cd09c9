"""The family tree of the models: columns of boxes joined by lines; a list from top to bottom on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from playground.components.bundle import pack
from playground.components.mount import trigger


@dataclass(frozen=True)
class Node:
    """One idea."""

    id: str
    title: str
    year: str
    column: int
    after: tuple[str, ...]
    """The ids of those that it grew out of; each stands before it."""
    added: str
    """What it added, in one sentence."""
    paper: str
    models: tuple[str, ...]
    """The plugins that show it."""


def tree(nodes: Sequence[Node], columns: Sequence[str], *, key: str, on_open: Callable[[str], None]) -> None:
    """Show the ideas; `on_open` gets the id of the one that is clicked."""
    ids = {node.id for node in nodes}
    trigger(
        "tree",
        prepare(nodes, columns, key),
        key=key,
        valid=lambda chosen: isinstance(chosen, str) and chosen in ids,
        on_trigger=on_open,
    )


def prepare(nodes: Sequence[Node], columns: Sequence[str], key: str) -> bytes:
    """The ideas as bytes for the browser."""
    return pack({"key": key, "columns": list(columns), "nodes": [asdict(node) for node in nodes]}, {})
