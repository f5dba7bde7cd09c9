"""Which of the models on offer can stand on the clock: those that read word by word, and the transformers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from playground import engine
from playground.catalogue import Choice, Weights


@st.cache_data(ttl=10, show_spinner=False)
def _plugins() -> dict[str, tuple[str, str]]:
    """Plugin id -> its family and task."""
    from zoo.registry import discover

    return {key: (plugin.spec.family, plugin.spec.task) for key, plugin in discover().plugins.items()}


class Info(NamedTuple):
    """What is known of a choice without loading it; "" where it is not."""

    plugin: str
    corpus: str = ""
    """The text that it was trained on."""
    tokenizer: str = ""
    """The hash of its tokenizer."""


def info(choice: Choice) -> Info:
    """The plugin's id behind a choice, and what its run says of text and tokens."""
    from zoo.pretrained.shipped import run_folder

    folder = run_folder(choice.key)
    if folder is None:
        return Info(choice.key)
    try:
        run = json.loads((folder / "run.json").read_bytes())
        return Info(str(run["model"]), str(run["corpus"]["name"]), str(run["tokenizer"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Info("")


def of_family(family: str) -> list[Choice]:
    """The models of a family that predict the next token, the trained ones first."""
    found = [each for each in engine.choices() if _plugins().get(info(each)[0]) == (family, "next-token")]
    return sorted(found, key=lambda each: not each.trained)


def first(choices: Sequence[Choice], model: str, like: Choice | None = None) -> Choice:
    """What to begin with: the model of this id that learned the text of `like` in the same tokens, if there is one."""
    wanted = Info("") if like is None else info(like)

    def distance(choice: Choice) -> tuple[bool, ...]:
        own = info(choice)
        other_text = wanted.corpus not in ("", own.corpus)
        return not choice.trained, other_text, wanted.tokenizer not in ("", own.tokenizer), own.plugin != model

    return min(choices, key=distance)


def pick(label: str, choices: Sequence[Choice], name: str, default: Choice) -> Choice:
    """A box to choose one of them, kept through page changes."""
    by_title = {choice.title: choice for choice in choices}
    if st.session_state.get(name) not in by_title:
        st.session_state[name] = default.title
    st.selectbox(label, list(by_title), key=name, persist_state="session")
    return by_title[st.session_state[name]]


def weights(choice: Choice) -> Weights:
    """Its trained weights, or random ones where nobody has trained it."""
    return Weights(choice.key, "trained" if choice.trained else "untrained", 0, choice.stamp)
