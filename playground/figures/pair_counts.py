"""How often the most frequent pairs of tokens stand side by side, as bars; the pair that is merged stands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from playground.figures.style import QUIET, RIGHT, framed, token
from playground.text import count

ROW = 27
"""Pixels that a bar takes."""
LONGEST = 12
"""Characters of a token that fit beside a bar."""


@dataclass(frozen=True)
class PairBar:
    """Two tokens, and how often they stand side by side."""

    left: str
    right: str
    count: int


def pair_bars(pairs: Sequence[PairBar], chosen: int | None = None) -> go.Figure:
    """Horizontal bars, the first pair on top; `chosen` is the position of the one that is merged."""
    places = list(range(len(pairs)))
    figure = go.Figure()
    figure.add_bar(
        x=[pair.count for pair in pairs],
        y=places,
        orientation="h",
        marker={"color": [RIGHT if place == chosen else QUIET for place in places]},
        text=[
            f"<b>{count(pair.count)}</b>" if place == chosen else count(pair.count) for place, pair in enumerate(pairs)
        ],
        textposition="outside",
        constraintext="none",
        cliponaxis=False,
        customdata=[f"{token(_short(pair.left))} + {token(_short(pair.right))}" for pair in pairs],
        hovertemplate="%{customdata}: %{x:,} times<extra></extra>",
    )
    framed(figure, height=60 + ROW * max(len(pairs), 1), bargap=0.25, showlegend=False)
    figure.update_yaxes(
        tickmode="array",
        tickvals=places,
        ticktext=[f"{token(_short(pair.left))} + {token(_short(pair.right))}" for pair in pairs],
        range=[len(pairs) - 0.5, -0.5],
        showgrid=False,
        tickfont={"family": "monospace"},
    )
    most = max((pair.count for pair in pairs), default=1)
    figure.update_xaxes(range=[0, most * 1.18], tickformat=",d", nticks=5, title="times side by side in the text")
    return figure


def _short(piece: str) -> str:
    return piece if len(piece) <= LONGEST else piece[: LONGEST - 1] + "…"
