"""How a text became these tokens: what was done to it first, then one word of it, piece by piece."""

from __future__ import annotations

import itertools

import streamlit as st

from playground.components.pieces import pieces
from playground.text import count, escaped, plural, quoted, sentence, visible
from playground.views.tokenizers import lattice, merges, walk
from playground.views.tokenizers.columns import selected
from playground.views.tokenizers.keys import key
from playground.views.tokenizers.lab import Column, Lab, ask
from zoo.tokenizers.explain import Explanation, Lattice, Lookup, Merges, Stage, Walk, explain
from zoo.tokenizers.explain.parts import Word
from zoo.tokenizers.unknown import unknown_id

FOLLOWED = 2000
"""Characters of the text that are followed; the rest goes the same way."""
WORDS = 200
SHOWN = 60
"""Pieces of a stage that are shown."""
WHICH, WORD, SEEN = key("how", "column"), key("how", "word"), key("how", "seen")
"""The tokenizer and the piece that are explained; the token that was clicked last."""
BEYOND = key("how", "beyond")
"""The token that was clicked, where it is none of those that are followed, and how many pieces are."""


def draw(lab: Lab) -> None:
    """The whole part, for one of the tokenizers."""
    clicked = _clicked(lab.columns)
    column = _column(lab.columns)
    text = lab.text[:FOLLOWED]
    if len(lab.text) > len(text):
        st.caption(f"Followed here: the first {count(len(text))} of {count(len(lab.text))} characters.")
    try:
        found = ask(column, explain, text=text, most=WORDS)
        unknown = ask(column, unknown_id)
    except ValueError as error:
        st.error(escaped(sentence(str(error))), icon=":material/error:")
        return
    _stages(found.stages)
    if not found.words:
        st.info("Nothing of this text reaches the model.", icon=":material/info:")
        return
    if clicked is not None:
        held = _holding(found.words, clicked)
        st.session_state[BEYOND] = None if held else (selected(lab.columns), len(found.words))
        if held:
            st.session_state[WORD] = _name(*held)
    _told_beyond(lab.columns)
    _word(column, found, unknown)


def _told_beyond(columns: list[Column]) -> None:
    """A token far down in the text was clicked: what is explained instead isn't where it came from."""
    chosen, (beyond, followed) = selected(columns), st.session_state.get(BEYOND) or (None, 0)
    if chosen is not None and chosen == beyond:
        st.info(
            f"Token {count(chosen[1] + 1)}, which you clicked, lies beyond the {plural(followed, 'piece')} that are "
            "followed here: put its words into a text of their own to see how it got there.",
            icon=":material/info:",
        )


def _clicked(columns: list[Column]) -> int | None:
    """The position of a token that was clicked since the last look; its column is then the one that is explained."""
    chosen, seen = selected(columns), st.session_state.get(SEEN)
    st.session_state[SEEN] = chosen
    if chosen is None or chosen == seen:
        return None
    st.session_state[WHICH] = chosen[0]
    return chosen[1]


def _holding(words: list[Word], token: int) -> tuple[int, Word] | None:
    """The piece that the token of this position came out of; None where it is beyond those that are listed."""
    ends = itertools.accumulate(len(word.ids) for word in words)
    return next(((i, word) for i, (word, end) in enumerate(zip(words, ends, strict=True)) if token < end), None)


def _column(columns: list[Column]) -> Column:
    by_key = {each.key: each for each in columns}  # two of one's own may have the same title
    if st.session_state.get(WHICH) not in by_key:
        first = next((each for each in columns if each.kind != "word"), columns[0])  # a word is only looked up
        st.session_state[WHICH] = first.key
    st.segmented_control(
        "Tokenizer",
        list(by_key),
        key=WHICH,
        required=True,
        format_func=lambda name: escaped(by_key[name].title if name in by_key else name),
        persist_state="session",
    )
    return by_key[st.session_state[WHICH]]


def _stages(stages: list[Stage]) -> None:
    st.markdown("##### Before the model")
    if not stages:
        st.markdown("Nothing is done to the text first: the whole of it goes to the model as one piece.")
    for number, stage in enumerate(stages, start=1):
        st.markdown(f"**{number}. {escaped(stage.title)}** · {escaped(stage.sentence)}")
        pieces(stage.pieces[:SHOWN], key=key("stage", str(number)), label=f"The text after step {number}")
        if stage.total > SHOWN:
            st.caption(f"The first {SHOWN} of {plural(stage.total, 'piece')}.")


def _word(column: Column, found: Explanation, unknown: int | None) -> None:
    st.markdown("##### In the model, each piece by itself")
    names = [_name(i, word) for i, word in enumerate(found.words)]
    if st.session_state.get(WORD) not in names:
        st.session_state[WORD] = names[_richest(found.words)]
    listed = f"the first {len(names)} of {count(found.total_words)}" if found.total_words > len(names) else "in order"
    st.selectbox(f"Piece ({listed})", names, key=WORD)
    word = found.words[names.index(st.session_state[WORD])]
    if isinstance(word, Merges):
        merges.draw(column, word)
    elif isinstance(word, Walk):
        walk.draw(word)
    elif isinstance(word, Lattice):
        lattice.draw(word, unknown)
    else:
        _lookup(word)
    if word.note:
        st.caption(escaped(sentence(word.note)))


def _name(position: int, word: Word) -> str:
    """What the box calls a piece: its place keeps two of the same spelling apart."""
    shown = word.word if len(word.word) <= 40 else word.word[:40] + "…"
    return f"{position + 1} · {visible(shown)}"


def _richest(words: list[Word]) -> int:
    """Where there is most to see: the most steps, among words that are read at a glance."""

    def steps(word: Word) -> int:
        if len(word.word) > 24:
            return 0
        return len(word.steps) if isinstance(word, Merges) else len(word.ids)

    return max(range(len(words)), key=lambda i: steps(words[i]))


def _lookup(word: Lookup) -> None:
    if word.known:
        st.markdown(f"{quoted(word.word)} stands in the vocabulary as a whole: it is token **{word.ids[0]}**.")
    else:
        st.markdown(f"{quoted(word.word)} is not in the vocabulary, so it becomes the token that means “unknown”.")
