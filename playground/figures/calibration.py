"""The reliability diagram: how often a model is right, against how sure it was."""

from __future__ import annotations

import plotly.graph_objects as go

from playground.figures.style import QUIET, framed
from playground.text import count
from zoo.evaluation import Calibration


def reliability(found: Calibration, colour: str) -> go.Figure:
    """A bar for each filled bin, as wide as the bin, with its count; on the diagonal the model is as good as its word.

    Plotted at the mean confidence of a bin is a mark with its accuracy: the mark's distance from the
    diagonal is what the calibration error averages.
    """
    filled = [b for b in range(len(found.counts)) if found.counts[b]]
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": QUIET, "dash": "dot", "width": 1}, hoverinfo="skip"
    )
    figure.add_bar(
        x=[float(found.edges[b] + found.edges[b + 1]) / 2 for b in filled],
        y=[float(found.accuracy[b]) for b in filled],
        width=[float(found.edges[b + 1] - found.edges[b]) * 0.92 for b in filled],
        marker={"color": colour, "opacity": 0.35},
        text=[count(int(found.counts[b])) for b in filled],
        textposition="outside",
        cliponaxis=False,
        textangle=0,
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[float(found.confidence[b]) for b in filled],
        y=[float(found.accuracy[b]) for b in filled],
        mode="markers",
        marker={"color": colour, "size": 9},
        customdata=[int(found.counts[b]) for b in filled],
        hovertemplate="sure %{x:.1%}, right %{y:.1%}, of %{customdata:,} tokens<extra></extra>",
    )
    framed(figure, height=290, showlegend=False, uniformtext={"minsize": 10, "mode": "show"})
    ticks = {"tickvals": [0, 0.25, 0.5, 0.75, 1], "tickformat": ".0%"}
    figure.update_xaxes(title="how sure: p of its top token", range=[0, 1], **ticks)
    figure.update_yaxes(title="how often that token came", range=[0, 1.1], **ticks)
    return figure
