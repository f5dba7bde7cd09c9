"""Whether a twin knows how sure it may be: its confidence against how often it is right."""

from __future__ import annotations

import streamlit as st

from playground import state
from playground.figures.calibration import reliability
from playground.figures.style import CHART
from playground.run_files import language_of_model
from playground.text import escaped, number, plural, sentence
from playground.views.twins import goal, measure
from playground.views.twins.judged import judge, room_of
from playground.views.twins.twin import Board, columns, idea, share
from zoo.evaluation import Score, calibration


def draw(board: Board) -> None:
    """A reliability diagram for each twin."""
    st.subheader("Do they know how sure they may be?")
    try:
        scores, words = _scores(board)
    except ValueError as error:
        st.info(escaped(sentence(str(error))), icon=":material/edit:")
        return
    st.caption(
        f"Each prediction is sorted by the probability of its top token into one of ten bins; {words}. The bar: how "
        "often that token came, with the number of predictions on top of it. The mark: their mean probability. On the "
        "dotted line a model is right as often as it says."
    )
    for twin, column in columns(board):
        with column:
            score = scores[twin.slot]
            found = calibration(score)
            st.plotly_chart(reliability(found, twin.look["colour"]), key=f"reliable-{twin.slot}", config=CHART)
            st.caption(
                f"On average `{share(float(score.confidence.mean()))}` sure, and right in "
                f"`{share(float(score.right.mean()))}`. Calibration error, the mean distance in the bins: "
                f"`{number(100 * found.gap)}` percentage points."
            )
    idea("calibration")


def _scores(board: Board) -> tuple[dict[str, Score], str]:
    """What is scored, and in words on how much: many fresh stories where the language is known, else the text above."""
    language = language_of_model(board.choice.key)
    if language is None or not board.follows:
        found = judge(board).scores
        few = len(next(iter(found.values())))
        return found, f"on the {plural(few, 'predicted token')} of the text above, few for so many bins"
    seed, key = int(state.get(state.STORY)), board.choice.key
    texts = goal.fresh_stories(language, board.tokenizer, room_of(board), seed, key)
    with st.spinner("The twins are reading …"):
        found = {twin.slot: measure.judged_together(twin.weights, texts) for twin in board.twins}
    amount = plural(len(next(iter(found.values()))), "predicted token")
    return found, f"on {plural(len(texts), 'freshly drawn story').replace('storys', 'stories')}, {amount}"
