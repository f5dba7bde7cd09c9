"""Two models side by side: their facts and settings, and the steps that only one of them has, with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st

from playground.run_files import card_score
from playground.text import count, escaped, number, plural, quoted, sentence
from playground.views.model_zoo import inside
from playground.views.model_zoo.cards import megabytes
from playground.views.model_zoo.facts import facts, stamp
from playground.views.model_zoo.inside import Kind, kinds
from playground.views.model_zoo.keys import key
from playground.views.model_zoo.offer import FAMILIES, TASKS, Card
from playground.views.runs import UNITS
from zoo.pretrained.shipped import WEIGHTS
from zoo.trace.missing import missing
from zoo.trace.trace import Trace

ONE, OTHER, STEPS = key("one"), key("other"), key("steps")
FIRST = ("zoo/lstm", str(WEIGHTS / "gpt-stories-1m"))
"""What stands there first, where it is on offer: a recurrent network and a transformer of one size, trained alike."""
NOTHING = "–"
BITS = "The same, in bits per character"
WHOLE = "By its card, over all held-out text"

Row = tuple[str, str, str]
"""What it is, the one model's, the other's; both as they are shown."""


@st.fragment
def draw(cards: Sequence[Card]) -> None:
    """The choice of two, and what differs."""
    fit = {card.title: card for card in cards if card.usable}
    if len(fit) < 2:
        return
    st.subheader("Two models side by side", anchor=False)
    left, right = st.columns(2)
    with left:
        one = _choose("One model", ONE, fit, FIRST[0])
    with right:
        other = _choose("Another", OTHER, fit, FIRST[1])
    found = rows(one, other)
    differ = sum(a != b for _, a, b in found)
    st.markdown(table(one, other, found))
    st.caption(
        f"▸ marks the {differ} of {len(found)} rows that differ; {NOTHING} stands where a model has none. "
        "Losses can be set side by side only where both were scored on the same text and predict the same; and where "
        "their tokens differ, only in bits per character. The training's last evaluation "
        "is of some examples of the held-out text; a model card has the bits per character of all of it."
    )
    _steps(one, other)


def _choose(label: str, name: str, cards: dict[str, Card], first: str) -> Card:
    if st.session_state.get(name) not in cards:
        default = next((title for title, card in cards.items() if card.choice.key == first), next(iter(cards)))
        st.session_state[name] = default
    st.selectbox(label, list(cards), key=name, persist_state="session")
    return cards[st.session_state[name]]


def rows(one: Card, other: Card) -> list[Row]:
    """What is known of both, then every setting that one of them has."""
    a, b = (dict(_facts(card)) for card in (one, other))
    found = [(label, a.get(label, NOTHING), b.get(label, NOTHING)) for label in dict.fromkeys((*a, *b))]
    x, y = (facts(card).config for card in (one, other))
    return found + [(name, _setting(x, name), _setting(y, name)) for name in dict.fromkeys((*x, *y))]


def _facts(card: Card) -> Iterator[tuple[str, str]]:
    found = facts(card)
    learned = found.learned
    yield "Family", FAMILIES.get(card.family, card.family)
    yield "Predicts", TASKS.get(card.task, card.task)
    yield "Comes from", card.origin
    yield "Parameters", NOTHING if found.parameters is None else count(found.parameters)
    yield "Memory of the weights", megabytes(found.memory) if found.memory else NOTHING
    yield "Trained on", learned.corpus if learned else ("not named" if card.choice.trained else "nothing yet")
    yield "Tokens read", count(learned.tokens) if learned and learned.tokens else NOTHING
    loss, bits = (learned.loss, learned.bits) if learned else (None, None)
    yield "Held-out loss", NOTHING if loss is None else f"{number(loss, 3)} nats per {UNITS.get(card.task, 'token')}"
    yield BITS, NOTHING if bits is None else number(bits, 3)
    score = card_score(card.folder) if card.folder else None
    yield WHOLE, NOTHING if score is None else number(score[0], 3)


def _setting(config: dict[str, Any], name: str) -> str:
    if name not in config:
        return NOTHING
    value = config[name]
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def table(one: Card, other: Card, found: Sequence[Row]) -> str:
    """The rows as Markdown; those that differ are marked and bold."""
    lines = [f"| | {escaped(one.title)} | {escaped(other.title)} |", "|:---|:---|:---|"]
    for label, a, b in found:
        mark, bold = ("▸ ", "**") if a != b else ("", "")
        lines.append(f"| {mark}{escaped(label)} | {bold}{escaped(a)}{bold} | {bold}{escaped(b)}{bold} |")
    return "\n".join(lines)


def _steps(one: Card, other: Card) -> None:
    box = st.expander("The steps that only one of them has", icon=":material/difference:", key=STEPS, on_change="rerun")
    with box:
        if not box.open:
            return
        try:
            with st.spinner("A short text runs through both …", show_time=True):
                traces = [inside.traced(card.choice.weights, stamp(card.plugin)) for card in (one, other)]
        except Exception as error:  # a user's own plugin may raise anything
            st.error(escaped(sentence(f"one of them cannot be traced: {error or type(error).__name__}")))
            return
        st.markdown(_shared(*traces))
        left, right = st.columns(2, gap="large")
        with left:
            _lacking(one, other, traces[0], traces[1])
        with right:
            _lacking(other, one, traces[1], traces[0])


def _shared(one: Trace, other: Trace) -> str:
    a, b = ({kind.name for kind in kinds(trace.steps)} for trace in (one, other))
    return f"**Notice.** Of {plural(len(a | b), 'kind')} of step, {count(len(a & b))} are in both."


def _lacking(has: Card, lacks: Card, holds: Trace, without: Trace) -> None:
    """What one model records and the other does not, under the reason."""
    st.markdown(f"**In {escaped(has.title)}, not in {escaped(lacks.title)}**")
    found = reasons(holds, without, lacks.family)
    if not found:
        st.markdown("Nothing: the other records all of its steps.")
    for why, steps in found.items():
        names = ", ".join(quoted(each.title) if each.head == inside.OWN else escaped(each.title) for each in steps)
        st.markdown(f"- {names}  \n  :gray[{escaped(why)}]")


def reasons(holds: Trace, without: Trace, family: str) -> dict[str, list[Kind]]:
    """Why a trace lacks what another one holds: sentence -> the kinds of step that it is said of."""
    own = {kind.name for kind in kinds(without.steps)}
    found: dict[str, list[Kind]] = {}
    for kind in kinds(holds.steps):
        if kind.name not in own:
            found.setdefault(_why(kind, without, family), []).append(kind)
    return found


def _why(kind: Kind, without: Trace, family: str) -> str:
    if kind.head == inside.OWN:
        return "The name is that author's own, so no other model can be expected to have it."
    lacking = missing(without, re.sub(r"\{[in]\}", "0", kind.name), family)
    return lacking.sentence if lacking else "It stands elsewhere in this model."
