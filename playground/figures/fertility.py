"""Who pays more: for each language a row, for each tokenizer a mark in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from playground.components.theme import ATTENTION, NEGATIVE, POSITIVE
from playground.figures.style import QUIET, framed, shown

COLOURS = (NEGATIVE, POSITIVE, "#4A90D9", ATTENTION)
SYMBOLS = ("circle", "diamond", "square", "triangle-up")
"""Of the first tokenizer on the page, the second, …"""
ROW = 26
"""Pixels of a language."""


@dataclass(frozen=True)
class Marks:
    """One tokenizer's marks, a value for each language; None where there is none."""

    name: str
    values: Sequence[float | None]
    hollow: Sequence[bool]
    """Much of the language was not read: the mark says little."""
    hover: Sequence[str]


def fertility_chart(languages: Sequence[str], marks: Sequence[Marks], title: str, line: float | None) -> go.Figure:
    """The languages from top to bottom in the order given.

    Args:
        title: what the horizontal axis measures.
        line: where a line is drawn from top to bottom, if anywhere.
    """
    figure = go.Figure()
    for i, each in enumerate(marks):
        symbol, colour = SYMBOLS[i % len(SYMBOLS)], COLOURS[i % len(COLOURS)]
        figure.add_scatter(
            x=list(each.values),
            y=list(languages),
            name=shown(each.name),
            mode="markers",
            marker={
                "symbol": [symbol + ("-open" if hollow else "") for hollow in each.hollow],
                "size": 10,
                "color": colour,
                "line": {"width": 1.5, "color": colour},
            },
            customdata=[shown(words) for words in each.hover],
            hovertemplate="%{y}: %{customdata}<extra>" + shown(each.name) + "</extra>",
        )
    framed(figure, height=110 + ROW * len(languages) + 16 * len(marks), hovermode="closest")
    if line is not None:
        figure.add_vline(x=line, line={"color": QUIET, "width": 2, "dash": "dash"})
    figure.update_xaxes(title=title, rangemode="tozero")
    figure.update_yaxes(autorange="reversed", categoryorder="array", categoryarray=list(languages), showgrid=True)
    return figure
