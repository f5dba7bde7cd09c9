"""Both sides against left only: BERT and GPT fill the same blank of a story whose right answer is known exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from playground import engine
from playground.catalogue import Weights
from playground.figures.style import CHART
from playground.figures.translation import loss_bars
from playground.figures.words import word_bars
from playground.paths import TRAIN
from playground.run_files import language_of_model
from playground.text import count, escaped, number, percent, quoted, sentence
from playground.views.sequential.trained import Trained, learned, trained

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zoo.compare.blanks import Example, Sides
    from zoo.data.glass_box import GlassBox

BLANK = "___"
MOST_CHARACTERS, MOST_WORDS = 1000, 100
FEWEST, MOST = 4, 32
"""Held-out stories that can be asked for."""
TOP = 6
ROW = 42
"""Pixels of a word's two bars: each has its number behind it."""
SURE = 2.0
"""How many standard errors a difference must have before it is called one."""
LEFT, BOTH, TEXT, STORIES, RESULT = "sides.left", "sides.both", "sides.text", "sides.stories", "sides.result"
SIDES = {LEFT: "Reads what stands left", BOTH: "Reads both sides"}


@dataclass(frozen=True)
class Answer:
    """What a model makes of a blank, beside the exact answer from what it has read."""

    model: Trained
    log_probs: NDArray[np.float64]
    """(vocab,)"""
    right: Mapping[int, float] | None
    """Token -> its exact probability; None where the language cannot say the text."""
    pieces: Sequence[str]
    """What each token writes."""


def draw() -> None:
    """The part of the page."""
    from zoo.data import language_of

    st.subheader("Both sides against left only: who fills the blank?", anchor="blank")
    st.markdown(
        "GPT reads from left to right, so that it can write. BERT reads **both sides** of a blank at once: it cannot "
        "go on with a text word by word, but it knows what stands behind the gap. Both learned from "
        "stories of the glass box, whose right answer is known exactly, for either question."
    )
    found = trained(("next-token", "masked-token"), language_of)
    to_left, to_both = [[each for each in found if (each.task == "next-token") == left] for left in (True, False)]
    if not (to_left and to_both):
        missing = "from both sides, such as BERT" if to_left else "from the left, such as GPT"
        st.info(
            f"No trained model that reads {missing}, is here yet. On the page Train choose one and the text "
            "“glass-box”, and send it to the zoo: it appears here.",
            icon=":material/flip:",
        )
        st.page_link(TRAIN, label="Train one", icon=":material/model_training:")
        return
    columns = st.columns(2, gap="medium")
    left, both = _pick(to_left, LEFT, columns[0]), _pick(to_both, BOTH, columns[1])
    st.caption(learned([left, both]))
    language = _language_of(left.weights)
    if _language_of(both.weights).fingerprint != language.fingerprint:
        st.info("These two learned from stories of different kinds: choose two that learned from the same.")
        return
    _one_blank(left, both, language)
    _many_blanks(left, both, language)


def _pick(readers: Sequence[Trained], key: str, column: st.delta_generator.DeltaGenerator) -> Trained:
    by_title = {each.title: each for each in readers}
    first = next((each.title for each in readers if each.plugin in ("zoo/gpt", "zoo/bert")), next(iter(by_title)))
    if st.session_state.get(key) not in by_title:
        st.session_state[key] = first
    column.selectbox(SIDES[key], list(by_title), key=key)
    return by_title[st.session_state[key]]


def _one_blank(left: Trained, both: Trained, language: GlassBox) -> None:
    given = example(left.weights.key)
    first = written(language, given.blank.left, given.blank.right)
    other = written(language, given.other.left, given.other.right)
    st.session_state.setdefault(TEXT, first)
    with st.container(horizontal=True, gap="small"):
        st.button("The story's own right side", key="sides.first", on_click=_put, args=(first,))
        st.button(
            "Break it: one other word behind the blank", key="sides.other", on_click=_put, args=(other,),
            icon=":material/swap_horiz:",
        )  # fmt: skip
    text = st.text_area(f"A story's beginning with one blank {BLANK}", key=TEXT, max_chars=MOST_CHARACTERS, height=100)
    try:
        before, after = cut(text, language)
        answers = [_answer(each, language, before, after) for each in (left, both)]
    except ValueError as error:
        st.info(escaped(sentence(str(error))), icon=":material/edit:")
        return
    words = {first: given.blank.word, other: given.other.word}
    true = words.get(text, "")
    for found, column, reads in zip(answers, st.columns(2, gap="medium"), ("the left side", "both sides"), strict=True):
        with column:
            _bars(found, reads, true)
    if any(found.right is None for found in answers):
        st.caption("The glass box cannot say this text, so an exact answer beside the bars is missing.")
    _changed(left, both, language, given, (before, after), answers)


def _put(text: str) -> None:
    st.session_state[TEXT] = text


def written(language: GlassBox, left: Sequence[str], right: Sequence[str]) -> str:
    """The text with its blank: "He had a ___ with him.\""""
    marker = "BLANK"  # a word, so that it gets its spaces
    return language.join([*left, marker, *right]).replace(marker, BLANK)


def cut(text: str, language: GlassBox) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words on either side of the blank.

    Raises:
        ValueError: there is not one blank, or nothing before it, or too much.
    """
    sides = text[:MOST_CHARACTERS].split(BLANK)
    if len(sides) != 2:
        raise ValueError(f"write the text with one blank, three underscores: {BLANK}")
    left, right = (tuple(language.split(side)) for side in sides)
    if not left:
        raise ValueError("nothing stands left of the blank, so a model that reads the left has nothing to go by")
    if len(left) + len(right) + 1 > MOST_WORDS:
        raise ValueError(f"the text has {len(left) + len(right)} words and marks; at most {MOST_WORDS - 1} are read")
    return left, right


def _answer(each: Trained, language: GlassBox, left: tuple[str, ...], right: tuple[str, ...]) -> Answer:
    """A model's answer, and the exact one from what it reads; a text the language cannot say has no exact one."""
    from zoo.compare import blanks
    from zoo.compare.exact import tokens_of

    model = engine.model(each.weights)
    pieces = [model.piece(i) for i in range(model.tokenizer.vocab_size)]
    log_probs = asked(each.weights, left, right)
    try:
        exact = blanks.from_both(language, left, right) if model.fills_blanks else blanks.from_left(language, left)
    except ValueError:
        return Answer(each, log_probs, None, pieces)
    known: dict[int, float] = {}
    for word, prob in exact.items():
        token = tokens_of(language, model.tokenizer, [*left, word])[-1]
        known[token] = known.get(token, 0.0) + prob
    return Answer(each, log_probs, known, pieces)


def _bars(found: Answer, reads: str, true: str) -> None:
    probs = np.exp(found.log_probs)
    if found.right is None:
        tokens = np.argsort(-probs, kind="stable")[:TOP].tolist()
    else:
        from zoo.compare.exact import compared

        tokens = compared(found.right, probs, TOP)
    pieces = [found.pieces[token] for token in tokens]
    right = None if found.right is None else [found.right.get(token, 0.0) for token in tokens]
    st.markdown(f"**{escaped(found.model.title)}**, from {reads}")
    st.plotly_chart(
        word_bars(pieces, [float(probs[token]) for token in tokens], right).update_layout(
            height=90 + ROW * len(tokens)
        ),
        key=f"sides.bars.{reads}",
        config=CHART,
        alt=f"{found.model.title}: "
        + ", ".join(f"{piece} {percent(float(probs[token]))}" for piece, token in zip(pieces, tokens, strict=True)),
    )
    if true and (token := _token(found.pieces, true)) is not None:
        exact = "" if found.right is None else f"; exactly right would be {percent(found.right.get(token, 0.0))}"
        st.markdown(f"The true word {quoted(true)} gets **{percent(float(probs[token]))}**{exact}.")
    others = 1 - float(sum(probs[token] for token in tokens))
    st.caption(f"The other {count(len(probs) - len(tokens))} tokens: {percent(max(0.0, others))}.")


def _token(pieces: Sequence[str], word: str) -> int | None:
    return next((i for i, piece in enumerate(pieces) if piece == f" {word}"), None)


def _changed(
    left: Trained,
    both: Trained,
    language: GlassBox,
    given: Example,
    now: tuple[tuple[str, ...], tuple[str, ...]],
    answers: Sequence[Answer],
) -> None:
    """How far each answer moved when the right side was changed, the left side being the example's."""
    if now[0] != given.blank.left:
        return
    if now[1] == given.blank.right:
        st.caption("Break it: change what stands right of the blank, by the button or by hand, and see who notices.")
        return
    moved = []
    for each, found in zip((left, both), answers, strict=True):
        before = asked(each.weights, given.blank.left, given.blank.right)
        moved.append(float(np.abs(np.exp(before) - np.exp(found.log_probs)).sum() / 2))
    blind = "That side is never shown to it." if moved[0] == 0 else ""
    said = [
        f"{escaped(each.title)} moved **{percent(share)}** of its probability to other words"
        if share > 0
        else f"{escaped(each.title)} did not move at all"
        for each, share in zip((both, left), reversed(moved), strict=True)
    ]
    st.markdown(f"**Notice.** Only what stands right of the blank was changed. {said[0]}; {said[1]}. {blind}")


def _many_blanks(left: Trained, both: Trained, language: GlassBox) -> None:
    st.markdown("#### Every word of stories that neither has seen")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.slider("Held-out stories", FEWEST, MOST, 12, 4, key=STORIES, width=260)
        pressed = st.button("Measure now", icon=":material/timer:", key="sides.measure", type="primary")
    stories = min(max(int(st.session_state[STORIES]), FEWEST), MOST)
    results: dict[tuple[Weights, Weights, int], Sides] = st.session_state.setdefault(RESULT, {})
    at = (left.weights, both.weights, stories)
    if pressed:
        with st.spinner("One word at a time is blanked out, in every story …", show_time=True):
            try:
                results[at] = measured(*at)
            except ValueError as error:
                st.info(escaped(sentence(str(error))), icon=":material/edit:")
    if (found := results.get(at)) is None:
        st.caption(
            "Each word but the first is a blank once. Both models are asked for the same words; the exact answers of "
            "the language, from either side, are worked out beside them. It takes some seconds."
        )
        return
    names = [left.title, "exact, from the left", both.title, "exact, from both sides"]
    losses = [found.left, found.left_exact, found.both, found.both_exact]
    st.plotly_chart(
        loss_bars(names, losses, [False, True, False, True]),
        key="sides.losses",
        config=CHART,
        alt="; ".join(f"{name}: {number(loss, 3)} nats" for name, loss in zip(names, losses, strict=True)),
    )
    st.markdown(f"**Notice.** {notice(found, left.title, both.title)}")
    st.caption(
        f"Mean −log p of the true word over the same {count(found.words)} words of {found.stories} held-out stories, "
        "one blank at a time. Gold: the language's own probabilities; no model can do better in the long run."
    )


def notice(found: Sides, left: str, both: str) -> str:
    """Who is less surprised by the same words, and how much of it the right side could explain at all."""
    gain, possible = found.left - found.both, found.left_exact - found.both_exact
    share = f"The words on the right are worth {number(possible, 3)} nats a word to one who uses them perfectly. "
    amount = f"**{number(abs(gain), 3)}** nats a word (± {number(found.error, 3)}, one standard error)"
    if abs(gain) <= SURE * found.error:
        return f"{share}Here the two models cannot be told apart: they differ by {amount}."
    if gain > 0:
        return f"{share}{escaped(both)}, which sees them, is less surprised than {escaped(left)}, by {amount}."
    return (
        f"{share}Yet {escaped(both)}, which sees them, is more surprised than {escaped(left)}, by {amount}: "
        "to see more is of no use to a model that has learned less."
    )


@st.cache_data(max_entries=128, show_spinner=False)
def asked(weights: Weights, left: tuple[str, ...], right: tuple[str, ...]) -> NDArray[np.float64]:
    """log p (vocab,) of what stands between the two sides.

    Raises:
        ValueError: the text does not fit into the model, or its tokens are not whole words.
    """
    from zoo.compare import blanks
    from zoo.compare.exact import tokens_of

    model = engine.model(weights)
    language = _language_of(weights)
    spoken = [*left, left[0], *right]  # any word in the blank's place: the mark stands there, or the text is cut there
    ids = tokens_of(language, model.tokenizer, spoken, model.title)
    if len(ids) > model.context:
        raise ValueError(f"the text has {len(ids)} tokens; {model.title} reads at most {model.context}: shorten it")
    return blanks.answer(model, ids, len(left))


@st.cache_data(max_entries=32, show_spinner=False)
def measured(left: Weights, both: Weights, stories: int) -> Sides:
    """Both models and the language on the same words.

    Raises:
        ValueError: the tokens of a model are not whole words.
    """
    from zoo.compare import blanks

    return blanks.sides(engine.model(left), engine.model(both), _language_of(left), stories)


@st.cache_data(max_entries=8, show_spinner="A blank is being looked for that only the right side settles …")
def example(key: str) -> Example:
    """The page's own blank, in the language of the model `key`."""
    from zoo.compare import blanks

    language = _language_of(Weights(key))
    return blanks.example(language)


def _language_of(weights: Weights) -> GlassBox:
    language = language_of_model(weights.key)
    assert language is not None
    return language
