"""Which of the models on offer can stand on the clock: those that read word by word, and the transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from playground import engine
from playground.catalogue import Choice
from playground.run_files import run_info

if TYPE_CHECKING:
    from zoo.plugin import ModelSpec


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
    run = run_info(folder)
    return Info(run.get("model", ""), run.get("corpus", {}).get("name", ""), str(run.get("tokenizer", "")))


def spec(choice: Choice) -> ModelSpec | None:
    """What its plugin says of itself; None where there is no such plugin."""
    plugin = engine.registry().plugins.get(info(choice).plugin)
    return plugin.spec if plugin else None


def of_family(family: str) -> list[Choice]:
    """The models of a family that predict the next token, the trained ones first."""
    specs = [(each, spec(each)) for each in engine.choices()]
    found = [each for each, of in specs if of is not None and (of.family, of.task) == (family, "next-token")]
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
