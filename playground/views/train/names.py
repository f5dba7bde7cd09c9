"""A run's name: what the user called it, kept in the title of its run.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.training import Run


def of(run: Run) -> str:
    """What a run is called: by the user, or after its model and text."""
    info = run.info
    return info.title or f"{info.model} on {info.corpus.get('name', 'a text')}"
