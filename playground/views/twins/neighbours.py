"""Which tokens lie nearest to a word in each twin's embedding table: meaning that training put there."""

from __future__ import annotations

import streamlit as st

from playground import state
from playground.text import count, escaped, number, quoted, sentence
from playground.views.twins import measure
from playground.views.twins.twin import Board, columns, table

COUNT = 8


def draw(board: Board) -> None:
    """The word, and a list of neighbours for each twin."""
    st.subheader("The neighbours of a word")
    st.text_input(
        "A word",
        key=state.WORD,
        max_chars=100,
        width=320,
        placeholder="the last token of your text",
        help="Empty: the last token of your text.",
    )
    token, how = chosen(board, state.get(state.WORD))
    piece = quoted(board.tokenizer.piece(token))
    vocab = board.twins[0].trace["logits"].shape[-1]
    st.caption(
        f"{how} Of all {count(vocab)} tokens, the {COUNT} whose rows of the embedding table point most nearly the "
        f"same way as that of {piece}, with the cosine of the angle: 1 is the same direction, 0 nothing in common."
    )
    for twin, column in columns(board):
        with column:
            try:
                found = measure.nearest(twin.weights, token, COUNT)
            except ValueError as error:
                st.info(escaped(sentence(str(error))))
                continue
            if found is None:
                st.info(_no_table(board), icon=":material/visibility_off:")
                continue
            rows = [[quoted(board.tokenizer.piece(each.id)), f"`{number(each.cosine)}`"] for each in found]
            st.markdown(table(["neighbour", "cosine"], rows))


def chosen(board: Board, word: str) -> tuple[int, str]:
    """The token that a word stands for, and how it was found: as it stands inside a text, behind a space, if it can."""
    if not word.strip():
        return _last(board), "The last token of your text."
    for text in (f" {word.strip()}", word.strip()):
        if len(ids := board.tokenizer.encode(text).ids) == 1:
            return ids[0], "Your word."
    ids = board.tokenizer.encode(word.strip()).ids
    pieces = " ".join(quoted(board.tokenizer.piece(i)) for i in ids[:8])
    return ids[-1], f"This model has no token for the whole word; it reads {pieces}, and the last of them is taken."


def _last(board: Board) -> int:
    """The last token of the text: what stands before the model's own mark, where it has one."""
    ids, mark = list(board.ids), board.model.mark
    own = ids[: ids.index(mark)] if mark in ids else ids
    return (own or ids)[-1]


def _no_table(board: Board) -> str:
    title = escaped(board.model.title)
    return (
        f"{title} doesn't say which of its weights is the embedding table, so its rows cannot be compared. "
        "A plugin names it in its method `anatomy`, as `embed.W_E`."
    )
