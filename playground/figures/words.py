"""What a model expects next: its words as bars beside the right ones, and how they shifted during training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from playground.figures.style import MODEL, QUIET, RIGHT, framed, token
from playground.text import percent

ACROSS = 2
"""How many small charts stand side by side: with more, their titles would touch on a phone."""
_PANEL, _BETWEEN = 110, 56
"""Pixels of a small chart's height, and below it: for its numbers, and the title of the next."""
_ROW = 30
"""Pixels that a pair of bars takes."""


def word_bars(pieces: Sequence[str], model: Sequence[float | None], right: Sequence[float] | None = None) -> go.Figure:
    """Horizontal bars, the first word on top; with `right`, the exact probability below each of the model's.

    A None of the model's is a word that is not among those recorded: it gets no bar.
    """
    places = list(range(len(pieces)))
    figure = go.Figure()
    figure.add_bar(**_bars("model", places, model, MODEL))
    if right is not None:
        figure.add_bar(**_bars("right", places, right, RIGHT))
    framed(figure, height=70 + _ROW * max(len(pieces), 1), barmode="group", bargap=0.25, bargroupgap=0.08)
    figure.update_layout(showlegend=right is not None)
    figure.update_yaxes(
        tickmode="array",
        tickvals=places,
        ticktext=[token(piece) for piece in pieces],
        range=[len(pieces) - 0.5, -0.5],
        showgrid=False,
        tickfont={"family": "monospace"},
    )
    figure.update_xaxes(range=[0, 1.25], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%", title="probability")
    return figure


def word_lines(
    steps: Sequence[int], probs: Mapping[str, Sequence[float | None]], right: Mapping[str, float] | None = None
) -> go.Figure:
    """One small chart a word: its probability at each evaluation; its right one as a line across.

    Args:
        steps: where the model was asked.
        probs: word -> its probability each time; None where it was not among those recorded.
        right: word -> its exact probability, where it is known.
    """
    words, exact = list(probs), right or {}
    columns = min(ACROSS, max(len(words), 1))
    rows = -(-len(words) // columns) or 1
    figure = go.Figure()
    layout: dict[str, object] = {"annotations": []}
    for place, word in enumerate(words):
        axes, left, top = _cell(place, columns, rows)
        layout |= axes
        layout["annotations"].append(_heading(word, left, top))  # type: ignore[attr-defined]
        at = {"xaxis": f"x{_number(place)}", "yaxis": f"y{_number(place)}"}
        if word in exact and steps:
            across = {"x": [steps[0], steps[-1]], "y": [exact[word]] * 2, "name": "right"}
            figure.add_scatter(**across, **at, mode="lines", line={"color": RIGHT, "width": 2, "dash": "dash"})
        line = {"x": list(steps), "y": list(probs[word]), "name": "model", "line": {"color": MODEL, "width": 2}}
        figure.add_scatter(**line, **at, mode="lines+markers", marker={"size": 4})
    figure.update_traces(hovertemplate="step %{x:,}: %{y:.2%}<extra></extra>")
    margin = {"l": 8, "r": 8, "t": 28, "b": 8}
    return framed(figure, height=64 + _inside(rows), showlegend=False, margin=margin, **layout)


def _inside(rows: int) -> int:
    """Pixels of all rows of small charts, and of what is between them."""
    return rows * _PANEL + (rows - 1) * _BETWEEN


def _cell(place: int, columns: int, rows: int) -> tuple[dict[str, object], float, float]:
    """The axes of one small chart in a grid, and where it begins: its left and its top, 0 to 1."""
    column, row = place % columns, place // columns
    wide, whole = 1 / columns, _inside(rows)
    left, top = column * wide, 1 - row * (_PANEL + _BETWEEN) / whole
    bottom = max(0.0, top - _PANEL / whole)
    x: dict[str, object] = {
        "domain": [left, left + wide * 0.9],
        "anchor": f"y{_number(place)}",
        "nticks": 3,
        "tickformat": "~s",
    }
    y: dict[str, object] = {
        "domain": [bottom, top],
        "anchor": f"x{_number(place)}",
        "range": [0, 1.04],
        "tickvals": [0, 0.5, 1],
    }
    y |= {"tickformat": ".0%", "showticklabels": column == 0}
    name = _number(place)
    return {f"xaxis{name}": x | {"showgrid": False}, f"yaxis{name}": y}, left, top


def _number(place: int) -> str:
    """How Plotly numbers axes: x, x2, x3 …"""
    return "" if place == 0 else str(place + 1)


def _heading(word: str, left: float, top: float) -> dict[str, object]:
    place = {"x": left, "y": top, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
    return place | {"text": token(word), "showarrow": False, "font": {"size": 13, "family": "monospace"}}


def divergence_line(steps: Sequence[int], nats: Sequence[float]) -> go.Figure:
    """How far the model's distribution is from the right one at each checkpoint, in nats."""
    figure = go.Figure()
    figure.add_scatter(
        x=list(steps),
        y=list(nats),
        mode="lines+markers",
        line={"color": MODEL, "width": 2},
        marker={"size": 7},
        hovertemplate="step %{x:,}: %{y:.4f} nats<extra></extra>",
    )
    framed(figure, height=210, showlegend=False)
    figure.update_xaxes(title="training steps so far", tickformat=",", showgrid=False)
    figure.update_yaxes(title="nats from right", rangemode="tozero")
    return figure


def story_chart(
    words: Sequence[str],
    model: Sequence[float],
    right: Sequence[float],
    kinds: Sequence[str],
    colours: Mapping[str, str],
) -> go.Figure:
    """A story, word by word: the model's loss as bars, coloured by what settles the word; the right loss as marks."""
    places = list(range(len(words)))
    figure = go.Figure()
    for kind, colour in colours.items():
        mine = [place for place in places if kinds[place] == kind]
        figure.add_bar(
            x=mine,
            y=[model[place] for place in mine],
            name=kind,
            width=0.8,
            marker={"color": colour},
            customdata=[[token(words[place]), right[place]] for place in mine],
            hovertemplate="%{customdata[0]}: %{y:.3f} nats, right %{customdata[1]:.3f}<extra>" + kind + "</extra>",
        )
    figure.add_scatter(
        x=places,
        y=list(right),
        name="right",
        mode="markers",
        marker={"symbol": "line-ew", "size": 11, "line": {"width": 3, "color": RIGHT}},
        hovertemplate="right: %{y:.3f} nats<extra></extra>",
    )
    framed(figure, height=330, barmode="overlay")
    figure.update_xaxes(
        tickmode="array", tickvals=places, ticktext=[token(word) for word in words], tickangle=-60, showgrid=False
    )
    figure.update_yaxes(title="loss: −ln p, nats", rangemode="tozero")
    return figure


def _bars(name: str, places: list[int], values: Sequence[float | None], colour: str) -> dict[str, object]:
    return {
        "x": list(values),
        "y": places,
        "name": name,
        "orientation": "h",
        "marker": {"color": colour},
        "text": [_written(value) for value in values],
        "textposition": "outside",
        "textfont": {"size": 12},
        "constraintext": "none",
        "cliponaxis": False,
        "hovertemplate": "%{x:.4%}<extra>" + name + "</extra>",
    }


def _written(value: float | None) -> str:
    """A bar's number: nothing where it is not known, and a plain 0 where it is exactly that."""
    if value is None:
        return ""
    return percent(value) if value else "0"


KIND_COLOURS = {"chance": QUIET, "grammar": "#56B4E9", "near": "#009E73", "far": "#D55E00"}
"""What settles a word of the glass-box language: Okabe and Ito's hues, named in the legend."""
