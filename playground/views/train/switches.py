"""What each switch of zoo/gpt-modern is worth, as it was measured: read from the file that a command writes.

The file is a list of rows, or {"about": sentence, "rows": list of rows}; a row is column -> text or number.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

import zoo
from playground.text import escaped

MODEL = "zoo/gpt-modern"
NAME = "gpt_modern_worth.json"


def draw(model: str) -> None:
    """The table, where the model is gpt-modern and its measurements are there."""
    rows, about = read(found()) if model == MODEL else ([], "")
    if not rows:
        return
    with st.expander("What each of its switches is worth, measured", icon=":material/toggle_on:", key="train.worth"):
        if about:
            st.caption(escaped(about))
        st.markdown(table(rows))


@cache
def found() -> Path | None:
    """Where the measurements lie in the zoo; None where nobody made them."""
    return next(iter(sorted(Path(zoo.__file__).parent.rglob(NAME))), None)


def read(path: Path | None) -> tuple[list[dict[str, Any]], str]:
    """The rows and the sentence on them; nothing where the file cannot be read."""
    try:
        content = json.loads(path.read_bytes()) if path else []
    except (OSError, ValueError):
        return [], ""
    rows = content.get("rows", []) if isinstance(content, dict) else content if isinstance(content, list) else []
    about = str(content.get("about", "")) if isinstance(content, dict) else ""
    return [row for row in rows if isinstance(row, dict)], about


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown, one column for each name of the first."""
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *([_cell(row.get(name)) for name in columns] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}".replace("-", "−")
    return "" if value is None else escaped(str(value))
