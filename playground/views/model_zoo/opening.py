"""Opening a model on another page: the model is chosen there; where a page has no use for it, the reason is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from playground import state
from playground.paths import (
    FORWARD_PASS,
    NEXT_WORD,
    SEQUENTIAL_AND_PARALLEL,
    TOKENIZERS,
    TRAIN,
    UNTRAINED_AND_PRETRAINED,
)
from playground.text import escaped
from playground.views import runs
from playground.views.model_zoo.keys import key
from playground.views.model_zoo.offer import HUGGING_FACE, TASKS, Card
from playground.views.sequential import bottleneck, clock, distance, distance_live, offer, sides
from playground.views.sequential.trained import Trained, one_each, trained
from playground.views.tokenizers import choosing
from playground.views.train import models
from playground.views.train.keys import key as train_key

ASKED = key("open")
"""The page that a button asked for just now, and the model."""


@dataclass(frozen=True)
class Target:
    """A page on which a model can be opened."""

    title: str
    path: str
    icon: str
    reason: Callable[[Card], str]
    """Why it can't; "" where it can."""
    choose: Callable[[Card], None]
    """Makes it the page's model."""


def _not_usable(card: Card) -> str:
    if card.missing:
        return f"It needs {', '.join(card.missing)} first."
    return f"It cannot be used: {card.problem}." if card.problem else ""


def _not_trainable(card: Card) -> str:
    if card.origin == HUGGING_FACE:
        return "This page trains plugins. A folder in Hugging Face format is read as it is."
    return _not_usable(card)


def _no_tokenizer(card: Card) -> str:
    if not card.usable or choosing.of_model(card.choice.key):
        return _not_usable(card)
    if card.folder is None:
        return "Untrained, it has no tokenizer of its own: the pages cut its text with that of the shipped GPT."
    return "Its folder has no tokenizer.json."


def _no_part(card: Card) -> str:
    """Why no part of Sequential and parallel has a place for it."""
    if not card.usable or _places(card):
        return _not_usable(card)
    if card.origin == HUGGING_FACE:
        return "This page compares plugins, and a folder in Hugging Face format has none."
    if card.task == "translate":
        return "This page measures trained translators: train it on “glass-box-pairs” first."
    if card.task in ("next-token", "masked-token"):
        return "This page asks it about stories of the glass box: train it on “glass-box” first."
    return f"No part of this page is about a model that predicts {TASKS[card.task]}."


def show(card: Card) -> None:
    """The model of the pages with a text."""
    runs.show(card.choice, card.folder)


def train(card: Card) -> None:
    """The model of a new training; one that goes on from the card's weights, where that page offers them."""
    st.session_state[state.RUN] = ""
    st.session_state[train_key("model")] = card.plugin
    wanted = str(card.folder) if card.choice.key != card.plugin else card.plugin
    offered = {each.source: each.title for each in models.starts(card.plugin)}
    if wanted in offered and card.choice.key != card.plugin:
        st.session_state[train_key("start", card.plugin)] = offered[wanted]


def cut(card: Card) -> None:
    """Its tokenizer, before those that a first visitor meets."""
    column = choosing.of_model(card.choice.key)
    assert column is not None  # the button is disabled without one
    st.session_state[choosing.CHOSEN] = list(dict.fromkeys([column.key, *choosing.FIRST]))[: choosing.MOST]


def compare(card: Card) -> None:
    """A place in every part of Sequential and parallel that is about models of its kind."""
    st.session_state.update(_places(card))


def _places(card: Card) -> dict[str, str | list[str]]:
    """The setting of each part that can show it, with it as the value, or before those that stand there at first."""
    from zoo.data import language_of, pairs_of

    found: dict[str, str | list[str]] = {}
    for family, name in (("rnn", clock.RECURRENT), ("gpt", clock.TRANSFORMER)):
        if card.choice in offer.of_family(family):
            found[name] = card.title
    if card.choice in distance_live.offered():
        found[distance.CHOSEN] = list(dict.fromkeys([card.title, *distance.FIRST]))[: distance_live.MOST_MODELS]
    translators = sorted(trained(("translate",), pairs_of), key=lambda each: not _is(each, card))
    if translators and _is(translators[0], card):
        found[bottleneck.PICK] = [each.title for each in one_each(translators, bottleneck.MOST_MODELS)]
    reader = next((each for each in trained(("next-token", "masked-token"), language_of) if _is(each, card)), None)
    if reader is not None:
        found[sides.LEFT if reader.task == "next-token" else sides.BOTH] = reader.title
    return found


def _is(model: Trained, card: Card) -> bool:
    return model.weights.key == card.choice.key


TARGETS = (
    Target("Next word", NEXT_WORD, "edit_note", _not_usable, show),
    Target("Forward pass", FORWARD_PASS, "account_tree", _not_usable, show),
    Target("Tokenizers", TOKENIZERS, "content_cut", _no_tokenizer, cut),
    Target("Untrained and pre-trained", UNTRAINED_AND_PRETRAINED, "compare_arrows", _not_usable, show),
    Target("Train", TRAIN, "model_training", _not_trainable, train),
    Target("Sequential and parallel", SEQUENTIAL_AND_PARALLEL, "timeline", _no_part, compare),
)
"""Every page that there is, but this one."""


def draw(card: Card) -> None:
    """A button that opens the list of pages, and each page's button."""
    box = st.popover("Open in …", icon=":material/open_in_new:", key=key("pages", card.slug), on_change="rerun")
    with box:
        if not box.open:
            return
        for target in TARGETS:
            reason = target.reason(card)
            st.button(
                target.title,
                icon=f":material/{target.icon}:",
                key=key("open", target.path, card.slug),
                disabled=bool(reason),
                on_click=_ask,
                args=(card, target.title),
                width="stretch",
            )
            if reason:
                st.caption(escaped(reason))


def _ask(card: Card, title: str) -> None:
    st.session_state[ASKED] = title
    next(each for each in TARGETS if each.title == title).choose(card)


def go() -> None:
    """Turn to the page that a button asked for."""
    asked = st.session_state.pop(ASKED, None)
    if target := next((each for each in TARGETS if each.title == asked), None):
        st.switch_page(target.path)
