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
    TRAIN,
    UNTRAINED_AND_PRETRAINED,
)
from playground.views.model_zoo.keys import key
from playground.views.model_zoo.offer import HUGGING_FACE, Card, run_info
from playground.views.sequential.clock import RECURRENT, TRANSFORMER
from playground.views.train import models
from playground.views.train.keys import key as train_key
from zoo.plugin import CONTEXT

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


def _not_on_the_clock(card: Card) -> str:
    if card.origin == HUGGING_FACE or card.family not in ("rnn", "gpt") or card.task != "next-token":
        return (
            "Its clock sets a recurrent network beside a GPT, both plugins that predict the next token: "
            "this model is neither."
        )
    return _not_usable(card)


def show(card: Card) -> None:
    """The model of the pages with a text. A run's own prompt comes along, for it may know no other words."""
    st.session_state[state.MODEL] = card.title
    if card.choice.trained:
        st.session_state[state.WEIGHTS] = state.TRAINED
    if prompt := _prompt(card):
        st.session_state[state.PROMPT] = prompt
    state.set_added([])
    state.set_at(None)


def _prompt(card: Card) -> str:
    """The prompt that a run was asked, or the end of it that the model has room for; "" where there is none."""
    from zoo.tokenizers import Tokenizer

    info = run_info(card.folder) if card.folder else {}
    if not info.get("prompt") or card.folder is None:
        return ""
    text = str(info["prompt"])
    room = min(int((info.get("config") or {}).get("context", CONTEXT)), state.MAX_TOKENS) - 1  # its task's mark
    try:
        tokenizer = Tokenizer.load(card.folder / "tokenizer.json")
    except (OSError, ValueError):
        return ""
    ids = tokenizer.encode(text).ids
    return " ".join((text if len(ids) <= room else tokenizer.decode(ids[-room:]).strip()).splitlines())


def train(card: Card) -> None:
    """The model of a new training; one that goes on from the card's weights, where that page offers them."""
    st.session_state[state.RUN] = ""
    st.session_state[train_key("model")] = card.plugin
    wanted = str(card.folder) if card.choice.key != card.plugin else card.plugin
    offered = {each.source: each.title for each in models.starts(card.plugin)}
    if wanted in offered and card.choice.key != card.plugin:
        st.session_state[train_key("start", card.plugin)] = offered[wanted]


def on_the_clock(card: Card) -> None:
    """One of the two models on the clock."""
    st.session_state[RECURRENT if card.family == "rnn" else TRANSFORMER] = card.title


TARGETS = (
    Target("Next word", NEXT_WORD, "edit_note", _not_usable, show),
    Target("Forward pass", FORWARD_PASS, "account_tree", _not_usable, show),
    Target("Untrained and pre-trained", UNTRAINED_AND_PRETRAINED, "compare_arrows", _not_usable, show),
    Target("Train", TRAIN, "model_training", _not_trainable, train),
    Target("Sequential and parallel", SEQUENTIAL_AND_PARALLEL, "timeline", _not_on_the_clock, on_the_clock),
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
                st.caption(reason)


def _ask(card: Card, title: str) -> None:
    st.session_state[ASKED] = title
    next(each for each in TARGETS if each.title == title).choose(card)


def go() -> None:
    """Turn to the page that a button asked for."""
    asked = st.session_state.pop(ASKED, None)
    if target := next((each for each in TARGETS if each.title == asked), None):
        st.switch_page(target.path)
