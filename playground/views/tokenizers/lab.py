"""What the parts of the page Tokenizers share: the text, the tokenizers that stand on it, and how they are asked."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from playground import guarded

if TYPE_CHECKING:
    from zoo.tokenizers import Tokenizer

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
LARGEST, LARGEST_ONCE = 4 * 2**20, 32 * 2**20
"""Bytes of an answer of a foreign tokenizer that is kept, and of one that is wanted once."""
AGAIN = 60.0
"""Seconds after which a foreign tokenizer that gave no answer is asked again."""


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
    stamp: str = ""
    """Tells apart what had the same key at different times: a model that was trained anew, a new file on the Hub."""


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
    name = _name(question)
    try:
        answer = _kept(column, name, arguments, question)
        if isinstance(answer, _Refused) and time.monotonic() - answer.at > AGAIN:
            _kept.clear(column, name, arguments, question)
            answer = _kept(column, name, arguments, question)
    except UnicodeEncodeError as error:  # of the cache, which reads the text before the tokenizer does
        raise ValueError(
            f"the text is not valid Unicode at character {error.start}: take that character out"
        ) from error
    except LookupError as error:
        raise ValueError(_said(error)) from error
    if isinstance(answer, _Refused):
        raise ValueError(answer.said)
    return cast(Answer, answer)


def ask_together(
    columns: Sequence[Column],
    question: Callable[Concatenate[Tokenizer, Arguments], Answer],
    *args: Arguments.args,
    **arguments: Arguments.kwargs,
) -> list[Answer | Exception]:
    """The same of several tokenizers at once, or why one has no answer: the library works on a core for each."""
    for column in columns:
        _ready(column)

    def one(column: Column) -> Answer | Exception:
        try:
            return ask(column, question, *args, **arguments)
        except Exception as error:  # one column must not take the others away
            return error

    with ThreadPoolExecutor(max(1, min(len(columns), os.cpu_count() or 1)), initializer=entering()) as pool:
        return list(pool.map(one, columns))


def entering() -> Callable[[], None]:
    """What a thread calls first, to belong to the session that draws now."""
    session = get_script_run_ctx(suppress_warning=True)

    def enter() -> None:
        add_script_run_ctx(threading.current_thread(), session)

    return enter


def _ready(column: Column) -> None:
    """Open it here and not in a thread: Streamlit says on the page that it is being loaded."""
    from playground.views.tokenizers import choosing

    if not column.foreign:
        with suppress(Exception):  # it is told where the tokenizer is asked
            choosing.tokenizer(column)


def ask_anew(column: Column, question: Callable[Concatenate[Tokenizer, Arguments], Answer], **arguments: Any) -> Answer:
    """The same, not kept: for an answer that is large and wanted once.

    Raises:
        ValueError: with one sentence for the reader.
    """
    try:
        return cast(Answer, _asked(column, _name(question), arguments, question, LARGEST_ONCE))
    except LookupError as error:
        raise ValueError(_said(error)) from error


@dataclass(frozen=True)
class _Refused:
    """Why a foreign tokenizer gave no answer. It is kept too: it may have cost seconds to find out."""

    said: str
    at: float


@st.cache_data(max_entries=64, show_spinner=False)
def _kept(column: Column, name: str, arguments: dict[str, Any], _question: Callable[..., Any]) -> Any:
    try:
        return _asked(column, name, arguments, _question, LARGEST)
    except ValueError as error:
        if not column.foreign or isinstance(error, guarded.Busy):
            raise
        return _Refused(str(error), time.monotonic())


def _asked(column: Column, name: str, arguments: dict[str, Any], question: Callable[..., Any], largest: int) -> Any:
    from playground.views.tokenizers import choosing, own

    if not column.foreign:
        return question(choosing.tokenizer(column), **arguments)
    return guarded.ask_guarded(own.content_of(column.key), name, arguments, largest)


def _name(question: Callable[..., Any]) -> str:
    return f"{question.__module__}:{question.__qualname__}"


def _said(error: LookupError) -> str:
    """Its sentence; a KeyError would put quotation marks around it."""
    return str(error.args[0]) if error.args else type(error).__name__
