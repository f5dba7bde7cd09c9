"""The bottleneck: one vector for a whole sentence, or a look back at all of it; measured by sentence length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from playground import engine
from playground.catalogue import Weights
from playground.figures.style import CHART
from playground.figures.translation import Quality, quality_chart, share_bars
from playground.paths import TRAIN
from playground.text import count, escaped, percent, sentence
from playground.views.sequential import one_sentence
from playground.views.sequential.trained import Trained, learned, one_each, trained

if TYPE_CHECKING:
    from zoo.compare.alignment import Shares
    from zoo.compare.translation import Bucket, Measured

MOST_MODELS = 4
ORDER = {"zoo/seq2seq": 0, "zoo/seq2seq-attention": 1, "zoo/encoder-decoder": 2}
"""As the field went through them; a user's own come last."""
FEWEST, MOST = 10, 100
"""Sentences of each length that can be asked for."""
PICK, SENTENCES, KIND, RESULTS = "bottleneck.pick", "bottleneck.sentences", "bottleneck.kind", "bottleneck.results"
KINDS = {
    "exact": "sentences without a fault",
    "right": "right words",
}
SURE = 2.0
"""How many standard errors a difference must have before it is called one."""


def draw() -> None:
    """The part of the page."""
    from zoo.data import pairs_of

    st.subheader("The bottleneck: does a whole sentence fit into one vector?", anchor="bottleneck")
    st.markdown(
        "A plain seq2seq model squeezes the sentence that it reads into **one vector of fixed size**; its decoder gets "
        "nothing else. Attention lets the decoder **look back at every source word**. Both translate from English "
        "into Lirumo, a language of our own making whose one right translation is known for every sentence."
    )
    found = sorted(trained(("translate",), pairs_of), key=lambda each: ORDER.get(each.plugin, len(ORDER)))
    if not found:
        st.info(
            "No trained translator is here yet. On the page Train choose Seq2seq, with or without attention, and the "
            "text “glass-box-pairs”; a minute is enough. Send it to the zoo, and it appears here.",
            icon=":material/translate:",
        )
        st.page_link(TRAIN, label="Train a translator", icon=":material/model_training:")
        return
    chosen = _pick(found)
    if not chosen:
        st.info("Choose at least one translator.", icon=":material/touch_app:")
        return
    _by_length(chosen)
    one_sentence.draw(chosen)


def _pick(found: Sequence[Trained]) -> list[Trained]:
    """The translators to compare; at first one of each kind."""
    by_title = {each.title: each for each in found}
    kept = [title for title in st.session_state.get(PICK, []) if title in by_title]
    if PICK not in st.session_state or (st.session_state[PICK] and not kept):
        kept = [each.title for each in one_each(list(found), MOST_MODELS)]
    st.session_state[PICK] = kept
    names = st.multiselect("Translators", list(by_title), key=PICK, max_selections=MOST_MODELS)
    return [by_title[name] for name in names[:MOST_MODELS]]


def _by_length(chosen: Sequence[Trained]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.slider("Sentences of each length", FEWEST, MOST, 40, 10, key=SENTENCES, width=260)
        pressed = st.button("Measure now", icon=":material/timer:", key="bottleneck.measure", type="primary")
    results: dict[tuple[Weights, int], tuple[Bucket, ...]] = st.session_state.setdefault(RESULTS, {})
    sentences = min(max(int(st.session_state[SENTENCES]), FEWEST), MOST)
    if pressed:
        with st.spinner("Every translator works through the same held-out sentences …", show_time=True):
            for each in chosen:
                results[each.weights, sentences] = quality(each.weights, sentences)
    live = {each.title: results[each.weights, sentences] for each in chosen if (each.weights, sentences) in results}
    known = {each.title: old for each in chosen if each.title not in live and (old := _recorded(each.weights))}
    lines = {each.title: live.get(each.title) or known.get(each.title) for each in chosen}
    shown = {title: buckets for title, buckets in lines.items() if buckets}
    if not shown:
        st.caption(
            f"Nothing has been measured yet: the button lets each translator write {sentences} sentences of each "
            "length, from 5 to 40 words, none of which is in any training text. It takes some seconds a model."
        )
        return
    _chart(shown, set(known))
    st.caption(_source(list(known), list(live), sentences))
    st.caption(learned([each for each in chosen if each.title in shown]))
    looks = {each.title: one_sentence.looks_back(each.weights) for each in chosen if each.title in shown}
    if said := notice(shown, looks):
        st.markdown(f"**Notice.** {said}")
    if live:
        _attention_shares([each for each in chosen if each.title in live], sentences)


def _chart(shown: dict[str, tuple[Bucket, ...]], recorded: set[str]) -> None:
    kind = st.segmented_control(
        "What is counted", list(KINDS), default="exact", key=KIND, format_func=KINDS.__getitem__, required=True
    )
    lines = [
        Quality(
            title + (" (recorded)" if title in recorded else ""),
            [each.length for each in buckets],
            [each.exact_share if kind == "exact" else each.right_share for each in buckets],
            buckets[0].sentences,
        )
        for title, buckets in shown.items()
    ]
    spoken = "; ".join(
        f"{line.name} from {percent(line.shares[0])} at {line.lengths[0]} words to {percent(line.shares[-1])} at "
        f"{line.lengths[-1]}"
        for line in lines
    )
    st.plotly_chart(
        quality_chart(lines, KINDS[kind or "exact"]),
        key="bottleneck.chart",
        config=CHART,
        alt=f"The share of {KINDS[kind or 'exact']} by sentence length: {spoken}.",
    )


def _source(recorded: Sequence[str], live: Sequence[str], sentences: int) -> str:
    said = []
    if live:
        said.append(f"Measured here just now, {sentences} held-out sentences of each length.")
    if recorded and (file := _file()) is not None:
        said.append(
            f"Recorded with `{file.command}` on {file.when}, torch {file.torch}, {file.processors} processors, "
            f"{file.sentences} sentences of each length, with the very same weights; the button measures anew."
        )
    said.append(
        "Greedy decoding: always the likeliest word. A sentence counts where it is the right one, word by word; words "
        "count along the longest common subsequence of both."
    )
    return " ".join(said)


def notice(shown: dict[str, tuple[Bucket, ...]], looks: dict[str, bool]) -> str:
    """What the figures say of one without attention and one with it; "" where there are not both."""
    plain = next((title for title in shown if not looks[title]), None)
    back = next((title for title in shown if looks[title]), None)
    if plain is None or back is None:
        return ""
    at = {each.length: each for each in shown[plain]}
    both = [(at[each.length], each) for each in shown[back] if each.length in at]
    if not both:
        return ""
    # where the two are furthest apart, in standard errors of the difference of two shares
    one, other = max(both, key=lambda pair: abs(pair[1].exact_share - pair[0].exact_share))
    gap = other.exact_share - one.exact_share
    said = (
        f"Of sentences of {both[0][0].length} words {escaped(plain)}, which has one vector, translates "
        f"**{percent(both[0][0].exact_share)}** without a fault, and {escaped(back)}, which looks back, "
        f"**{percent(both[0][1].exact_share)}**. "
    )
    if abs(gap) <= SURE * _error(one, other):
        return said + "At no length do the two differ by more than so few sentences could show by chance."
    better = escaped(back if gap > 0 else plain)
    said += (
        f"They are furthest apart at {one.length} words: **{percent(one.exact_share)}** against "
        f"**{percent(other.exact_share)}**, in favour of {better}. "
    )
    if gap <= 0:
        return said + "So here attention did not help."
    wider = one.length > both[0][0].length and gap > both[0][1].exact_share - both[0][0].exact_share
    return said + ("The vector is as large for a long sentence as for a short one." if wider else "")


def _error(one: Bucket, other: Bucket) -> float:
    variances = (each.exact_share * (1 - each.exact_share) / each.sentences for each in (one, other))
    return math.sqrt(sum(variances))


def _attention_shares(chosen: Sequence[Trained], sentences: int) -> None:
    """How much of the attention falls on right words, a bar for each head."""
    names, shares, chances, left_out = list[str](), list[float](), list[float](), list[str]()
    words = 0
    for each in chosen:
        if not one_sentence.looks_back(each.weights):
            continue
        try:
            found = attention(each.weights, sentences)
        except ValueError as error:
            left_out.append(sentence(str(error)))
            continue
        words = max(words, found.words)
        if found.left_out:
            of = count(found.sentences + found.left_out)
            left_out.append(f"{each.title} has no room for {count(found.left_out)} of the {of} sentences.")
        for block, row in enumerate(found.shares.tolist()):
            for head, share in enumerate(row):
                one = found.shares.size == 1
                names.append(each.title if one else f"{each.title}, block {block}, head {head}")
                shares.append(share)
                chances.append(found.chance)
    if left_out:
        st.caption(escaped(" ".join(left_out)))
    if not names:
        return
    st.markdown("**Does it look at the right words?**")
    st.plotly_chart(
        share_bars(names, shares, chances),
        key="bottleneck.shares",
        config=CHART,
        alt="Share of the attention on right source words: "
        + "; ".join(f"{name} {percent(share)}" for name, share in zip(names, shares, strict=True))
        + f"; by chance {percent(chances[0])}.",
    )
    st.caption(
        f"Of all the attention while up to {count(words)} words of held-out sentences were written, the share that "
        "fell on source words which the written word really comes from. Nobody told the models which these are. A "
        "recurrent encoder's state knows of the words before it too, so a look one word further on may be a good one."
    )


@st.cache_data(max_entries=64, show_spinner=False)
def quality(weights: Weights, sentences: int) -> tuple[Bucket, ...]:
    """A translator's figures by length, measured now."""
    from zoo.compare import translation

    return translation.quality(engine.model(weights), sentences=sentences)


@st.cache_data(max_entries=64, show_spinner=False)
def attention(weights: Weights, sentences: int) -> Shares:
    """How much of a translator's attention falls on right words, for one that looks back.

    Raises:
        ValueError: it reads no whole words, or no sentence fits into it.
    """
    from zoo.compare import alignment

    return alignment.measure(engine.model(weights), sentences)


@st.cache_data(max_entries=64, show_spinner=False)
def _fingerprint(weights: Weights) -> str:
    from zoo.compare import translation

    return translation.fingerprint(engine.model(weights).module)


def _recorded(weights: Weights) -> tuple[Bucket, ...] | None:
    """What the repository's file says of just these weights."""
    file = _file()
    line = None if file is None else file.of(_fingerprint(weights))
    return None if line is None else line.buckets


@st.cache_data(ttl=60, show_spinner=False)
def _file() -> Measured | None:
    from zoo.compare import translation

    return translation.recorded()
