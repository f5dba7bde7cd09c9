"""The loss on a text, token by token: a line for each model, between certainty and guessing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from playground.figures.style import QUIET, framed, token

MOST_LABELS = 40
"""More tokens than this are not named on the axis, only when they are pointed at."""


@dataclass(frozen=True)
class Series:
    """One line of the chart."""

    name: str
    values: NDArray[np.float64]
    """(tokens − 1,) nats, the first being about the second token."""
    colour: str
    dash: str = "solid"
    symbol: str = "circle"


def token_losses(pieces: Sequence[str], series: Sequence[Series], ceiling: float) -> go.Figure:
    """Surprise against the place in the text, in nats; `ceiling` (log of the vocabulary) is drawn across.

    Raises:
        ValueError: a line doesn't have one value for each token but the first.
    """
    places = list(range(1, len(pieces)))
    words = [token(piece) for piece in pieces]
    figure = go.Figure()
    for each in series:
        if len(each.values) != len(places):
            raise ValueError(f"{each.name} has {len(each.values)} values for {len(places)} predicted tokens")
        figure.add_scatter(
            x=places,
            y=each.values.tolist(),
            name=each.name,
            mode="lines+markers",
            line={"color": each.colour, "width": 2, "dash": each.dash},
            marker={"symbol": each.symbol, "size": 7},
            customdata=words[1:],
            hovertemplate="<b>%{customdata}</b> %{y:.4f} nats<extra>%{fullData.name}</extra>",
        )
    _ceiling(figure, ceiling, len(places))
    framed(figure, height=380, hovermode="closest")
    figure.update_xaxes(
        title="the text's tokens in order; the first is given", showgrid=False, range=[0.5, len(pieces) - 0.5]
    )
    if len(pieces) <= MOST_LABELS:
        figure.update_xaxes(tickvals=places, ticktext=words[1:], tickangle=-60, tickfont={"family": "monospace"})
    figure.update_yaxes(title="surprise −ln p, in nats: lower is better", rangemode="tozero")
    return figure


def _ceiling(figure: go.Figure, nats: float, last: int) -> None:
    figure.add_scatter(
        x=[0.5, last + 0.5],
        y=[nats, nats],
        name=f"guessing evenly: ln V = {nats:.2f}",
        mode="lines",
        line={"color": QUIET, "width": 1, "dash": "dot"},
        hoverinfo="skip",
    )
