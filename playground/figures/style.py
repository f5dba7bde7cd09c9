"""What all charts share: their colours, their quiet frame, and text that Plotly takes as text."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from playground.components import theme
from playground.text import visible

if TYPE_CHECKING:
    import plotly.graph_objects as go

MODEL = theme.NEGATIVE
"""What the model says, and how it does on text that it has not seen."""
RIGHT = theme.POSITIVE
"""What is right: the exact distribution, and the floor that follows from it."""
QUIET = "#8A8594"
"""What stands in the background: text that was trained on, and yardsticks. Readable on white and on black."""
CHART = {"displayModeBar": False, "responsive": True}
"""What every chart on a page is given to: no bar of buttons, and as wide as its place."""
GRID = "rgba(138, 133, 148, 0.22)"


def shown(text: str) -> str:
    """A text in a chart, as text and nothing else: Plotly reads some HTML, and formulas between dollars."""
    return html.escape(text).replace("$", "&#36;")


def token(piece: str) -> str:
    """A token in a chart, its blanks made visible."""
    return shown(visible(piece))


def framed(figure: go.Figure, *, height: int, **layout: Any) -> go.Figure:
    """The figure with the frame that all share: close margins, no background, a legend above."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "title": None},
        dragmode=False,
        uirevision="kept",
    )
    figure.update_layout(**layout)
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True)
    return figure
