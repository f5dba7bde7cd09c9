"""What the parts of the page Tokenizers share: the text, the tokenizers that stand on it, and how they are asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

import streamlit as st

if TYPE_CHECKING:
    from zoo.tokenizers import Tokenizer

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Column:
    """One tokenizer that stands on the page."""

    key: str
    """As in the address: "stories:bpe", "glass-box:wordpiece:600", "gpt2", "own:bpe:512", "hub:org/name", …"""
    title: str
    kind: str
    """One of `zoo.tokenizers.KINDS`; for those of others the library's type of model, such as "BPE"."""
    foreign: bool = False
    """From the Hub or from a file: only ever asked in a process that can be ended."""


@dataclass(frozen=True)
class Lab:
    """What the page is about: one text, and two to four tokenizers."""

    text: str
    columns: list[Column]


def ask(
    column: Column,
    question: Callable[Concatenate[Tokenizer, Arguments], Answer],
    *args: Arguments.args,
    **arguments: Arguments.kwargs,
) -> Answer:
    """What `question`, a function of a module in `zoo`, answers of this tokenizer; kept, so that it is asked once.

    Raises:
        ValueError: with one sentence for the reader.
    """
    if args:
        raise TypeError("name the arguments")
    try:
        return cast(Answer, _kept(column, f"{question.__module__}:{question.__qualname__}", arguments, question))
    except UnicodeEncodeError as error:  # of the cache, which reads the text before the tokenizer does
        raise ValueError(
            f"the text is not valid Unicode at character {error.start}: take that character out"
        ) from error


def ask_anew(column: Column, question: Callable[Concatenate[Tokenizer, Arguments], Answer], **arguments: Any) -> Answer:
    """The same, not kept: for an answer that is large and wanted once.

    Raises:
        ValueError: with one sentence for the reader.
    """
    return cast(Answer, _asked(column, f"{question.__module__}:{question.__qualname__}", arguments, question))


@st.cache_data(max_entries=64, show_spinner=False)
def _kept(column: Column, name: str, arguments: dict[str, Any], _question: Callable[..., Any]) -> Any:
    return _asked(column, name, arguments, _question)


def _asked(column: Column, name: str, arguments: dict[str, Any], question: Callable[..., Any]) -> Any:
    from playground import guarded
    from playground.views.tokenizers import choosing, own

    try:
        if column.foreign:
            return guarded.ask_guarded(own.content_of(column.key), name, arguments)
        return question(choosing.tokenizer(column), **arguments)
    except LookupError as error:
        raise ValueError(str(error)) from error
