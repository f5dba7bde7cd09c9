"""Learning curves of one model with several tokenizers: bits per character over the seconds of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from playground.components.theme import ATTENTION, NEGATIVE, POSITIVE
from playground.figures.style import QUIET, framed, shown
from playground.text import number

COLOURS = (NEGATIVE, POSITIVE, "#4A90D9", ATTENTION)
SYMBOLS = ("circle", "square", "diamond", "triangle-up")
"""Of the entrants in their order, and so the same for one of them in every chart of the page."""


@dataclass(frozen=True)
class Curve:
    """One training."""

    name: str
    entrant: int
    """Which of the entrants: those of one have one colour, and one entry in the legend."""
    seconds: Sequence[float]
    bits: Sequence[float]


def race_chart(curves: Sequence[Curve], floor: float | None = None, seconds: float | None = None) -> go.Figure:
    """Each curve over the seconds; `floor` is what the language leaves open, `seconds` the whole budget."""
    figure, named = go.Figure(), set[int]()
    for curve in curves:
        colour = COLOURS[curve.entrant % len(COLOURS)]
        figure.add_scatter(
            x=list(curve.seconds),
            y=list(curve.bits),
            name=shown(curve.name),
            legendgroup=str(curve.entrant),
            showlegend=curve.entrant not in named,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"symbol": SYMBOLS[curve.entrant % len(SYMBOLS)], "size": 8, "color": colour},
            hovertemplate=f"%{{x:.1f}} s: %{{y:.3f}} bits per character<extra>{shown(curve.name)}</extra>",
        )
        named.add(curve.entrant)
    last = max([seconds or 0.0, *(max(curve.seconds, default=0.0) for curve in curves), 1.0])
    framed(figure, height=360, hovermode="closest", **_floor(floor))
    figure.update_xaxes(title="seconds of training", range=[-0.02 * last, last * 1.03], showgrid=False)
    figure.update_yaxes(title="bits per character, lower is better", range=_heights(curves, floor))
    return figure


def _heights(curves: Sequence[Curve], floor: float | None) -> list[float]:
    """From below the lowest to above all but the first of each: untrained models are far above the rest."""
    begun = [bits for curve in curves for bits in curve.bits[1:]]
    values = [*(begun or [bits for curve in curves for bits in curve.bits]), *([] if floor is None else [floor])]
    if not values:
        return [0.0, 8.0]
    low, high = min(values), max(values)
    pad = 0.12 * max(high - low, 0.1)
    return [max(0.0, low - pad), high + pad]


def _floor(value: float | None) -> dict[str, object]:
    """A line at what nobody can do better than, with its label."""
    if value is None:
        return {}
    line = {"color": QUIET, "width": 1, "dash": "dot"}
    place = {"xref": "paper", "x": 1, "xanchor": "right", "y": value, "yanchor": "bottom", "showarrow": False}
    return {
        "shapes": [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value, "line": line}],
        "annotations": [place | {"text": f"floor, computed: {number(value)}", "font": {"size": 12}}],
    }
