"""How surprised the twins are by a text: the means in a table, and the loss token by token."""

from __future__ import annotations

import math

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from playground.figures.style import CHART, RIGHT
from playground.figures.surprise import Series, token_losses
from playground.text import count, escaped, number, plural, quoted, sentence
from playground.views.twins import coloured, measure
from playground.views.twins.judged import Judged, box, judge
from playground.views.twins.twin import Board, Twin, idea, share, table
from playground.views.twins.verdict import verdict
from zoo.evaluation import Score


def notice(board: Board) -> None:
    """The measured statement, at the top of the page; the text is further down."""
    try:
        found = judge(board)
    except ValueError:
        return  # the part that draws the text says why
    st.markdown(f"**Notice.** {verdict(board, found.scores, found.ceiling)}")


ROW = 46
"""Pixels that a row of a table takes."""


def draw(board: Board) -> None:
    """The text, the table, the loss token by token, and the coloured text."""
    st.subheader("How surprised are they by a text?")
    box(board)
    try:
        found = judge(board)
    except ValueError as error:
        st.info(escaped(sentence(str(error))), icon=":material/edit:")
        return
    st.caption(_length(board, found))
    with wide(len(board.twins) + 3):
        st.markdown(overview(board, found))
    st.caption(_columns(found))
    figure = token_losses([board.tokenizer.piece(i) for i in found.ids], _series(board, found), found.ceiling)
    st.plotly_chart(figure, key="token-losses", config=CHART)
    _numbers(board, found)
    idea("surprise")
    coloured.draw(board, found)


def wide(rows: int) -> DeltaGenerator:
    """A box for a table of so many rows that scrolls sideways by itself where a phone is too narrow for it."""
    return st.container(height=ROW * rows + ROW, border=False)


def _length(board: Board, found: Judged) -> str:
    how = "each with a blank in its place" if board.model.fills_blanks else "each from those before it"
    predicted = f"{plural(len(found.ids) - 1, 'token')} are predicted, {how}"
    start = "a start token stands before the text" if board.model.bos is not None else "the first one is given"
    cut = f"; the last {plural(found.left_out, 'token')} did not fit and are left out" if found.left_out else ""
    return f"{predicted}; {start}{cut}."


def overview(board: Board, found: Judged) -> str:
    """Each twin's means in one table, between guessing and the right answer."""
    head = ["weights", "mean loss", "like a fair draw from", "entropy", "top token came", "spread of the weights"]
    rows = [_row(twin, found.scores[twin.slot]) for twin in board.twins]
    size = round(math.exp(found.ceiling))
    guess = f"`{number(found.ceiling)}`"
    rows.insert(0, ["guessing evenly: ln V", guess, f"`{count(size)}` tokens", guess, f"`{share(1 / size)}`", ""])
    if found.exact is not None:
        mean = float(found.exact.mean())
        rows.append(["**the right answer**", f"`{number(mean)}`", f"`{number(math.exp(mean), 1)}` tokens", "", "", ""])
    return table(head, rows)


def _row(twin: Twin, score: Score) -> list[str]:
    return [
        escaped(twin.name),
        f"`{number(score.loss)}`",
        f"`{_draw(score.loss)}` tokens",
        f"`{number(float(score.entropy.mean()))}`",
        f"`{share(float(score.right.mean()))}`",
        f"`{number(measure.spread(twin.weights), 4)}`",
    ]


def _draw(nats: float) -> str:
    """exp(nats), which for a model that is sure of the wrong thing is larger than any vocabulary."""
    return f"{math.exp(nats):,.1f}" if nats < 16 else f"e^{number(nats)}"


def _columns(found: Judged) -> str:
    right = " The right answer is the exact loss of the language itself: nobody does better in the long run." * (
        found.exact is not None
    )
    return (
        "Loss: the mean of −ln p of the token that came, in nats. Entropy: of what was predicted, whatever came. "
        "Spread: the standard deviation of all numbers in the weights; shuffling leaves it as it is." + right
    )


def _series(board: Board, found: Judged) -> list[Series]:
    lines = [Series(twin.name, found.scores[twin.slot].surprisal, **twin.look) for twin in board.twins]
    if found.exact is not None:
        lines.append(Series("the right answer", found.exact, RIGHT, "solid", "line-ew-open"))
    return lines


def _numbers(board: Board, found: Judged) -> None:
    place = st.expander("Show the numbers", icon=":material/table:", key="token_numbers", on_change="rerun")
    if not place.open:
        return
    head = ["place", "token", *[escaped(twin.name) for twin in board.twins]]
    columns = [found.scores[twin.slot].surprisal for twin in board.twins]
    if found.exact is not None:
        head.append("the right answer")
        columns.append(found.exact)
    rows = [
        [
            str(t),
            quoted(board.tokenizer.piece(found.ids[t])),
            *[f"`{number(float(each[t - 1]), 4)}`" for each in columns],
        ]
        for t in range(1, len(found.ids))
    ]
    place.markdown(table(head, rows))
