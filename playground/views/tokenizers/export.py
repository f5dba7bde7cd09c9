"""Taking it along: the tokens of each column as JSON and CSV, and its `tokenizer.json`; made on the click."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import streamlit as st

from playground.text import count, escaped, plural
from playground.views.tokenizers.columns import asked, problem, told_special
from playground.views.tokenizers.keys import key
from playground.views.tokenizers.lab import Column, Lab, ask_anew, entering
from playground.views.tokenizers.text import IN_ADDRESS
from zoo.tokenizers.listing import as_csv, as_json, as_tokenizer_json


def draw(lab: Lab) -> None:
    """Three files of each column."""
    st.markdown(
        "Every token of the text, with its id, the bytes that it writes, and where it stands in the text; and the "
        "tokenizer itself, as the file that the library `tokenizers` reads. In the CSV a piece is written as a JSON "
        "string: its blanks can be seen, and no spreadsheet takes it for a formula."
    )
    told_special(lab)
    for column in lab.columns:
        _files(column, lab.text)
    st.caption(
        "The address of this page is a link to it: it brings back the tokenizers, this part, and a text of up to "
        f"{count(IN_ADDRESS)} characters."
    )


def _files(column: Column, text: str) -> None:
    try:
        total = asked(column, text).total
    except Exception as error:  # one column must not take the others away
        st.error(f"**{escaped(column.title)}**: {escaped(problem(error))}", icon=":material/error:")
        return
    st.markdown(f"**{escaped(column.title)}** · {plural(total, 'token')}")
    name = file_name(column.key)
    with st.container(horizontal=True):
        _button("Tokens, JSON", f"tokens-{name}.json", "application/json", partial(tokens_json, column, text))
        _button("Tokens, CSV", f"tokens-{name}.csv", "text/csv", partial(tokens_csv, column, text))
        _button("tokenizer.json", f"{name}.tokenizer.json", "application/json", partial(tokenizer_json, column))


def _button(label: str, name: str, kind: str, make: Callable[[], str]) -> None:
    st.download_button(
        label,
        data=in_session(make),
        file_name=name,
        mime=kind,
        key=key("export", name),
        icon=":material/download:",
        on_click="ignore",
    )


def tokens_json(column: Column, text: str) -> str:
    """All tokens of a column as JSON."""
    return ask_anew(column, as_json, text=text, key=column.key)


def tokens_csv(column: Column, text: str) -> str:
    """All tokens of a column as CSV."""
    return ask_anew(column, as_csv, text=text, key=column.key)


def tokenizer_json(column: Column) -> str:
    """The column's tokenizer as a file."""
    return ask_anew(column, as_tokenizer_json)


def file_name(column: str) -> str:
    """A column's key as a part of a file's name: "stories:bpe" -> "stories-bpe"."""
    return re.sub(r"[^\w.]+", "-", column)[:80].strip("-.") or "tokenizer"


def in_session(make: Callable[[], str]) -> Callable[[], str]:
    """`make`, as the session that draws now would call it.

    Streamlit makes a file when its button is clicked, in a thread that knows no session; the reader's own
    tokenizers are kept in one.
    """
    enter = entering()

    def called() -> str:
        with ThreadPoolExecutor(1, initializer=enter) as pool:
            return pool.submit(make).result()

    return called
