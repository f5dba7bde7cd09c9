"""What each twin expects next: its likeliest tokens out of the full vocabulary, and how sure it is."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from playground.components.candidates import Candidate, candidates
from playground.run_files import language_of_model
from playground.text import count, number, plural, quoted
from playground.views.twins.twin import Board, Twin, columns, share, table
from zoo.compare.exact import next_tokens
from zoo.evaluation import entropy, log_softmax

TOP = 8
ASKED = {
    "next-token": ("The next token", "After your text"),
    "masked-token": ("What fills the blank", "At the end of your text"),
    "cbow": ("What fills the blank", "At the end of your text"),
    "skip-gram": ("What stands near the last token", "On either side of it"),
    "translate": ("The first token of the translation", "Of your text"),
}
"""Task -> what the twins are asked, and where."""


def draw(board: Board) -> None:
    """A column of candidates for each twin, and the right answer where it is known."""
    title, place = ASKED.get(board.model.task, ASKED["next-token"])
    st.subheader(title)
    st.caption(
        f"{place}, at temperature 1, out of the whole vocabulary: rank, token, probability and logit. "
        "Where there is little room, the token and its probability."
    )
    for twin, column in columns(board):
        with column:
            rows, others = top_rows(twin)
            candidates(rows, others=twin.trace["logits"].shape[-1] - len(rows), others_prob=others, key=_key(twin))
            st.caption(certainty(twin))
    _right_answer(board)


def _key(twin: Twin) -> str:
    return f"next-{twin.slot}"


def top_rows(twin: Twin) -> tuple[list[Candidate], float]:
    """The most probable tokens after the prompt, and what all the others have together."""
    logits = twin.trace["logits"][-1]
    probs = np.exp(log_softmax(logits))
    order = [int(i) for i in np.argsort(-logits, kind="stable")[:TOP]]
    piece = twin.model.tokenizer.piece
    rows = [Candidate(piece(i), i, float(logits[i]), float(probs[i]), rank) for rank, i in enumerate(order, 1)]
    return rows, max(0.0, 1 - float(probs[order].sum()))


def certainty(twin: Twin) -> str:
    """The entropy of the prediction, beside the most that it could be."""
    log_probs = log_softmax(twin.trace["logits"][-1])
    nats, size = entropy(log_probs), log_probs.size
    return (
        f"Entropy `{number(nats)}` of at most ln {count(size)} = `{number(math.log(size))}` nats: as unsure as a fair "
        f"draw from {number(math.exp(nats), 1)} tokens."
    )


def _right_answer(board: Board) -> None:
    """The exact distribution of the language that the model was trained on, where it can say this text."""
    language = language_of_model(board.choice.key)
    if language is None or not board.follows:
        return
    found = next_tokens(language, board.tokenizer, board.tokenizer.decode(list(board.ids)))
    if found is None:
        st.caption(
            "The language of this run cannot begin with your text, so there is no right answer to set beside it."
        )
        return
    best = sorted(found.items(), key=lambda pair: -pair[1])[:TOP]
    nats = -sum(p * math.log(p) for p in found.values())
    st.markdown("**The right answer**: what the language itself says next, exactly")
    pieces = [quoted(board.tokenizer.piece(i)) for i, _ in best]
    st.markdown(table(["token", *pieces], [["probability", *(f"`{share(p)}`" for _, p in best)]]))
    st.caption(f"Entropy `{number(nats)}` nats; {plural(len(found), 'token')} can stand here.")
