"""Finding models in the list: a search box and four choices, and which cards fit them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from playground.views.model_zoo.keys import key
from playground.views.model_zoo.offer import FAMILIES, ORIGINS, TASKS, Card

SEARCH, FAMILY, TASK, WEIGHTS, ORIGIN = (key(each) for each in ("search", "family", "task", "weights", "origin"))
ANY = "any"
TRAINED, UNTRAINED = "trained", "not trained yet"
MOST = 200
"""Characters of the search that are read."""


@dataclass(frozen=True)
class Wanted:
    """What is looked for; ANY where it does not matter."""

    words: str = ""
    """All of them have to stand on the card; or one is its plugin's id, so several ids find several plugins."""
    family: str = ANY
    task: str = ANY
    weights: str = ANY
    origin: str = ANY


def draw(cards: Sequence[Card]) -> Wanted:
    """The search and the choices; each offers what there is among the cards."""
    search, *places = st.columns([3, 1.6, 2, 1.6, 1.6], vertical_alignment="bottom")
    search.text_input(
        "Search",
        key=SEARCH,
        max_chars=MOST,
        placeholder="A name, an author, a year, a word of the idea",
        icon=":material/search:",
        persist_state="session",
    )
    options: tuple[tuple[str, str, list[str], dict[str, str]], ...] = (
        ("Family", FAMILY, [each for each in FAMILIES if any(card.family == each for card in cards)], FAMILIES),
        ("Predicts", TASK, [each for each in TASKS if any(card.task == each for card in cards)], TASKS),
        ("Weights", WEIGHTS, [TRAINED, UNTRAINED], {}),
        ("Comes from", ORIGIN, [each for each in ORIGINS if any(card.origin == each for card in cards)], {}),
    )
    chosen = []
    for place, (label, name, found, words) in zip(places, options, strict=True):
        with place:
            chosen.append(_choose(label, name, [ANY, *found], words))
    return Wanted(str(st.session_state[SEARCH])[:MOST], *chosen)


def _choose(label: str, name: str, options: list[str], words: dict[str, str]) -> str:
    if st.session_state.get(name) not in options:
        st.session_state[name] = ANY
    st.selectbox(label, options, format_func=lambda each: words.get(each, each), key=name, persist_state="session")
    return str(st.session_state[name])


def clear() -> None:
    """Show all models again."""
    st.session_state[SEARCH] = ""
    for name in (FAMILY, TASK, WEIGHTS, ORIGIN):
        st.session_state[name] = ANY


def look_for(words: str) -> None:
    """Search for these words among all models."""
    clear()
    st.session_state[SEARCH] = words


def fits(card: Card, wanted: Wanted) -> bool:
    """Whether a card is what is looked for."""
    exact = (
        (wanted.family, card.family),
        (wanted.task, card.task),
        (wanted.weights, TRAINED if card.choice.trained else UNTRAINED),
        (wanted.origin, card.origin),
    )
    return all(asked in (ANY, found) for asked, found in exact) and _says(card, wanted.words)


def _says(card: Card, words: str) -> bool:
    asked = words.lower().split()
    text = _text(card)
    return card.plugin.lower() in asked or all(each in text for each in asked)


def _text(card: Card) -> str:
    """All that a card says, in lower case."""
    idea = card.idea
    told = (idea.sentences, *idea.papers) if idea else ()
    words = (card.title, card.plugin, FAMILIES.get(card.family, ""), TASKS.get(card.task, ""), card.summary)
    return " ".join((*words, card.source, card.origin, *told)).lower()
