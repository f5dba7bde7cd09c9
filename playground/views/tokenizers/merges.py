"""One word through BPE: the smallest symbols, and each merge in the order in which it is done."""

from __future__ import annotations

import streamlit as st

from playground.components.pieces import pieces
from playground.text import count, plural, quoted
from playground.views.tokenizers.keys import key
from playground.views.tokenizers.lab import Column
from zoo.tokenizers.explain import Merge, Merges
from zoo.tokenizers.explain.merging import LONGEST_WORD


def draw(column: Column, word: Merges) -> None:
    """The slider over the merges, the symbols at that point, and the list of all merges."""
    if not word.steps:
        pieces(word.pieces, key=key("symbols"), label="The tokens")
        if said := _unmerged(word):
            st.markdown(said)
        return
    step = _slider(column, word)
    done = word.steps[:step]
    symbols = done[-1].symbols if done else word.start
    pieces(symbols, key=key("symbols"), lit=[done[-1].at] if done else [], label=f"The symbols after {step} merges")
    st.markdown(_sentence(word, step))
    with st.expander(f"All {plural(len(word.steps), 'merge')} of this piece, in order"):
        st.dataframe(
            [
                {
                    "step": i,
                    "rank": each.rank,
                    "left": each.left,
                    "right": each.right,
                    "becomes": each.symbols[each.at],
                }
                for i, each in enumerate(word.steps, start=1)
            ],
            hide_index=True,
            column_config={
                "step": st.column_config.NumberColumn(width="small"),
                "rank": st.column_config.NumberColumn(
                    "rank in the list of merges",
                    help="The lower, the earlier it was learned, and the earlier it is done.",
                ),
            },
        )


def _unmerged(word: Merges) -> str:
    """Why there is no merge to show, where the word's note does not tell."""
    if 1 < len(word.start) <= LONGEST_WORD:
        return "No two neighbours of this piece stand in the list of merges: it stays as it is."
    return "" if word.note else "This piece is one symbol from the start: there is nothing to merge."


def _slider(column: Column, word: Merges) -> int:
    """How many merges are done; none at first, and whenever another word is looked at."""
    name, looked_at = key("merge"), key("merge", "of")
    last, this = len(word.steps), (column.key, word.word, word.span)
    if st.session_state.get(looked_at) != this:
        st.session_state[looked_at], st.session_state[name] = this, 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button("Back", icon=":material/chevron_left:", on_click=_move, args=(-1, last), key=key("merge", "back"))
        st.button("Merge", icon=":material/merge:", on_click=_move, args=(1, last), key=key("merge", "next"))
        st.slider("Merges done", 0, last, key=name)
    return min(max(int(st.session_state[name]), 0), last)


def _move(by: int, last: int) -> None:
    name = key("merge")
    st.session_state[name] = min(max(int(st.session_state[name]) + by, 0), last)


def _sentence(word: Merges, step: int) -> str:
    if step == 0:
        following = word.steps[0]
        return (
            f"At first {quoted(word.word)} is {plural(len(word.start), 'symbol')}. Of all neighbours that stand in the "
            f"list of merges, {_pair(following)} come first, with rank {count(following.rank)}."
        )
    done = word.steps[step - 1]
    text = f"Merge {step}: {_pair(done)}, rank {count(done.rank)}, become {quoted(done.symbols[done.at])}."
    if step < len(word.steps):
        following = word.steps[step]
        return f"{text} The next lowest rank among neighbours is {count(following.rank)}: {_pair(following)}."
    ids = ", ".join(map(str, word.ids[:12])) + (" …" if len(word.ids) > 12 else "")
    return f"{text} No neighbours that are left stand in the list: done. The ids are {ids}."


def _pair(merge: Merge) -> str:
    return f"{quoted(merge.left)} and {quoted(merge.right)}"
