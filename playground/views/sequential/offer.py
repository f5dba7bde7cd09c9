"""Which of the models on offer can stand on the clock: those that read word by word, and the transformers."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from playground import engine
from playground.catalogue import Choice, Weights


@st.cache_data(ttl=10, show_spinner=False)
def _plugins() -> dict[str, tuple[str, str]]:
    """Plugin id -> its family and task."""
    from zoo.registry import discover

    return {key: (plugin.spec.family, plugin.spec.task) for key, plugin in discover().plugins.items()}


def info(choice: Choice) -> tuple[str, str]:
    """The plugin's id behind a choice, and the text that it was trained on; "" where that is not known."""
    from zoo.pretrained.shipped import run_folder

    folder = run_folder(choice.key)
    if folder is None:
        return choice.key, ""
    try:
        run = json.loads((folder / "run.json").read_bytes())
        return str(run["model"]), str(run["corpus"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", ""


def of_family(family: str) -> list[Choice]:
    """The models of a family that predict the next token, the trained ones first."""
    found = [each for each in engine.choices() if _plugins().get(info(each)[0]) == (family, "next-token")]
    return sorted(found, key=lambda each: not each.trained)


def first(choices: Sequence[Choice], model: str, corpus: str = "") -> Choice:
    """What to begin with: the model of this id that learned this text, as near as there is one."""

    def distance(choice: Choice) -> tuple[bool, bool, bool]:
        plugin, learned = info(choice)
        return not choice.trained, bool(corpus) and learned != corpus, plugin != model

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
