"""A run's name: what the user called it, kept in the title of its run.json."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.training import Run

LONGEST = 80


def of(run: Run) -> str:
    """What a run is called: by the user, or after its model and text."""
    info = run.info
    return info.title or f"{info.model} on {info.corpus.get('name', 'a text')}"


def give(folder: Path, name: str) -> None:
    """Call the run in this folder so.

    Raises:
        ValueError: the name is empty, or there is no run.
        OSError: the folder cannot be written.
    """
    title = " ".join(name.split())[:LONGEST]
    if not title:
        raise ValueError("give it a name first")
    path = folder / "run.json"
    try:
        info = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError("there is no finished run to name") from error
    if info.get("title") != title:
        draft = path.with_name("run.json.tmp")
        draft.write_text(json.dumps(info | {"title": title}, indent=2) + "\n", encoding="utf-8")
        os.replace(draft, path)
