"""The right answer: at any checkpoint, the model's distribution beside the exact one, and a story word by word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from playground.catalogue import Choice
from playground.figures.style import CHART
from playground.figures.words import KIND_COLOURS, story_chart, word_bars
from playground.text import count, escaped, number, percent, plural, quoted, sentence
from playground.views import timeline
from playground.views.train import facts, weights
from playground.views.train.keys import key
from zoo.compare.exact import compared, divergence, impossible, right_answer, tokens_of

if TYPE_CHECKING:
    from zoo.data.glass_box import GlassBox, Story
    from zoo.training import Run

KINDS = {
    "chance": "a roll of the dice",
    "grammar": "grammar",
    "near": "a word nearby",
    "far": "a word far back",
}
"""What settles a word -> its words for the reader."""
HELD_OUT = 2**31
"""The stories shown here come from a seed that no training uses."""
STORIES = 12
"""How many of them can be chosen."""


def draw(run: Run, run_id: str) -> None:
    """The panel, for a run on the glass-box stories whose tokens are the language's words."""
    known, steps = facts.of(run), run.steps()
    language = known.language
    if language is None or not steps:
        return
    st.header("The right answer", anchor=False)
    if known.unit != "word":
        st.info(
            "The exact probabilities are those of whole words. This model's tokens are pieces of words, so the two "
            "cannot be set side by side: train one from random weights to compare them."
        )
        return
    newest = weights.stamp(run, steps[-1])
    chosen = timeline.choose(Choice(str(run.folder), run_id, stamp=newest))
    step = steps[-1] if chosen is None else chosen
    _prefix(run, language, step)
    _story(run, language, step)


def _prefix(run: Run, language: GlassBox, step: int) -> None:
    """A beginning that the reader types: what can come next, and what the model thinks can."""
    place = key("prefix")
    if st.session_state.get(key("prefix.of")) != run.folder.name:  # another run begins with its own prompt
        st.session_state[key("prefix.of")] = run.folder.name
        st.session_state[place] = run.info.prompt
    typed = st.text_area(
        "A story's beginning",
        key=place,
        height=88,
        max_chars=2000,
        persist_state="session",
        help="Anything that the language of the stories can say. It begins at the beginning: a story tells who it "
        "is about first.",
    )
    try:
        words = language.split(typed or "")
        right = right_answer(language, run.tokenizer, words)
    except ValueError as error:
        st.warning(escaped(sentence(str(error))), icon=":material/spellcheck:")
        return
    probs = weights.next_probs(str(run.folder), step, weights.stamp(run, step), typed or "")
    if probs is None:
        st.info("The model needs at least one word to go on from, and no more of them than it can read at once.")
        return
    ids = compared(right, probs)
    bars, said = st.columns([3, 2], gap="large", vertical_alignment="center")
    with bars:
        st.plotly_chart(
            word_bars(
                [run.tokenizer.piece(token) for token in ids],
                [float(probs[token]) for token in ids],
                [right.get(token, 0.0) for token in ids],
            ),
            key="train.right",
            config=CHART,
            alt="The model's probability of each next word beside the exact one.",
        )
    with said:
        _said(run, language, words, right, probs, step)


def _said(
    run: Run, language: GlassBox, words: Sequence[str], right: dict[int, float], probs: np.ndarray, step: int
) -> None:
    nats = divergence(right, probs)
    best = max(right, key=lambda token: right[token])
    st.metric("Divergence KL(right ‖ model)", f"{number(nats, 4)} nats")
    st.markdown(
        f"The likeliest word here is {quoted(run.tokenizer.piece(best))}, with exactly **{percent(right[best])}**. "
        f"After {count(step)} steps the model gives it **{percent(float(probs[best]))}**. "
        f"{plural(len(right), 'word')} can stand here; the model puts {percent(impossible(right, probs))} on words "
        "that cannot."
    )
    if (back := _settled(language, words)) is not None:
        st.markdown(f"What settles it was said **{plural(back, 'word')} back**.")


def _settled(language: GlassBox, words: Sequence[str]) -> int | None:
    """How far back the word lies that settles the likeliest next one; None where it is no single word."""
    exact = language.next_words(words)
    likeliest = max(exact, key=lambda word: exact[word])
    try:
        need = language.needs([*words, likeliest])[-1]
    except ValueError:
        return None
    return need.back if need.kind == "far" else None


def _story(run: Run, language: GlassBox, step: int) -> None:
    """A story that no training has seen: what each word costs the model, beside what it must cost."""
    title = "A whole story: which words does it know by now?"
    box = st.expander(title, icon=":material/menu_book:", key="train.story", on_change="rerun")
    if not box.open:
        return
    with box:
        which = st.number_input("Story", 1, STORIES, key=key("story.number"), persist_state="session", width=140)
        story = stories(language, language.fingerprint)[int(which) - 1]
        st.text(story.text)
        ids = tokens_of(language, run.tokenizer, story.words)
        cost = weights.surprisals(str(run.folder), step, weights.stamp(run, step), tuple(ids))
        shown = slice(1, 1 + len(cost))  # the first word is given: nothing stands before it
        words, right = list(story.words)[shown], language.surprisals(story.words)[shown]
        needs = language.needs(story.words)[shown]
        kinds = [KINDS[need.kind] for need in needs]
        colours = {KINDS[kind]: colour for kind, colour in KIND_COLOURS.items()}
        st.plotly_chart(
            story_chart(words, cost.tolist(), right.tolist(), kinds, colours),
            key="train.story.chart",
            config=CHART,
            alt="The model's loss on each word of a story, coloured by what settles the word, beside the right loss.",
        )
        st.caption(
            "Bar: −ln p of the word that came, in the model. Gold mark: the same in the language itself, which no "
            "model can beat on average. Colour: what settles the word."
        )
        st.markdown(_by_kind(kinds, [need.back for need in needs], cost, right))


def _by_kind(kinds: Sequence[str], back: Sequence[int | None], model: np.ndarray, right: np.ndarray) -> str:
    """What the model lacks, for each kind of word: a table."""
    rows = []
    for kind in KINDS.values():
        mine = np.array([each == kind for each in kinds], dtype=bool)
        if not mine.any():
            continue
        far = [each for each, of in zip(back, mine, strict=True) if of and each is not None]
        distance = number(sum(far) / len(far), 1) if far else "–"
        rows.append(
            f"| {kind} | {int(mine.sum())} | {distance} | {number(float(model[mine].mean()), 3)} | "
            f"{number(float(right[mine].mean()), 3)} | {number(float((model[mine] - right[mine]).mean()), 3)} |"
        )
    head = "| settled by | words | words back, mean | model, nats | right, nats | missing |"
    return "\n".join([head, "|---|---:|---:|---:|---:|---:|", *rows])


@st.cache_data(show_spinner=False)
def stories(_language: GlassBox, fingerprint: str) -> list[Story]:
    """Stories that no training has seen; `fingerprint` is the language's."""
    return _language.stories(STORIES, HELD_OUT + 1)
