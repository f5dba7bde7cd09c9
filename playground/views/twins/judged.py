"""The text by which the twins are judged: its box, and what each twin makes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from playground import state
from playground.run_files import language_of_model
from playground.views.twins import goal, measure
from playground.views.twins.twin import Board
from zoo.evaluation import Score

TEXT = (
    "Once upon a time there was a little girl named Lily. She had a small dog. "
    "They liked to play in the park. One day, the dog found a big red ball."
)
ANOTHER = "another_story"


@dataclass(frozen=True)
class Judged:
    """A text in all twins."""

    ids: tuple[int, ...]
    left_out: int
    """Tokens that did not fit."""
    scores: dict[str, Score]
    """Of each twin, by its slot."""
    exact: NDArray[np.float64] | None
    """(T − 1,) the loss of the language itself, where it is known."""
    ceiling: float
    """log of the vocabulary, in nats."""


def own_text(board: Board) -> str:
    """What is judged where nothing was typed: a story of the model's own language, text that its run held out,
    or a few plain sentences."""
    language = language_of_model(board.choice.key)
    if language is not None:
        return goal.story(language, int(state.get(state.STORY)))
    return goal.held_out(board.choice.key, board.choice.stamp) or TEXT


def judge(board: Board) -> Judged:
    """The text in all twins.

    Raises:
        ValueError: it has fewer than two tokens.
    """
    text = state.get(state.JUDGED) or own_text(board)
    model, tokenizer = board.model, board.tokenizer
    start = [] if model.bos is None else [model.bos]
    every = tokenizer.encode(text).ids
    ids = tuple([*start, *every][: room_of(board)])
    language = language_of_model(board.choice.key)
    exact = None if language is None or start or not board.follows else goal.losses(language, tokenizer, text, ids)
    scores = {twin.slot: measure.judged(twin.weights, ids) for twin in board.twins}
    vocab = board.twins[0].trace["logits"].shape[-1]
    return Judged(ids, len(start) + len(every) - len(ids), scores, exact, math.log(vocab))


def room_of(board: Board) -> int:
    """How many tokens of a text are read."""
    return min(board.model.context, state.MAX_TOKENS)


def box(board: Board) -> None:
    """The text's own box. Emptied, it holds the page's text again."""
    shown = state.get(state.JUDGED) or own_text(board)
    key = f"judged-{board.choice.key}-{state.get(state.STORY)}"
    st.session_state[key] = shown
    st.text_area(
        "The text that they are judged by",
        key=key,
        max_chars=state.MAX_CHARACTERS,
        height=110,
        on_change=_typed,
        args=(key, own_text(board)),
        help=f"Any text; its first {room_of(board)} tokens are read. Empty the box to have the page's own text back.",
    )
    if language_of_model(board.choice.key) is not None:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input(
                "Seed of the stories",
                min_value=0,
                max_value=state.MAX_SEED,
                step=1,
                key=state.STORY,
                width=240,
                on_change=_forget,
                help="The same seed gives the same story.",
            )
            st.button("Another story", icon=":material/autorenew:", on_click=_another, key=ANOTHER)


def _typed(key: str, own: str) -> None:
    text = st.session_state[key]
    st.session_state[state.JUDGED] = "" if text == own else text


def _forget() -> None:
    st.session_state[state.JUDGED] = ""


def _another() -> None:
    st.session_state[state.STORY] = (int(state.get(state.STORY)) + 1) % (state.MAX_SEED + 1)
    _forget()
