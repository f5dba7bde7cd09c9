"""What the run answers to the same words again and again: its likeliest next words, and how they shift."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from playground.figures.style import CHART
from playground.figures.words import divergence_line, word_bars, word_lines
from playground.text import count, escaped, number, percent
from playground.views.train import facts, weights
from playground.views.train.keys import key
from zoo.compare.exact import divergence, impossible

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from playground.views.train.facts import Facts
    from playground.views.train.history import History
    from zoo.training import Event, Run

_GOLD = " Gold: the exact probability. A word with no bar of the model's is not among its 8 likeliest."
ROWS = 8
"""How many words the bars show."""
ASKED = {
    "next-token": ("What it expects next", "… after"),
    "masked-token": ("What it puts into a blank", "… at the end of"),
    "cbow": ("What it puts into a blank", "… at the end of"),
    "skip-gram": ("What it expects near the last word", "… of"),
    "translate": ("How it begins the translation", "… of"),
}
"""Task -> what the model is asked, and where."""
_MORE_OFTEN = (
    " A share of the softmax: by the way word2vec learns, it grows with how much *more often than by chance* a word "
    "stands there, so a rare word may lead."
)
SHARES = {"skip-gram": _MORE_OFTEN, "cbow": _MORE_OFTEN}
"""Task -> what its bars mean, where they are not how often a word comes."""
WRITES = {
    "next-token": "What it writes after these words",
    "masked-token": "What it writes when a blank stands behind these words, again and again",
    "cbow": "What it writes when a blank stands behind these words, again and again",
    "skip-gram": "A chain of words, each drawn from those that it expects near the one before",
    "translate": "A translation, each word drawn from those that it expects",
}
"""Task -> what its sample is."""
LINES = 4
"""How many words are followed through the training."""


def draw(run: Run, history: History) -> None:
    """The answer now, how it came about, and a text that the model wrote."""
    asked = [event for event in history.evaluations if event.get("next")]
    if asked:
        _answers(run, asked)
    _sample(history, facts.of(run))


def _answers(run: Run, asked: list[Event]) -> None:
    found = facts.of(run)
    prompt, right = found.info.prompt, found.right
    title, place = ASKED.get(found.task, ASKED["next-token"])
    st.subheader(title, anchor=False)
    st.markdown(f"{place} “{escaped(_ending(prompt))}”")
    now, before = st.columns([2, 3], gap="large")
    with now:
        _bars(asked[-1], found)
    with before:
        _lines(asked, found)
        if right:
            _divergence(run, prompt, right)


def _kept(name: str, of: object, make: Callable[[], go.Figure]) -> go.Figure:
    """The figure of a moment ago, while what it shows is the same: most looks at a run find no new evaluation."""
    figures: dict[str, tuple[object, go.Figure]] = st.session_state.setdefault(key("figures"), {})
    if name not in figures or figures[name][0] != of:
        figures[name] = (of, make())
    return figures[name][1]


def _bars(event: Event, known: Facts) -> None:
    found, right = {each["id"]: each["prob"] for each in event["next"]}, known.right
    ids = list(found)
    if right:
        missing = [token for token in sorted(right, key=lambda token: -right[token])[:6] if token not in found]
        ids = [*ids[: ROWS - len(missing)], *missing]
        ids.sort(key=lambda token: (-right.get(token, 0.0), -found.get(token, 0.0)))
    pieces = [known.tokenizer.piece(token) for token in ids]
    probs = [found.get(token) for token in ids]
    exact = [right.get(token, 0.0) for token in ids] if right else None
    st.plotly_chart(
        _kept("bars", (known.info.prompt, event["step"], ids), lambda: word_bars(pieces, probs, exact)),
        key="train.bars",
        config=CHART,
        alt="The likeliest next words: "
        + ", ".join(f"{each['token']} {each['prob']:.0%}" for each in event["next"][:3]),
    )
    st.caption(
        f"After step {count(event['step'])}, over the whole vocabulary."
        + (_GOLD if right else SHARES.get(known.task, ""))
    )


def _lines(asked: list[Event], known: Facts) -> None:
    """How the probability of a few words went; a gap where a word was not among the likeliest."""
    right = known.right
    newest = [each["id"] for each in asked[-1]["next"]]
    wanted = sorted(right, key=lambda token: -right[token]) if right else []
    ids = list(dict.fromkeys([*wanted[:LINES], *newest]))[:LINES]
    found = [{each["id"]: each["prob"] for each in event["next"]} for event in asked]
    pieces = {token: known.tokenizer.piece(token) for token in ids}
    steps = [event["step"] for event in asked]
    probs = {pieces[token]: [each.get(token) for each in found] for token in ids}
    exact = {pieces[token]: right[token] for token in ids if token in right}
    st.plotly_chart(
        _kept("lines", (known.info.prompt, steps, probs), lambda: word_lines(steps, probs, exact)),
        key="train.shift",
        config=CHART,
        alt="How the probability of these words went during the training.",
    )
    dashed = " Dashed: the exact one." if right else ""
    st.caption(f"Probability of each word, by training step.{dashed} A gap: it was not among the 8 likeliest then.")


def _divergence(run: Run, prompt: str, right: dict[int, float]) -> None:
    """How far the whole distribution is from the right one, at each checkpoint: computed from its weights."""
    steps, nats, last = [], [], None
    for step in run.steps():
        probs = weights.next_probs(str(run.folder), step, weights.stamp(run, step), prompt)
        if probs is not None:
            steps.append(step)
            nats.append(divergence(right, probs))
            last = probs
    if last is None:
        return
    st.plotly_chart(
        _kept("divergence", (steps, nats), lambda: divergence_line(steps, nats)),
        key="train.divergence",
        config=CHART,
        alt=f"Divergence from the right answer by checkpoint; now {nats[-1]:.3f} nats.",
    )
    st.caption(
        f"How far its answer is from the right one at each checkpoint: KL(right ‖ model), over all words. At step "
        f"{count(steps[-1])}: **{number(nats[-1], 4)} nats**; {percent(impossible(right, last))} of its probability is "
        "on words that cannot stand here."
    )


def _sample(history: History, known: Facts) -> None:
    written = next((event for event in reversed(history.evaluations) if event.get("sample")), None)
    if written is None:
        return
    with st.container(border=True):
        st.caption(f"{WRITES.get(known.task, WRITES['next-token'])}, at step {count(written['step'])}")
        st.text(written["sample"])
        if known.translation:
            st.caption("The right one")
            st.text(known.translation)


def _ending(prompt: str, room: int = 160) -> str:
    line = " ⏎ ".join(prompt.splitlines())
    return line if len(line) <= room else "…" + line[1 - room :]
