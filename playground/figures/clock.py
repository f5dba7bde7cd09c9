"""Two models on one clock, which piece of work at which tick; and a cell's numbers and a token's glances as strips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from playground.components.theme import ATTENTION, NEGATIVE, POSITIVE
from playground.figures.style import QUIET, framed, shown, token

WAITING, DONE, NOW = 0, 1, 2
_STATES = ("rgba(138, 133, 148, 0.16)", NEGATIVE, POSITIVE)
_SCALE = [[at, colour] for i, colour in enumerate(_STATES) for at in (i / 3, (i + 1) / 3)]
_WORDS = {WAITING: "has to wait", DONE: "done", NOW: "being done now"}
_ON = {DONE: "#FFFFFF", NOW: "#1E1B26"}
"""Of a mark on such a cell; on what waits it has the page's own colour."""
ROW = 22
"""Pixels of a token's row."""
CLEAR = "rgba(138, 133, 148, 0.06)"


@dataclass(frozen=True)
class Panel:
    """One model's work: which stage of which token at which tick."""

    title: str
    tokens: Sequence[str]
    ticks: NDArray[np.int64]
    """(layers + 2, tokens): the embedding first, the readout last."""
    layer: str
    """What a stage between the two is called: "layer" or "block"."""


def work(panel: Panel, tick: int, last: int) -> tuple[NDArray[np.float64], list[list[str]]]:
    """What the picture shows of a panel: states (tokens, last + 1), NaN where there is no work, and the stages' marks.

    A mark is E for the embedding, R for the readout, and a layer's number.
    """
    stages, tokens = panel.ticks.shape
    states = np.full((tokens, last + 1), np.nan)
    marks = [[""] * (last + 1) for _ in range(tokens)]
    for stage in range(stages):
        for position, at in enumerate(panel.ticks[stage].tolist()):
            states[position, at] = DONE if at < tick else NOW if at == tick else WAITING
            marks[position][at] = "E" if stage == 0 else "R" if stage == stages - 1 else str(stage)
    return states, marks


def clock_chart(panels: Sequence[Panel], tick: int, last: int) -> go.Figure:
    """The panels below each other over one axis of ticks, 0 to `last`; all work of `tick` stands out."""
    heights = [len(panel.tokens) for panel in panels]
    figure = make_subplots(
        rows=len(panels),
        cols=1,
        shared_xaxes=True,
        row_heights=heights,
        vertical_spacing=34 / (ROW * sum(heights) + 90),
        subplot_titles=[shown(panel.title) for panel in panels],
    )
    for row, panel in enumerate(panels, start=1):
        figure.add_trace(_heat(panel, tick, last), row=row, col=1)
        figure.add_traces(_marks(panel, tick, last), rows=row, cols=1)
        figure.update_yaxes(
            autorange="reversed",
            tickvals=list(range(len(panel.tokens))),
            ticktext=[token(piece) for piece in panel.tokens],
            tickfont={"family": "monospace", "size": 12},
            showgrid=False,
            row=row,
            col=1,
        )
    framed(figure, height=ROW * sum(heights) + 34 * len(panels) + 60, margin={"l": 8, "r": 8, "t": 28, "b": 8})
    figure.update_annotations(font={"size": 14}, x=0, xanchor="left")
    figure.update_xaxes(showgrid=False, range=[-0.5, last + 0.5], dtick=1 if last < 16 else 4)
    figure.update_xaxes(title="tick: steps that wait for each other", row=len(panels), col=1)
    for row in range(1, len(panels)):
        figure.update_xaxes(ticks="", row=row, col=1)
    return figure


def _heat(panel: Panel, tick: int, last: int) -> go.Heatmap:
    states, marks = work(panel, tick, last)
    words = [
        [f"tick {at}: {_stage(mark, panel.layer)}, {_WORDS[int(state)]}" if mark else "" for at, (mark, state) in row]
        for row in (enumerate(zip(*each, strict=True)) for each in zip(marks, states.tolist(), strict=True))
    ]
    return go.Heatmap(
        z=[[None if np.isnan(state) else state for state in row] for row in states.tolist()],
        zmin=-0.5,
        zmax=2.5,
        colorscale=_SCALE,
        showscale=False,
        xgap=2,
        ygap=2,
        text=marks,
        customdata=words,
        hovertemplate="%{customdata}<extra></extra>",
        hoverongaps=False,
    )


def _marks(panel: Panel, tick: int, last: int) -> list[go.Scatter]:
    """The marks as text, readable on what they stand on."""
    states, marks = work(panel, tick, last)
    found = []
    for state in (WAITING, DONE, NOW):
        places = np.argwhere(states == state).tolist()
        font = {"size": 11} | ({"color": _ON[state]} if state in _ON else {})
        found.append(
            go.Scatter(
                x=[x for _, x in places],
                y=[y for y, _ in places],
                text=[marks[y][x] for y, x in places],
                mode="text",
                textfont=font,
                hoverinfo="skip",
                showlegend=False,
            )
        )
    return found


def _stage(mark: str, layer: str) -> str:
    return {"E": "embedding", "R": "readout"}.get(mark) or f"{layer} {mark}"


def strips(rows: Mapping[str, NDArray[Any]], *, signed: bool) -> go.Figure:
    """One strip of cells for each name, a cell a unit: gates on a scale from 0 to 1, or signed values around 0."""
    values = [np.asarray(each, dtype=np.float64) for each in rows.values()]
    most = max((float(np.abs(each).max()) for each in values), default=0.0) or 1.0
    scale = [[0, NEGATIVE], [0.5, CLEAR], [1, POSITIVE]] if signed else [[0, CLEAR], [1, NEGATIVE]]
    return _strips(
        [each.tolist() for each in values],
        [shown(name) for name in rows],
        scale,
        (-most, most) if signed else (0.0, 1.0),
        "unit %{x}: %{z:.4f}<extra>%{y}</extra>",
        "units of the cell",
    )


def glances(pattern: NDArray[Any], tokens: Sequence[str]) -> go.Figure:
    """Where one token looks: pattern (heads, tokens), a strip a head, from 0 to 1."""
    figure = _strips(
        pattern.tolist(),
        [f"head {head}" for head in range(len(pattern))],
        [[0, CLEAR], [1, ATTENTION]],
        (0.0, 1.0),
        "%{y} looks at %{customdata}: %{z:.4f}<extra></extra>",
        "the token looked at",
    )
    words = [token(piece) for piece in tokens]
    figure.data[0].customdata = [words] * len(pattern)
    figure.update_xaxes(
        tickvals=list(range(len(words))), ticktext=words, tickangle=-60, tickfont={"family": "monospace"}
    )
    return figure.update_layout(height=ROW * len(pattern) + 110)


def _strips(
    values: list[Any], names: list[str], scale: list[Any], ends: tuple[float, float], hover: str, across: str
) -> go.Figure:
    bar = {"thickness": 8, "outlinewidth": 0, "tickvals": [ends[0], sum(ends) / 2, ends[1]], "tickformat": ".2~f"}
    figure = go.Figure(
        go.Heatmap(
            z=values,
            y=names,
            colorscale=scale,
            zmin=ends[0],
            zmax=ends[1],
            ygap=3,
            hovertemplate=hover,
            colorbar=bar | {"tickfont": {"color": QUIET}},
        )
    )
    framed(figure, height=ROW * len(names) + 86)
    figure.update_yaxes(autorange="reversed", showgrid=False, ticksuffix=" ")
    figure.update_xaxes(title=across, showgrid=False)
    return figure
