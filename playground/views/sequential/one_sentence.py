"""One sentence in every chosen translator: its words marked, where it looked, the vector that had to hold it all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from playground import engine
from playground.catalogue import Weights
from playground.figures.style import CHART
from playground.figures.translation import alignment_chart, vector_chart
from playground.text import escaped, number, percent, plural, sentence
from playground.views.sequential.trained import Trained

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zoo.compare.alignment import Attended
    from zoo.data.glass_pairs import Pair

SENTENCE, LOOKER, HEAD = "bottleneck.sentence", "bottleneck.looker", "bottleneck.head"
MOST_CHARACTERS = 300
MOST_WORDS = 40


def draw(chosen: Sequence[Trained]) -> None:
    """The sentence's box and all that follows from it."""
    from zoo.data.glass_pairs import DEFAULT

    st.markdown("#### One sentence, word by word")
    st.session_state.setdefault(SENTENCE, DEFAULT.example())
    text = st.text_input("An English sentence of the glass pairs", key=SENTENCE, max_chars=MOST_CHARACTERS)
    try:
        pair = read(text)
    except ValueError as error:
        st.info(escaped(sentence(str(error))), icon=":material/edit:")
        return
    held_out = DEFAULT.part_of(pair.source) == "valid"
    known = "No model was trained on this sentence." if held_out else "Models may have been trained on this sentence."
    st.markdown(f"**Right**, in Lirumo: {escaped(pair.target_text)}")
    for each in chosen:
        _translation(each, pair)
    st.caption(
        "Struck through: words that the right translation does not have, in its order. Missing: right words that "
        f"were not written. {known}"
    )
    _alignment(chosen, pair)
    _vectors(chosen, pair)


def read(text: str) -> Pair:
    """The typed sentence with its right translation.

    Raises:
        ValueError: it is not of the grammar, with the place; or too long.
    """
    from zoo.data.glass_pairs import DEFAULT

    words = DEFAULT.split(text[:MOST_CHARACTERS])
    if not words:
        raise ValueError(f"type an English sentence, such as “{DEFAULT.example()}”")
    if len(words) > MOST_WORDS:
        raise ValueError(f"the sentence has {len(words)} words and marks; at most {MOST_WORDS} are read: shorten it")
    return DEFAULT.translate(words)


def _translation(each: Trained, pair: Pair) -> None:
    try:
        given = words(each.weights, pair)
    except ValueError as error:
        st.warning(escaped(sentence(f"{each.title}: {error}")), icon=":material/short_text:")
        return
    st.markdown(f"**{escaped(each.title)}**: {marked(given, pair.target)}")


def marked(given: Sequence[str], right: Sequence[str]) -> str:
    """A translation in Markdown, its wrong words struck through, with what it makes of them behind it."""
    from zoo.compare.translation import common

    kept = common(given, right)
    shown = [escaped(word) if good else f":red[~~{escaped(word)}~~]" for word, good in zip(given, kept, strict=True)]
    text = "".join(one if word in ".,!?" else f" {one}" for word, one in zip(given, shown, strict=True)).strip()
    if tuple(given) == tuple(right):
        return f"{text} :green[— right]"
    wrong, missing = len(given) - sum(kept), len(right) - sum(kept)
    return f"{text or '(nothing)'} ({plural(wrong, 'word')} wrong, {missing} missing)"


def _alignment(chosen: Sequence[Trained], pair: Pair) -> None:
    """The model's cross attention beside the right alignment."""
    from zoo.compare.alignment import right_cells

    found: dict[str, Attended] = {}
    why = list[str]()
    for each in chosen:
        if looks_back(each.weights):
            try:
                found[each.title] = looked(each.weights, pair)
            except ValueError as error:
                why.append(sentence(str(error)))
    if why and found:
        st.caption(escaped(" ".join(why)))
    head = _head(found) if found else None
    left, right = st.columns(2, gap="medium")
    if head is not None:
        with left:
            _looked(*head, pair)
    else:
        none = " ".join(why) or "None of the chosen translators looks back."
        left.info(escaped(f"{none} So there is nothing to set beside the right alignment."))
    with right:
        st.markdown("**The right alignment**, which the grammar knows")
        st.plotly_chart(
            alignment_chart(pair.source, pair.target, right_cells(pair)),
            key="bottleneck.right",
            config=CHART,
            alt="For each Lirumo word the English words that it comes from: " + _spoken(pair),
        )


def _head(found: dict[str, Attended]) -> tuple[str, Attended, int, int]:
    """The translator, the block and the head whose attention is shown; at first the one that looks best."""
    left, right = st.columns(2, gap="medium")
    title = left.selectbox("Where it looked", list(found), key=LOOKER)
    mass = found[title].mass.mean(-1)  # (L, H)
    names = {f"block {b}, head {h}": (b, h) for b in range(mass.shape[0]) for h in range(mass.shape[1])}
    ordered = sorted(names, key=lambda name: -float(mass[names[name]]))
    name = ordered[0]
    if len(names) > 1:
        about = "Those that put most of their attention on right words come first."
        name = right.selectbox("Head", ordered, key=f"{HEAD}.{title}", help=about)
    return title, found[title], *names[name]


def _looked(title: str, seen: Attended, block: int, head: int, pair: Pair) -> None:
    here, chance = float(seen.mass[block, head].mean()), float(seen.right.mean())
    st.markdown(f"**What {escaped(title)} looked at**")
    st.plotly_chart(
        alignment_chart(pair.source, pair.target, seen.right, seen.pattern[block, head]),
        key="bottleneck.looked",
        config=CHART,
        alt=f"Attention of {title}: {percent(here)} of it on right words.",
    )
    verdict = "more than" if here > chance else "no more than"
    st.markdown(
        f"**Notice.** {percent(here)} of this attention falls on the framed cells, which are right: {verdict} the "
        f"{percent(chance)} that attention spread evenly would put there."
    )
    st.caption(
        "Pink: from 0 to 1, each row sums to 1. Here the model is given the right words so far, so that its rows can "
        "be set beside the right ones. It looks at the encoder's vector of a word, and that knows of other words of "
        "the sentence too: a look beside the frame can find what it needs."
    )


def _vectors(chosen: Sequence[Trained], pair: Pair) -> None:
    """The fixed context vectors, for the translators that have one."""
    for each in chosen:
        values = context(each.weights, pair)
        if values is None:
            continue
        st.markdown(
            f"**All that the decoder of {escaped(each.title)} gets of this sentence**: {len(values)} numbers, from "
            f"`{number(float(values.min()))}` to `{number(float(values.max()))}`. They are as many for a sentence of "
            "three words as for one of thirty. Sixteen a row, gold above zero, violet below."
        )
        st.plotly_chart(
            vector_chart(values),
            key=f"bottleneck.vector.{each.title}",
            config=CHART,
            alt=f"The {len(values)} numbers of the context vector.",
        )


def _spoken(pair: Pair) -> str:
    return "; ".join(
        f"{target} from {' and '.join(pair.source[i] for i in sources)}"
        for target, sources in zip(pair.target, pair.alignment, strict=True)
    )


@st.cache_data(max_entries=256, show_spinner=False)
def words(weights: Weights, pair: Pair) -> list[str]:
    """A translator's own words.

    Raises:
        ValueError: the sentence does not fit into the model.
    """
    from zoo.compare.translation import translate

    return translate(engine.model(weights), [pair])[0]


@st.cache_data(max_entries=64, show_spinner=False)
def looks_back(weights: Weights) -> bool:
    """Whether a translator's decoder attends to the source."""
    from zoo.compare.alignment import looks_back

    return looks_back(engine.model(weights))


@st.cache_data(max_entries=64, show_spinner=False)
def looked(weights: Weights, pair: Pair) -> Attended:
    """A translator's cross attention, for one that looks back.

    Raises:
        ValueError: it cannot be shown for this sentence.
    """
    from zoo.compare.alignment import attended

    return attended(engine.model(weights), pair)


@st.cache_data(max_entries=64, show_spinner=False)
def context(weights: Weights, pair: Pair) -> NDArray[np.float32] | None:
    """The one vector between encoder and decoder; None where there is no such bottleneck."""
    model = engine.model(weights)
    try:
        trace = model.trace(pair.source_text)
    except ValueError:
        return None
    return trace["context"] if "context" in trace.steps else None
