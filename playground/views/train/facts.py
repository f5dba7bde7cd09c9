"""What does not change while a run goes on: read once, and kept for all who watch it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from playground.engine import registry
from playground.views.runs import UNITS
from zoo.compare.exact import right_answer

if TYPE_CHECKING:
    from zoo.data.glass_box import GlassBox
    from zoo.tokenizers import Tokenizer
    from zoo.training import Run, RunInfo


@dataclass(frozen=True)
class Facts:
    """A run's settings, its tokenizer, and the right answer to its prompt where it is known."""

    info: RunInfo
    task: str
    """What its model is trained for: a `zoo.plugin.Task`."""
    tokenizer: Tokenizer
    language: GlassBox | None
    right: dict[int, float]
    """The exact probability of each token after the prompt; empty where nobody knows it."""
    translation: str = ""
    """The right translation of the prompt; "" where nobody knows it, or none is asked for."""

    @property
    def unit(self) -> str:
        """What a loss is the mean over: "word" where every word of the language is one token."""
        if self.task in UNITS:
            return UNITS[self.task]
        whole = "WordLevel" in type(self.tokenizer.raw.model).__name__
        return "word" if self.language is not None and whole else "token"


def of(run: Run) -> Facts:
    """The facts of a run; read anew where its run.json has changed, as by a new name."""
    return _facts(str(run.folder), (run.folder / "run.json").stat().st_mtime_ns)


@st.cache_resource(max_entries=32, show_spinner=False)
def _facts(folder: str, stamp: int) -> Facts:
    from zoo.data import language_of
    from zoo.training import Run

    run = Run.open(folder)
    info, tokenizer = run.info, run.tokenizer
    plugin = registry().plugins.get(info.model)
    task = plugin.spec.task if plugin else "next-token"
    language = language_of(info.corpus) if task == "next-token" else None
    return Facts(info, task, tokenizer, language, _right(language, tokenizer, info), _translation(task, info))


def _right(language: GlassBox | None, tokenizer: Tokenizer, info: RunInfo) -> dict[int, float]:
    """The answer to the whole prompt; empty, too, where the model reads only the end of it."""
    from zoo.plugin import CONTEXT

    if language is None or len(tokenizer.encode(info.prompt).ids) > int(info.config.get("context", CONTEXT)):
        return {}
    try:
        return right_answer(language, tokenizer, language.split(info.prompt))
    except ValueError:
        return {}


def _translation(task: str, info: RunInfo) -> str:
    from zoo.data import pairs_of

    pairs = pairs_of(info.corpus) if task == "translate" else None
    try:
        return pairs.translate(pairs.split(info.prompt)).target_text if pairs else ""
    except ValueError:
        return ""
