"""The reader's own tokenizers: trained on the text of the page, read from a file, or fetched from the Hub.

They live in the session. One that somebody else made is loaded, and ever after asked, in a process that can
be ended (`playground.guarded`); one that was trained here is asked in this process.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import streamlit as st

from playground import guarded
from playground.text import count, escaped, sentence
from playground.views.tokenizers.keys import key
from playground.views.tokenizers.kinds import TITLES
from playground.views.tokenizers.lab import Column, Lab
from zoo.pretrained.tokenizers import LARGEST, SMALLEST, hub
from zoo.pretrained.tokenizers import foreign as strange
from zoo.tokenizers import KINDS, Kind, Tokenizer, train_tokenizer

LEAST = 20
"""Characters of a text that can be trained on."""
LEARNED = 200_000
"""Characters of it that are learned from."""
LONGEST_WORD = 1000
"""Without a blank, a text is cut after so many characters: training takes the square of a word's length."""
KEPT = 6
"""Tokenizers that a session keeps; the oldest goes first."""
LEARNING: tuple[Kind, ...] = ("bpe", "bpe-char", "wordpiece", "unigram", "word", "char")
"""Kinds that learn something, the most used first."""
KIND, SIZE, FILE, HUB = (key("own", name) for name in ("kind", "size", "file", "hub"))
_HELD, _PROBLEM, _DONE, _CHOSEN = key("own", "held"), key("own", "problem"), key("own", "done"), key("chosen")


@dataclass(frozen=True)
class Held:
    """A tokenizer that the session keeps."""

    column: Column
    content: bytes
    """Its `tokenizer.json`."""
    about: str
    """One sentence."""
    tokenizer: Tokenizer | None = None
    """Of one that was trained here."""


def draw(lab: Lab) -> None:
    """Three ways to a tokenizer of one's own, and what this session has of them."""
    with st.container():  # it keeps its place, so that the way that is open below stays open
        _told()
    with st.expander("Train, load or fetch a tokenizer", icon=":material/add_circle:", key=key("own", "more")):
        ways: dict[str, Callable[[], None]] = {
            "Train one on the text above": lambda: _training(lab.text),
            "Open a tokenizer.json": _file,
            "From the Hugging Face Hub": _hub,
        }
        for tab, way in zip(st.tabs(list(ways)), ways.values(), strict=True):
            with tab:
                way()
        for each in _held().values():
            _row(each)


def offers() -> list[Column]:
    """What this session has trained, loaded and fetched, newest first."""
    return [each.column for each in reversed(_held().values())]


def tokenizer_of(name: str) -> Tokenizer:
    """One that was trained in this session.

    Raises:
        LookupError: this session has none of this key, or it is foreign.
    """
    found = _held().get(name)
    if found is None or found.tokenizer is None:
        raise LookupError("this session has not trained this tokenizer: train it again, or choose another one")
    return found.tokenizer


def content_of(name: str) -> bytes:
    """The `tokenizer.json` of one that this session has.

    Raises:
        LookupError: it has none of this key.
    """
    found = _held().get(name)
    if found is None:
        raise LookupError("this session does not have this tokenizer: load it again, or choose another one")
    return found.content


def fetch(names: list[str]) -> None:
    """Fetch what an address names, "hub:org/name"; what cannot be had is told where the page draws this part."""
    for name in names[:2]:
        _try(partial(_fetched, name.removeprefix("hub:")))


def _held() -> dict[str, Held]:
    found: dict[str, Held] = st.session_state.setdefault(_HELD, {})
    return found


def _keep(new: Held) -> None:
    held = _held()
    held.pop(new.column.key, None)
    held[new.column.key] = new
    for oldest in list(held)[:-KEPT]:
        del held[oldest]


def _choose(name: str) -> None:
    """Have it stand on the page: as one more, or in the place of the last."""
    chosen = [each for each in st.session_state.get(_CHOSEN, []) if each != name]
    st.session_state[_CHOSEN] = [*chosen[:3], name]


def _try(make: Callable[[], Held]) -> None:
    """Make and keep one, or remember the sentence that says why not."""
    st.session_state[_PROBLEM] = st.session_state[_DONE] = None
    try:
        new = make()
    except (ValueError, LookupError) as error:
        st.session_state[_PROBLEM] = sentence(str(error))
        return
    _keep(new)
    _choose(new.column.key)
    st.session_state[_DONE] = f"{new.column.title} stands on the page now. {new.about}"


def _told() -> None:
    if problem := st.session_state.get(_PROBLEM):
        st.error(escaped(problem), icon=":material/error:")
    if done := st.session_state.pop(_DONE, None):
        st.success(escaped(done), icon=":material/check:")


def _training(text: str) -> None:
    if len(text) < LEAST:
        st.info(f"Write {LEAST} characters or more, and a tokenizer can learn from them.", icon=":material/edit:")
        return
    _default(KIND, "bpe")
    _default(SIZE, 512)
    left, right = st.columns(2)
    left.selectbox("Kind", LEARNING, key=KIND, format_func=TITLES.__getitem__, persist_state="session")
    right.slider("Entries of the vocabulary, at most", SMALLEST, LARGEST, key=SIZE, step=4, persist_state="session")
    if len(text) > LEARNED:
        st.caption(f"It learns from the first {count(LEARNED)} of {count(len(text))} characters.")
    st.button("Train it", icon=":material/model_training:", type="primary", on_click=_train, args=(text,))


def _default(name: str, value: Any) -> None:
    if name not in st.session_state:
        st.session_state[name] = value


def _train(text: str) -> None:
    kind, size = st.session_state[KIND], int(st.session_state[SIZE])
    st.toast("Training …", icon=":material/model_training:")  # a spinner would stand above the page, and move it
    _try(lambda: train(text, kind, size))


def train(text: str, kind: Kind, size: int) -> Held:
    """A tokenizer of this kind that learned from this text; its key names the text by its hash.

    Raises:
        ValueError: there is too little text, no such kind, or too small a vocabulary for it.
    """
    if kind not in KINDS or len(text) < LEAST:
        raise ValueError(f"choose a kind, and write {LEAST} characters or more")
    size = min(max(size, SMALLEST), LARGEST)
    learned = text[:LEARNED]
    try:
        made = train_tokenizer(kind, _cut(learned), size)
        content = made.raw.to_str().encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the text is not valid Unicode at character {error.start}: type it again") from error
    name = f"own:{kind}:{size}:{hashlib.sha256(learned.encode()).hexdigest()[:10]}"
    title = f"{TITLES[kind]} · own · {count(made.vocab_size)}"
    about = f"It was trained on your text and has {count(made.vocab_size)} entries."
    if made.vocab_size < size:
        about += f" {count(size)} were allowed, but the text had no more to learn."
    stamp = hashlib.sha256(content).hexdigest()
    return Held(Column(name, title, kind, stamp=stamp), content, about, made)


def _cut(text: str) -> list[str]:
    """The text in pieces, cut only where a word or a blank stretch is longer than any of a language."""
    pattern = rf"\S{{{LONGEST_WORD}}}(?=\S)|\s{{{LONGEST_WORD}}}(?=\s)"
    cuts = [0, *(found.end() for found in re.finditer(pattern, text)), len(text)]
    return [text[start:end] for start, end in pairwise(cuts)]


def _file() -> None:
    st.file_uploader(
        "A tokenizer.json", type=["json"], key=FILE, max_upload_size=strange.LARGEST // 2**20, on_change=_opened
    )
    st.caption("From the folder of any model that has one. Nothing in it is run, and it stays in your session.")


def _opened() -> None:
    given = st.session_state[FILE]
    if given is not None:
        _try(lambda: loaded(given.getvalue(), given.name))


def loaded(content: bytes, name: str) -> Held:
    """A strange `tokenizer.json`, checked in a process of its own.

    Raises:
        ValueError: it is not sound.
    """
    if len(content) > strange.LARGEST:
        raise ValueError(f"This file has more than {strange.LARGEST // 2**20} MB: choose a smaller one.")
    digest = hashlib.sha256(content).hexdigest()[:16]
    return _foreign(f"file:{digest}", name[:40], content)


def _hub() -> None:
    st.text_input("Its name", key=HUB, placeholder="organisation/name", max_chars=200)
    st.button("Fetch its tokenizer", icon=":material/cloud_download:", on_click=_ask_hub)
    st.caption("This server asks the Hub for one file of that model, tokenizer.json, and for nothing else.")


def _ask_hub() -> None:
    name = str(st.session_state[HUB] or "").strip()
    st.toast("Asking the Hub …", icon=":material/cloud_download:")
    _try(lambda: _fetched(name))


def _fetched(name: str) -> Held:
    return _foreign(f"hub:{name}", name, hub.fetch(name))


def _foreign(name: str, title: str, content: bytes) -> Held:
    found = guarded.load_guarded(content)
    about = f"It has {count(found.size)} entries, and its model is of the type {found.kind}."
    stamp = hashlib.sha256(content).hexdigest()
    return Held(Column(name, title, found.kind, foreign=True, stamp=stamp), content, about)


def _row(each: Held) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=key("own", "row", _safe(each.column.key))):
        st.markdown(f"**{escaped(each.column.title)}** {escaped(each.about)}", width="stretch")
        st.download_button(
            "tokenizer.json",
            each.content,
            "tokenizer.json",
            "application/json",
            key=key("own", "download", _safe(each.column.key)),
            icon=":material/download:",
            on_click="ignore",
        )
        st.button(
            "Forget",
            key=key("own", "forget", _safe(each.column.key)),
            icon=":material/delete:",
            on_click=_forget,
            args=(each.column.key,),
        )


def _safe(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def _forget(name: str) -> None:
    _held().pop(name, None)
    st.session_state[_PROBLEM] = st.session_state[_DONE] = None
