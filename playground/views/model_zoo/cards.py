"""The cards: each says what a model is, how large, from where, trained on what; and opens on demand."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from playground.text import count, escaped, number, plural
from playground.views.model_zoo import conformance, inside, opening
from playground.views.model_zoo.facts import Facts, Learned, facts, stamp
from playground.views.model_zoo.keys import key
from playground.views.model_zoo.offer import FAMILIES, TASKS, Card
from playground.views.runs import UNITS

COLUMNS = 2


def draw(cards: Sequence[Card]) -> None:
    """The cards, two in a row; below each other on a narrow screen."""
    for start in range(0, len(cards), COLUMNS):
        for place, card in zip(st.columns(COLUMNS), cards[start : start + COLUMNS], strict=False):
            with place:
                st.fragment(_card, key=key("card", card.slug))(card)


def _card(card: Card) -> None:
    """One card, drawn anew on its own when something on it is opened."""
    opening.go()
    found = facts(card)
    with st.container(border=True, gap="small", key=key("box", card.slug)):
        st.markdown(head(card))
        st.markdown(body(card))
        st.caption(figures(card, found))
        if card.missing:
            st.code(f"pip install {' '.join(card.missing)}", language="bash")
        with st.container(horizontal=True, gap="small"):
            opening.draw(card)
            conformance.button(card)
        conformance.draw(card)
        inside.draw(card, stamp(card.plugin))
        if found.learned and found.learned.card:
            _shipped_card(card, found.learned)


def head(card: Card) -> str:
    """The title and what kind of model it is."""
    title = f"**{escaped(card.title)}**"
    if not card.usable:
        state = ":orange-badge[:material/extension_off: needs a package]" if card.missing else ":red-badge[unusable]"
    else:
        state = ":green-badge[trained]" if card.choice.trained else ":gray-badge[not trained yet]"
    family = f":violet-badge[{escaped(FAMILIES.get(card.family, card.family))}]"
    task = f":blue-badge[predicts {escaped(TASKS[card.task])}]" if card.task in TASKS else ""
    return f"#### {title}\n{family} {task} {state}" if card.usable else f"#### :gray[{title}]\n{family} {task} {state}"


def body(card: Card) -> str:
    """The idea with its papers; of a model that is not built in, what its author says."""
    if card.problem:
        return escaped(f"It cannot be used: {card.problem}.")
    if card.idea is None:
        said = escaped(card.summary)
        return f":gray[{said}]" if card.missing else said
    papers = "; ".join(escaped(paper) for paper in card.idea.papers)
    return f"{escaped(card.idea.sentences)}\n\n:small[:gray[{papers}]]"


def figures(card: Card, found: Facts) -> str:
    """Size, origin and training, a line each."""
    lines = [_size(found), f"**From** {escaped(card.source)}."]
    if card.missing:
        lines.append(f"**Needs** {escaped(', '.join(card.missing))}, which is not installed here:")
    elif found.learned:
        lines.append(_trained(card, found.learned))
    elif card.choice.trained:
        lines.append("**Trained on** a text that the folder does not name.")
    elif card.usable:
        lines.append("**Trained on** nothing yet: the pages show it with random weights until you train it.")
    return "  \n".join(each for each in lines if each)


def _size(found: Facts) -> str:
    if found.parameters is None:
        return escaped(found.problem)
    numbers = f"**{plural(found.parameters, 'parameter')}**"
    if found.parameters == 0:
        numbers = "**No parameters**: it keeps counts"
    parts = [f"{numbers} ({found.of})" if found.of else numbers]
    if found.memory:
        parts.append(f"{megabytes(found.memory)} in memory")
    if found.disk:
        parts.append(f"{megabytes(found.disk)} on disk")
    return ", ".join(parts) + "."


def _trained(card: Card, learned: Learned) -> str:
    said = f"**Trained on** {escaped(learned.corpus)}"
    if learned.tokens:
        said += f", {plural(learned.tokens, 'token')} read"
    if learned.loss is not None and learned.step is not None:
        unit = UNITS.get(card.task, "token")
        few = f"on {plural(learned.examples, 'example')} of held-out text" if learned.examples else "on held-out text"
        said += f". In the training's last evaluation, after {plural(learned.step, 'step')}, its loss {few} was "
        said += f"{number(learned.loss, 3)} nats per {unit}"
        said += f", {number(learned.bits, 3)} bits per character" if learned.bits is not None else ""
        said += "; the model card below has that of the weights as they are shipped" if learned.card else ""
    return said + "." + (f" **Licence of the text**: {escaped(learned.licence)}." if learned.licence else "")


def megabytes(size: int) -> str:
    """Bytes as the reader sees them: 17.1 MB, 320 kB, 96 bytes."""
    if size >= 1e6:
        return f"{size / 1e6:,.1f} MB"
    return f"{size / 1e3:.0f} kB" if size >= 1e3 else f"{count(size)} bytes"


def _shipped_card(card: Card, learned: Learned) -> None:
    """The model card of shipped weights, which is ours; its heads are made to fit in."""
    place = key("its_card", card.slug)
    box = st.expander("The whole model card", icon=":material/article:", key=place, on_change="rerun")
    with box:
        if box.open:
            st.markdown(demoted(learned.card), anchors=False)


def demoted(text: str) -> str:
    """Markdown with every head four levels further down, outside of code."""
    lines, code = [], False
    for line in text.splitlines():
        code ^= line.startswith("```")
        depth = len(line) - len(line.lstrip("#"))
        head = not code and depth > 0 and line[depth : depth + 1] == " "
        lines.append(f"{'#' * min(6, depth + 4)}{line[depth:]}" if head else line)
    return "\n".join(lines)
