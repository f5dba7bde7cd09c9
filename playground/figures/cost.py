"""Cost against length on log-log paper: a straight line is a power of the length, its steepness the exponent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from playground.components.theme import ATTENTION, NEGATIVE, POSITIVE
from playground.figures.style import QUIET, framed, shown

COLOURS = {"rnn": POSITIVE, "gru": NEGATIVE, "lstm": "#4A90D9", "transformer": ATTENTION}
SYMBOLS = {"rnn": "diamond", "gru": "triangle-up", "lstm": "square", "transformer": "circle"}
"""Kind of model -> its hue and its mark on this page."""


@dataclass(frozen=True)
class Curve:
    """One line of the chart."""

    name: str
    kind: str
    dashed: bool
    lengths: Sequence[int]
    costs: Sequence[float]


@dataclass(frozen=True)
class Crossing:
    """Where two lines meet."""

    words: str
    length: float
    cost: float


def cost_chart(curves: Sequence[Curve], crossings: Sequence[Crossing], unit: str, title: str) -> go.Figure:
    """Each curve over the length of the text, both axes logarithmic; crossings are ringed.

    `unit` stands behind a value that is pointed at, `title` beside the axis.
    """
    figure = go.Figure()
    for curve in curves:
        figure.add_scatter(
            x=list(curve.lengths),
            y=list(curve.costs),
            name=shown(curve.name),
            mode="lines+markers",
            line={"color": COLOURS[curve.kind], "width": 2, "dash": "dot" if curve.dashed else "solid"},
            marker={"symbol": SYMBOLS[curve.kind] + ("-open" if curve.dashed else ""), "size": 8},
            hovertemplate=f"%{{x:,}} tokens: %{{y:,.4~g}} {unit}<extra>{shown(curve.name)}</extra>",
        )
    figure.add_scatter(
        x=[each.length for each in crossings],
        y=[each.cost for each in crossings],
        mode="markers",
        marker={"symbol": "circle-open", "size": 18, "color": QUIET, "line": {"width": 2}},
        customdata=[shown(each.words) for each in crossings],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    framed(figure, height=430, hovermode="closest")
    ticks = sorted({length for curve in curves for length in curve.lengths})
    figure.update_xaxes(
        title="length of the text, in tokens", type="log", tickvals=ticks, ticktext=[f"{each:,}" for each in ticks]
    )
    figure.update_yaxes(title=title, type="log", dtick=1, tickformat="~g" if unit == "ms" else "~s")
    return figure
