"""Memory against distance: accuracy by how far back a word stands, and how far the gradient reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from playground.components.theme import VALUE
from playground.figures.cost import COLOURS as KINDS
from playground.figures.cost import SYMBOLS as MARKS
from playground.figures.style import QUIET, framed, shown
from playground.text import count

COLOURS = KINDS | {"window": VALUE, "other": "#C7553D"}
SYMBOLS = MARKS | {"window": "x", "other": "star"}
"""Kind of model -> its hue and its mark, as in the chart of costs."""
GUESS = "best guess without the word"
ROW = 14
"""Pixels that each line adds to a chart: on a phone its name has a row of its own."""
SMALLEST = 1e-6
"""Of a gradient, relative to that of the last token: what lies lower is not drawn."""


@dataclass(frozen=True)
class Memory:
    """One model's line."""

    name: str
    kind: str
    live: bool
    """Measured here and now: dotted."""
    accuracies: Sequence[Sequence[float]]
    """For each distance the accuracy of each seed; empty where nothing was asked."""

    def mean(self, place: int) -> float | None:
        """Over the seeds."""
        values = self.accuracies[place]
        return sum(values) / len(values) if values else None


@dataclass(frozen=True)
class Reach:
    """One model's gradient by distance, relative to that of the last token."""

    name: str
    kind: str
    trained: bool
    values: Sequence[float]


def memory_chart(
    labels: Sequence[str], words: Sequence[int], guess: Sequence[float | None], lines: Sequence[Memory]
) -> go.Figure:
    """Accuracy over distance, a line a model; its whiskers reach from the worst seed to the best.

    Args:
        labels, words: of each distance, and how many words were asked there.
        guess: the accuracy of the best guess without the word that settles the next one.
    """
    figure, places = go.Figure(), list(range(len(labels)))
    figure.add_scatter(
        x=places,
        y=list(guess),
        name=GUESS,
        mode="lines",
        line={"color": QUIET, "width": 2, "dash": "dash"},
        hovertemplate="%{y:.1%}<extra>" + GUESS + "</extra>",
    )
    for line in lines:
        means = [line.mean(place) for place in places]
        figure.add_scatter(
            x=places,
            y=means,
            name=shown(line.name),
            mode="lines+markers",
            line={"color": COLOURS[line.kind], "width": 2, "dash": "dot" if line.live else "solid"},
            marker={"symbol": SYMBOLS[line.kind] + ("-open" if line.live else ""), "size": 8},
            error_y=_whiskers(line, means),
            customdata=[_hover(labels[p], words[p], line.accuracies[p]) for p in places],
            hovertemplate="%{customdata}<extra>" + shown(line.name) + "</extra>",
        )
    framed(figure, height=390 + ROW * len(lines), hovermode="closest")
    figure.update_xaxes(
        title="words back to the word that settles the next",
        tickvals=places,
        ticktext=list(labels),
        range=[-0.3, len(labels) - 0.7],
    )
    figure.update_yaxes(title="how often it is right", range=[-0.02, 1.04], tickformat=".0%")
    return figure


def reach_chart(lines: Sequence[Reach]) -> go.Figure:
    """The length of d logit / d embedding over the distance, relative to the last token's, on a log scale.

    A value of 0 cannot stand on a log scale: the line ends there.
    """
    figure = go.Figure()
    for line in lines:
        seen = [value if value >= SMALLEST else None for value in line.values]
        figure.add_scatter(
            x=list(range(len(seen))),
            y=seen,
            name=shown(line.name),
            mode="lines",
            line={"color": COLOURS[line.kind], "width": 2, "dash": "solid" if line.trained else "dot"},
            hovertemplate="%{x} tokens back: %{y:.2~g} times the last token's<extra>" + shown(line.name) + "</extra>",
        )
    framed(figure, height=340 + ROW * len(lines), hovermode="closest")
    figure.update_xaxes(title="tokens back, from the last one that was read", rangemode="tozero")
    figure.update_yaxes(title="gradient, last token = 1", type="log", dtick=1, tickformat="~g", exponentformat="power")
    return figure


def _whiskers(line: Memory, means: Sequence[float | None]) -> dict[str, object]:
    spans = [
        (max(v) - m, m - min(v)) if m is not None else (0.0, 0.0) for v, m in zip(line.accuracies, means, strict=True)
    ]
    above, below = [each[0] for each in spans], [each[1] for each in spans]
    several = any(len(values) > 1 for values in line.accuracies)
    look = {"thickness": 1.2, "width": 4, "color": COLOURS[line.kind], "visible": several}
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, **look}


def _hover(label: str, words: int, values: Sequence[float]) -> str:
    if not values:
        return f"{label} words back: nothing asked"
    seeds = "" if len(values) < 2 else f"<br>{len(values)} seeds: {min(values):.1%} to {max(values):.1%}"
    return f"{label} words back: {sum(values) / len(values):.1%} of {count(words)} words{seeds}"
