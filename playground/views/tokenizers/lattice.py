"""One word through Unigram: every piece that fits, the likeliest split, and the next best."""

from __future__ import annotations

import math

import streamlit as st

from playground.components.pieces import pieces
from playground.figures.lattice import BEST, OTHER, SECOND, Bar, described, lattice_chart
from playground.figures.style import CHART
from playground.text import count, number, plural, quoted
from playground.views.tokenizers.keys import key
from zoo.tokenizers.explain import Edge, Lattice
from zoo.tokenizers.explain.unigram import PENALTY

MOST_CHARACTERS = 24
"""A longer word's chart would be too small to read."""
UNLEARNED = (
    f"The score of a character that the vocabulary lacks is none that was learned: it is {PENALTY:g} below the lowest "
    "score in the vocabulary."
)


def draw(word: Lattice, unknown: int | None) -> None:
    """The chart of the pieces, and the sum behind the best split and the next best.

    `unknown`: the id of what the vocabulary lacks, where there is one.
    """
    pieces(word.pieces, key=key("best"), label="The tokens")
    if not word.edges:  # too long to list what could stand in it
        st.markdown(f"The best split has a score of **{number(word.best_score)}**.")
        return
    best = [word.edges[i] for i in word.best]
    second = [word.edges[i] for i in word.second] if word.second is not None else []
    lacking = [edge for edge in word.edges if edge.id == unknown and edge.end - edge.start == 1]
    st.markdown(f"**Best split:** {_sum(best, word.best_score)}")
    if word.second is not None and word.second_score is not None:
        penalties = [sum(edge in lacking for edge in split) for split in (best, second)]
        times = _how_much(word.best_score - word.second_score) if penalties[0] == penalties[1] else ""
        st.markdown(f"**Next best:** {_sum(second, word.second_score)} {times}".rstrip())
    else:
        st.markdown("There is no other way to split this piece with the vocabulary.")
    long = len(word.word) > MOST_CHARACTERS
    if any(edge in lacking for edge in (best + second if long else word.edges)):
        st.caption(UNLEARNED)
    if long:
        st.caption(
            f"The chart of its {plural(len(word.edges), 'piece')} is left out: {count(len(word.word))} characters."
        )
        return
    st.plotly_chart(
        lattice_chart(word.word, bars(word)), config=CHART, key=key("lattice"), alt=described(word.word, bars(word))
    )
    st.caption(
        "Each bar is a piece of the vocabulary that fits at this place. A split is a row of bars without a gap; its "
        "score is the sum of its pieces' scores. Those that were learned are logarithms of probabilities. The highest "
        "sum wins."
    )


def bars(word: Lattice) -> list[Bar]:
    """The pieces with the part that they play; one that is in both splits is drawn twice."""
    best, second = set(word.best), set(word.second or ())

    def bar(edge: Edge, part: str) -> Bar:
        return Bar(edge.start, edge.end, edge.piece, edge.score, part)

    return [
        *(bar(word.edges[i], BEST) for i in word.best),
        *(bar(word.edges[i], SECOND) for i in word.second or ()),
        *(bar(edge, OTHER) for i, edge in enumerate(word.edges) if i not in best | second),
    ]


def _sum(edges: list[Edge], total: float) -> str:
    """The scores and what they add up to; what is shown of them may not add up to the last digit."""
    parts = " + ".join(quoted(edge.piece) for edge in edges)
    if len(edges) == 1:
        return f"{parts} with **{number(total)}**"
    scores = " + ".join(f"({number(edge.score)})" for edge in edges)
    if number(sum(round(edge.score, 2) for edge in edges)) == number(total):
        return f"{parts} with {scores} = **{number(total)}**"
    return f"{parts} with {scores} ≈ **{number(total)}** (each is rounded to two decimals)"


def _how_much(difference: float) -> str:
    """How much likelier the best split is, by the difference of the two logarithms."""
    if difference < 1e-9:
        return "(exactly as likely; the first one found is taken)"
    if difference >= math.log(1e6):
        return "(the best split is more than a million times as likely)"
    times = math.exp(difference)
    if times >= 100:
        return f"(the best split is {count(round(times))} times as likely)"
    return f"(the best split is {number(times)} times as likely)" if times >= 1.01 else "(hardly less likely)"
