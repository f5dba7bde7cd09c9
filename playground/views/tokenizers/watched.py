"""Training, watched: byte-pair encoding learns a small text, one merge at a time."""

from __future__ import annotations

import streamlit as st

from playground.components.words import Row, word_rows
from playground.figures.pair_counts import PairBar, pair_bars
from playground.figures.style import CHART
from playground.text import count, escaped, plural, quoted, sentence, visible
from playground.views.tokenizers import watched_words
from playground.views.tokenizers.keys import key
from playground.views.tokenizers.lab import Lab
from zoo.tokenizers import Tokenizer
from zoo.tokenizers.learn import Learned, Level, learn, library_merges

MOST = 200
"""Merges that are shown."""
LONGEST = 20_000
"""Characters that are learned from."""
WORDS, TOKENS = 40, 40
"""Words that are shown at a time, and tokens of a word."""
SMALL, ABOVE = "A small text", "The text above"
LEVELS: dict[str, Level] = {"Bytes": "byte", "Characters": "character"}
TEXT = (
    "She walked and talked, he walks and talks. Walking is slow, talking is slower, "
    "and the slowest walker talked the longest."
)
SOURCE, WRITTEN, LEVEL = key("watched", "source"), key("watched", "text"), key("watched", "level")
DONE, OF = key("watched", "done"), key("watched", "of")


def draw(lab: Lab) -> None:
    """The whole part."""
    st.markdown(
        "How does a tokenizer get its tokens? Byte-pair encoding starts from the smallest symbols, counts which two "
        "stand side by side most often, makes them one token, and counts again."
    )
    text, level = _chosen(lab)
    try:
        learned, library = _learned(text, level)
    except ValueError as error:
        st.error(escaped(sentence(str(error))), icon=":material/error:")
        return
    if not learned.steps:
        st.info("No two symbols stand side by side here: write a word of two letters or more.", icon=":material/edit:")
        return
    names = learned.tokenizer()
    done = _step(text, level, len(learned.steps))
    st.markdown(watched_words.said(learned, names, done))
    st.markdown(watched_words.shorter(learned, done, len(text)))
    left, right = st.columns(2, gap="medium")
    with left:
        _counts(learned, names, done)
    with right:
        _words(text, learned, names, done)
    _vocabulary(learned, names, done)
    st.markdown(watched_words.notice(learned, MOST))
    _library(learned, library)


def _chosen(lab: Lab) -> tuple[str, Level]:
    """The text to learn from, and what its smallest symbols are."""
    st.session_state.setdefault(SOURCE, SMALL)
    st.session_state.setdefault(WRITTEN, TEXT)
    st.session_state.setdefault(LEVEL, "Bytes")
    with st.container(horizontal=True):
        st.segmented_control("Learn from", [SMALL, ABOVE], key=SOURCE, required=True, persist_state="session")
        st.segmented_control(
            "Smallest symbols",
            list(LEVELS),
            key=LEVEL,
            required=True,
            persist_state="session",
            help="In English text a letter is one byte, so little changes. “é” is two bytes, “日” three.",
        )
    if st.session_state[SOURCE] == SMALL:
        st.text_area("A small text to learn from", key=WRITTEN, height=90, max_chars=LONGEST, persist_state="session")
        whole = str(st.session_state[WRITTEN] or "")
    else:
        whole = lab.text
    if len(whole) > LONGEST:
        st.caption(f"Learned from the first {count(LONGEST)} of {count(len(whole))} characters.")
    return whole[:LONGEST], LEVELS[st.session_state[LEVEL]]


@st.cache_data(max_entries=16, show_spinner="Counting pairs …")
def _learned(text: str, level: Level) -> tuple[Learned, list[tuple[str, str]]]:
    """What our trainer learns from the text, and the merges that the library's trainer chooses."""
    return learn([text], MOST, level), library_merges([text], MOST, level)


def _step(text: str, level: Level, last: int) -> int:
    """How many merges are done: none at first, and whenever the text or its symbols change."""
    if st.session_state.get(OF) != (text, level):
        st.session_state[OF], st.session_state[DONE] = (text, level), 0
    done = st.session_state[DONE] = min(max(int(st.session_state.get(DONE, 0)), 0), last)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            "Back",
            icon=":material/chevron_left:",
            on_click=_move,
            args=(-1, last),
            key=key("watched", "back"),
            disabled=done == 0,
        )
        st.button(
            "Merge",
            icon=":material/merge:",
            type="primary",
            on_click=_move,
            args=(1, last),
            key=key("watched", "merge"),
            disabled=done == last,
        )
        if last > 1:
            st.slider("Merges done", 0, last, key=DONE, persist_state="session")
    return done


def _move(by: int, last: int) -> None:
    st.session_state[DONE] = min(max(int(st.session_state.get(DONE, 0)) + by, 0), last)


def _counts(learned: Learned, names: Tokenizer, done: int) -> None:
    """The bars of the most frequent pairs, before the merge of this step."""
    step = learned.steps[max(done - 1, 0)]
    bars = [PairBar(names.piece(each.left), names.piece(each.right), each.count) for each in step.candidates]
    st.markdown(f"**Pairs before step {done}**, the merged one in gold" if done else "**Pairs before the first step**")
    spoken = ", ".join(
        f"{visible(watched_words.short(bar.left))} + {visible(watched_words.short(bar.right))}: {count(bar.count)}"
        for bar in bars
    )
    st.plotly_chart(
        pair_bars(bars, 0 if done else None),
        key=key("watched", "chart"),
        config=CHART,
        alt=f"How often pairs stand side by side. {spoken}.",
    )
    st.caption(f"The {count(len(bars))} most frequent of {plural(step.different, 'different pair')}.")


def _words(text: str, learned: Learned, names: Tokenizer, done: int) -> None:
    """The words with their counts, cut as they are after this step; the new token is ringed."""
    cut = _cut(text, learned.level, done, learned)
    rows = [_row(ids, learned.words[word], names, learned, done) for word, ids in cut]
    st.markdown(f"**Words after step {done}**, the new token ringed" if done else "**Words before the first step**")
    word_rows(rows, key=key("watched", "words"), label=f"Words after step {done}")
    if len(learned.words) > len(rows):
        first = "those with the new token first, then " if done else ""
        st.caption(f"{count(len(rows))} of {count(len(learned.words))} different words: {first}the most frequent.")
    else:
        st.caption("Each different word of the text, with how often it occurs. A space belongs to the word behind it.")


@st.cache_data(max_entries=64, show_spinner=False)
def _cut(text: str, level: Level, done: int, _learned: Learned) -> list[tuple[str, list[int]]]:
    """The words that are shown, with their tokens after this step."""
    if len(_learned.words) <= WORDS:
        return [(word, _learned.cut(word, done)) for word in _learned.words]
    ordered = sorted(_learned.words, key=_learned.words.__getitem__, reverse=True)
    found: dict[str, list[int]] = {}
    if done:
        token = _learned.steps[done - 1].token
        for word in (each for each in ordered if _learned.vocabulary[token] in each):
            if token in (ids := _learned.cut(word, done)):
                found[word] = ids
            if len(found) == WORDS:
                break
    rest = [word for word in ordered[: 2 * WORDS] if word not in found][: WORDS - len(found)]
    return [*found.items(), *((word, _learned.cut(word, done)) for word in rest)]


def _row(ids: list[int], often: int, names: Tokenizer, learned: Learned, done: int) -> Row:
    new = learned.steps[done - 1].token if done else None
    shown = ids[:TOKENS]
    more = f"the first {TOKENS} of {plural(len(ids), 'token')}" if len(ids) > TOKENS else ""
    pieces = [watched_words.short(names.piece(each)) for each in shown]
    return Row(f"{count(often)} ×", pieces, shown, [i for i, each in enumerate(shown) if each == new], more)


def _vocabulary(learned: Learned, names: Tokenizer, done: int) -> None:
    """The tokens so far, the newest first; at the end those of the text that were there before."""
    size = learned.start + done
    st.markdown(
        f"**The vocabulary so far: {plural(size, 'token')}**, {watched_words.beginning(learned)} at first, "
        f"{count(done)} learned"
    )
    rows = [
        Row(
            str(step.token),
            [watched_words.short(names.piece(step.token))],
            [step.token],
            [0] if number == done else [],
            f"step {number}: {visible(watched_words.short(names.piece(step.left)))} + "
            f"{visible(watched_words.short(names.piece(step.right)))}, {count(step.count)} ×",
        )
        for number, step in reversed(list(enumerate(learned.steps[:done], start=1)))
    ]
    word_rows([*rows, _smallest(learned, names)], key=key("watched", "vocabulary"), label="The vocabulary so far")


def _smallest(learned: Learned, names: Tokenizer) -> Row:
    """The symbols that this text is made of."""
    used = {char for word in learned.words for char in word}
    ids = [i for i, name in enumerate(learned.vocabulary[: learned.start]) if name in used]
    shown = ids[: 3 * TOKENS]
    note = (
        f"the {plural(len(ids), 'symbol')} of this text"
        if len(ids) == len(shown)
        else (f"the first {len(shown)} of {plural(len(ids), 'symbol')} of this text")
    )
    return Row("start", [names.piece(each) for each in shown], shown, (), note)


def _library(learned: Learned, library: list[tuple[str, str]]) -> None:
    """Whether the library's trainer agrees, computed from its answer."""
    same, said = watched_words.compared(learned.merges, library)
    if same:
        st.success(said, icon=":material/check:")
    else:
        st.warning(said, icon=":material/difference:")
    st.caption(
        f"The library is {quoted('tokenizers')}, trained on the same text; of equal counts it too takes the lowest ids."
    )
