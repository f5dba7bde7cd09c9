"""Every piece that fits into a word, with its score: the splits that Unigram chooses among."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from playground.components.theme import NEGATIVE, POSITIVE
from playground.figures.style import QUIET, framed, token
from playground.text import number, visible

ROW = 30
"""Pixels of a row of pieces."""
FAINT = "rgba(138, 133, 148, 0.16)"
BEST, SECOND, OTHER = "the best split", "the next best", "other pieces that fit"
_LOOKS = {
    BEST: (POSITIVE, "#1E1B26", POSITIVE),
    SECOND: (NEGATIVE, "#FFFFFF", NEGATIVE),
    OTHER: (FAINT, None, QUIET),
}
"""Fill, text and outline."""


@dataclass(frozen=True)
class Bar:
    """A piece at its place in the word."""

    start: int
    end: int
    piece: str
    score: float
    """Natural logarithm of the piece's probability."""
    part: str
    """BEST, SECOND or OTHER."""


def rows(bars: Sequence[Bar]) -> list[int]:
    """The row of each bar: the best split in row 0, the next best in row 1, the others below, none over another."""
    placed: list[int] = []
    ends: list[int] = []
    for bar in bars:
        if bar.part in (BEST, SECOND):
            placed.append(0 if bar.part == BEST else 1)
            continue
        row = next((i for i, end in enumerate(ends) if end <= bar.start), len(ends))
        ends[row : row + 1] = [bar.end]
        placed.append(row + 2)
    return placed


def lattice_chart(word: str, bars: Sequence[Bar]) -> go.Figure:
    """The bars over the characters of `word`; each shows its piece, and its score on pointing."""
    figure, placed = go.Figure(), rows(bars)
    for part, (fill, ink, line) in _LOOKS.items():
        some = [(bar, row) for bar, row in zip(bars, placed, strict=True) if bar.part == part]
        if not some:
            continue
        figure.add_bar(
            name=part,
            orientation="h",
            base=[bar.start + 0.04 for bar, _ in some],
            x=[bar.end - bar.start - 0.08 for bar, _ in some],
            y=[row for _, row in some],
            width=0.78,
            text=[token(bar.piece) for bar, _ in some],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            insidetextfont={"family": "monospace", "size": 13} | ({"color": ink} if ink else {}),
            constraintext="none",
            marker={"color": fill, "line": {"color": line, "width": 1}},
            customdata=[[token(bar.piece), number(bar.score, 4)] for bar, _ in some],
            hovertemplate="%{customdata[0]}: score %{customdata[1]}<extra></extra>",
        )
    framed(figure, height=ROW * (1 + max(placed, default=0)) + 76, barmode="overlay")
    figure.update_yaxes(autorange="reversed", showticklabels=False, showgrid=False)
    figure.update_xaxes(
        tickvals=[i + 0.5 for i in range(len(word))],
        ticktext=[token(char) for char in word],
        tickfont={"family": "monospace", "size": 13},
        range=[0, max(1, len(word))],
        showgrid=False,
        tickangle=0,
    )
    return figure


def described(word: str, bars: Sequence[Bar]) -> str:
    """The chart in words, for those who don't see it."""
    found = " + ".join(visible(bar.piece) for bar in bars if bar.part == BEST)
    return f"The {len(bars)} pieces that fit into {visible(word)}; the best split is {found}."
