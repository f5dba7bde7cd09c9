"""How the loss falls: training and held-out curves between what guessing and knowing would reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from playground.figures.style import MODEL, QUIET, RIGHT, framed, shown
from playground.text import number

MOST_POINTS = 600
"""How many points a curve is drawn with: more than a screen shows, few enough to send twice a second."""
FLOOR = "floor"
"""How the label of the lowest yardstick begins."""

Floats = NDArray[np.float64]


def loss_chart(
    steps: Sequence[int],
    losses: Sequence[float],
    held_out_steps: Sequence[int],
    held_out: Sequence[float],
    lines: Mapping[str, float],
    *,
    unit: str = "token",
    budget: int | None = None,
) -> go.Figure:
    """Loss against training steps, in nats per token.

    Args:
        steps, losses: every training step so far with the loss of its batch.
        held_out_steps, held_out: where held-out text was scored, and its loss.
        lines: yardsticks by their label, drawn as horizontal lines; "floor" stands out.
        unit: what a token is on this run: "word" where the two are the same.
        budget: the number of steps in all, where it is known; the axis then reaches so far.
    """
    figure = go.Figure()
    if len(losses):
        _training(figure, np.asarray(steps, dtype=np.float64), np.asarray(losses, dtype=np.float64))
    figure.add_scatter(
        x=list(held_out_steps),
        y=list(held_out),
        name="held-out text",
        mode="lines+markers",
        line={"color": MODEL, "width": 2},
        marker={"size": 7},
        hovertemplate="step %{x:,}: %{y:.4f}<extra>held-out text</extra>",
    )
    last = max([*steps[-1:], *held_out_steps[-1:], 1])
    right = max(last, budget or 0) * 1.01
    framed(
        figure,
        height=400,
        hovermode="closest",
        shapes=[_line(label, value) for label, value in lines.items()],
        annotations=[_label(label, value) for label, value in lines.items()],
    )
    figure.update_xaxes(title="training steps so far", range=[0, right], tickformat=",", showgrid=False)
    figure.update_yaxes(title=f"loss: nats per {unit}, lower is better", range=_heights(losses, held_out, lines))
    return figure


def smoothed(values: Floats, span: int) -> Floats:
    """The mean of each value and those up to `span` − 1 before it: (n,) -> (n,), nothing from the future."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - span, 0)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts), dtype=np.float64)


def thinned(count: int, most: int = MOST_POINTS) -> NDArray[np.int64]:
    """Which of `count` points to draw: all, or `most` of them evenly spaced, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def span_of(count: int) -> int:
    """Over how many steps a curve of `count` steps is smoothed: a fiftieth of it."""
    return max(1, count // 50)


def _training(figure: go.Figure, steps: Floats, losses: Floats) -> None:
    kept, span = thinned(len(losses)), span_of(len(losses))
    figure.add_scatter(
        x=steps[kept].tolist(),
        y=losses[kept].tolist(),
        mode="lines",
        line={"color": QUIET, "width": 1},
        opacity=0.35,
        showlegend=False,
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=steps[kept].tolist(),
        y=smoothed(losses, span)[kept].tolist(),
        name="text it is trained on" + (f" (mean of {span} steps)" if span > 1 else ""),
        mode="lines",
        line={"color": QUIET, "width": 2},
        hovertemplate="step %{x:,}: %{y:.4f}<extra>training text</extra>",
    )


def _line(label: str, value: float) -> dict[str, object]:
    """A horizontal yardstick across the chart; the floor stands out."""
    floor = label.startswith(FLOOR)
    line = {"color": RIGHT if floor else QUIET, "width": 2 if floor else 1, "dash": "solid" if floor else "dot"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value, "line": line}


def _label(label: str, value: float) -> dict[str, object]:
    """What stands on the line, at its right end; below the floor, where no curve comes."""
    place = {"x": 1, "xref": "paper", "xanchor": "right", "y": value}
    anchor = "top" if label.startswith(FLOOR) else "bottom"
    text = f"{shown(label)} {number(value)}"
    return place | {"yanchor": anchor, "text": text, "showarrow": False, "font": {"size": 12}}


def _heights(losses: Sequence[float], held_out: Sequence[float], lines: Mapping[str, float]) -> list[float]:
    """From below the lowest to above the highest; single batches far outside are cut off."""
    finite = np.asarray([each for each in losses if np.isfinite(each)])
    batches = np.quantile(finite, [0.005, 0.995]).tolist() if len(finite) else []
    values = [*batches, *held_out, *lines.values()]
    if not values:
        return [0.0, 1.0]
    low, high = min(values), max(values)
    pad = 0.09 * max(high - low, 0.1)
    return [max(0.0, low - pad), high + pad]
