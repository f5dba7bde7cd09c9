"""Translators and readers of blanks in charts: quality by length, alignment as a matrix, a vector, losses as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from playground.components.theme import ATTENTION, NEGATIVE, POSITIVE
from playground.figures.style import MODEL, QUIET, RIGHT, framed, shown

COLOURS = (QUIET, MODEL, ATTENTION, "#4A90D9")
SYMBOLS = ("diamond", "square", "circle", "triangle-up")
DASHES = ("dot", "dash", "solid", "dashdot")
"""Of the translators, in the order in which they are shown: told apart without the colour, too."""
CELL = 30
"""Pixels of a matrix's row."""
_WIDE = 16
"""Numbers in a row of a vector."""
TRAINED_TO = 30
"""English words of the longest sentences that the glass pairs train on."""


@dataclass(frozen=True)
class Quality:
    """One translator's line."""

    name: str
    lengths: Sequence[int]
    shares: Sequence[float]
    sentences: int


def quality_chart(lines: Sequence[Quality], what: str) -> go.Figure:
    """A share from 0 to 1 by sentence length, a line for each translator; `what` is counted."""
    figure = go.Figure()
    for place, line in enumerate(lines):
        colour = COLOURS[place % len(COLOURS)]
        figure.add_scatter(
            x=list(line.lengths),
            y=list(line.shares),
            name=shown(line.name),
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": DASHES[place % len(DASHES)]},
            marker={"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 9},
            hovertemplate=f"%{{x}} words: %{{y:.1%}} of {line.sentences} sentences<extra>{shown(line.name)}</extra>",
        )
    framed(figure, height=380, hovermode="closest")
    figure.add_vline(x=TRAINED_TO, line={"color": QUIET, "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=TRAINED_TO, y=1.0, yref="paper", text="longest in training", showarrow=False, xanchor="left",
        yanchor="top", textangle=-90, xshift=1, font={"color": QUIET, "size": 11},
    )  # fmt: skip
    figure.update_xaxes(
        title="length of the English sentence, in words",
        tickvals=sorted({each for line in lines for each in line.lengths}),
    )
    figure.update_yaxes(title=what, range=[-0.03, 1.06], tickformat=".0%")
    return figure


def alignment_chart(
    source: Sequence[str], target: Sequence[str], right: NDArray[np.bool_], pattern: NDArray[np.floating] | None = None
) -> go.Figure:
    """Row: the word that is written; column: the source word looked at. The right cells are framed.

    `pattern` (T, S), from 0 to 1; without it the right alignment alone is shown, filled.
    """
    values = right.astype(float) if pattern is None else np.asarray(pattern, dtype=float)
    colour = RIGHT if pattern is None else ATTENTION
    figure = go.Figure()
    figure.add_heatmap(
        z=values,
        zmin=0,
        zmax=1,
        colorscale=[[0, _clear(colour)], [1, colour]],
        showscale=False,
        xgap=1,
        ygap=1,
        customdata=[[f"{shown(t)} ← {shown(s)}" for s in source] for t in target],
        hovertemplate="%{customdata}: %{z:.4f}<extra></extra>",
    )
    rows, columns = np.nonzero(right)
    if pattern is not None:
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            figure.add_shape(
                type="rect", x0=column - 0.46, x1=column + 0.46, y0=row - 0.46, y1=row + 0.46,
                line={"color": RIGHT, "width": 2},
            )  # fmt: skip
    framed(figure, height=120 + CELL * len(target))
    font = {"family": "monospace", "size": 12}
    figure.update_xaxes(
        side="top", tickvals=list(range(len(source))), ticktext=[shown(word) for word in source], tickangle=-60,
        tickfont=font, showgrid=False, title="column = the source word looked at",
    )  # fmt: skip
    figure.update_yaxes(
        range=[len(target) - 0.5, -0.5], tickvals=list(range(len(target))), ticktext=[shown(word) for word in target],
        tickfont=font, showgrid=False, title="row = the word that is written",
    )  # fmt: skip
    return figure


def share_bars(names: Sequence[str], shares: Sequence[float], chances: Sequence[float]) -> go.Figure:
    """The attention on right words, a bar for each head, with chance as a line across each bar."""
    places = list(range(len(names)))
    figure = go.Figure()
    figure.add_bar(
        x=list(shares),
        y=places,
        orientation="h",
        marker={"color": ATTENTION},
        text=[f"{each:.0%}" for each in shares],
        textposition="outside",
        name="attention on right words",
        hovertemplate="%{x:.2%}<extra></extra>",
    )
    figure.add_scatter(
        x=list(chances),
        y=places,
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 20, "color": RIGHT, "line": {"width": 3}},
        name="chance: spread evenly",
        hovertemplate="chance: %{x:.2%}<extra></extra>",
    )
    return _barred(framed(figure, height=110 + 26 * len(names)), names, 1.15, ".0%", "share of the attention")


def vector_chart(values: NDArray[np.floating]) -> go.Figure:
    """All numbers of a vector, in rows of sixteen: gold above zero, violet below."""
    rows = -(-len(values) // _WIDE)
    grid = np.full(rows * _WIDE, np.nan)
    grid[: len(values)] = values
    most = float(np.abs(values).max()) or 1.0
    figure = go.Figure()
    figure.add_heatmap(
        z=grid.reshape(rows, _WIDE),
        zmin=-most,
        zmax=most,
        colorscale=[[0, NEGATIVE], [0.5, _clear(QUIET)], [1, POSITIVE]],
        colorbar={"thickness": 10, "tickformat": ".1f"},
        xgap=1,
        ygap=1,
        customdata=np.arange(rows * _WIDE).reshape(rows, _WIDE),
        hovertemplate="number %{customdata}: %{z:.4f}<extra></extra>",
    )
    framed(figure, height=40 + 22 * rows)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, autorange="reversed")
    return figure


def loss_bars(names: Sequence[str], losses: Sequence[float], exact: Sequence[bool]) -> go.Figure:
    """Mean −log p of the same words, the exact ones in gold."""
    figure = go.Figure()
    figure.add_bar(
        x=list(losses),
        y=list(range(len(names))),
        orientation="h",
        marker={"color": [RIGHT if each else MODEL for each in exact]},
        text=[f"{each:.3f}" for each in losses],
        textposition="outside",
        hovertemplate="%{x:.4f} nats per word<extra></extra>",
    )
    framed(figure, height=70 + 34 * len(names), showlegend=False)
    return _barred(figure, names, 1.18 * max([*losses, 1e-9]), ".2f", "mean −log p of the true word, in nats")


def _barred(figure: go.Figure, names: Sequence[str], most: float, form: str, title: str) -> go.Figure:
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[shown(name) for name in names],
        range=[len(names) - 0.5, -0.5],
        showgrid=False,
    )
    figure.update_xaxes(range=[0, most], tickformat=form, title=title)
    return figure


def _clear(colour: str) -> str:
    """The colour, but wholly transparent: the page shows through."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0)"
