"""The text of the page: written, chosen among examples, or read from a file."""

from __future__ import annotations

import streamlit as st

from playground import state
from playground.text import count, escaped, plural
from playground.views.tokenizers.keys import key
from zoo.tokenizers.presets import PRESETS

LONGEST = 1_000_000
"""Characters that the page takes."""
PARKED = 50_000
"""Characters above which a written text leaves the box: the browser sends all that stands in one at every click."""
IN_ADDRESS = 1000
"""Characters of a text that the address carries."""
OWN = "My own text"
WRITTEN, EXAMPLE, FILE, UPLOAD = key("text"), key("example"), key("file"), key("upload")


def draw() -> str:
    """The box of the text with what fills it; returns the text."""
    _begin()
    left, right = st.columns([5, 2.2])
    with right:
        _fill()
    with left:
        text = _file() if st.session_state.get(FILE) else _box()
    _to_address(text)
    return text


def _begin() -> None:
    """The address's text, or the example that it names; once a session."""
    if WRITTEN in st.session_state:
        return
    example = state.get(state.EXAMPLE)
    written = state.get(state.TEXT)
    if example not in PRESETS:
        example = OWN if written else next(iter(PRESETS))
    st.session_state[EXAMPLE] = example
    st.session_state[WRITTEN] = written if example == OWN else PRESETS[example].text


def _fill() -> None:
    st.selectbox("Example", [*PRESETS, OWN], key=EXAMPLE, on_change=_chosen, persist_state="session")
    if (chosen := PRESETS.get(st.session_state[EXAMPLE])) is not None:
        st.caption(chosen.look)
    with st.popover("Open a text file", icon=":material/upload_file:", width="stretch"):
        given = st.file_uploader("A plain text file in UTF-8", key=UPLOAD, max_upload_size=4, on_change=_opened)
        if given is None:
            st.caption(f"At most {count(LONGEST)} characters are read. The text stays in your session.")
        if (problem := st.session_state.get(key("problem"))) is not None:
            st.error(problem, icon=":material/error:")


def _chosen() -> None:
    st.session_state[FILE] = None
    if (chosen := PRESETS.get(st.session_state[EXAMPLE])) is not None:
        st.session_state[WRITTEN] = chosen.text


def _box() -> str:
    st.text_area(
        "Your text",
        key=WRITTEN,
        height=150,
        max_chars=LONGEST,
        placeholder="Type or paste a text",
        on_change=_written,
        persist_state="session",
    )
    return str(st.session_state[WRITTEN] or "")[:LONGEST]


def _written() -> None:
    st.session_state[EXAMPLE] = OWN
    written = str(st.session_state[WRITTEN] or "")[:LONGEST]
    if len(written) > PARKED:
        st.session_state[FILE], st.session_state[WRITTEN] = ("", written, len(written)), ""


def _opened() -> None:
    """Read the file that was given; its text stands in for what was written."""
    st.session_state[key("problem")] = None
    given = st.session_state[UPLOAD]
    if given is None:
        return
    try:
        whole = given.getvalue().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        st.session_state[key("problem")] = f"This file is not UTF-8 text (byte {count(error.start)}): save it as UTF-8."
        return
    st.session_state[FILE] = (given.name, whole[:LONGEST], len(whole))
    st.session_state[EXAMPLE] = OWN


def _file() -> str:
    name, text, length = st.session_state[FILE]
    with st.container(border=True):
        cut = f"; the first {count(LONGEST)} are read" if length > LONGEST else ""
        st.markdown(f"**{escaped(name) or 'Your text'}**, {plural(length, 'character')}{cut}.")
        st.code(text[:600] + (" …" if len(text) > 600 else ""), language=None, wrap_lines=True, height=110)
        if name:
            st.button("Close the file and type", icon=":material/close:", on_click=_close)
        else:
            with st.container(horizontal=True):
                st.button("Edit it", icon=":material/edit:", on_click=_edit)
                st.button("Write another", icon=":material/close:", on_click=_close)
    return str(text)


def _edit() -> None:
    """Put a long text that was written back into the box; it leaves it again when it was changed."""
    st.session_state[WRITTEN], st.session_state[FILE] = st.session_state[FILE][1], None


def _close() -> None:
    st.session_state[FILE] = None


def _to_address(text: str) -> None:
    """What the address needs to bring this text back; a long one stays out, and the page says so."""
    example = st.session_state[EXAMPLE]
    own = example == OWN
    fits = len(text) <= IN_ADDRESS
    st.session_state[state.EXAMPLE] = "" if own or example == next(iter(PRESETS)) else example
    st.session_state[state.TEXT] = text if own and fits else ""
    if own and not fits:
        st.caption(
            f"A text of more than {count(IN_ADDRESS)} characters stays out of the address: a link won't hold it."
        )
