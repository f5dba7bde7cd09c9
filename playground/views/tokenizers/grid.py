"""A small table on the page: it scrolls sideways in its own frame where a phone is too narrow for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Grid:
    """Heads and cells, all of them Markdown; the first column says what stands in a row."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def grid(table: Grid, alt: str) -> None:
    """Draw it. `alt`: what it is, for a reader who does not see it."""
    heads: list[str] = []
    for head in table.header:
        again = sum(other == head for other in table.header[: len(heads)])
        heads.append(f"{head} ({again + 1})" if again else head)
    st.table({head: [row[i] for row in table.rows] for i, head in enumerate(heads)}, width="content", alt=alt)
