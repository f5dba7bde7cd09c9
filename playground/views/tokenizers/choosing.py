"""Which tokenizers stand side by side: those on offer, those of the models, and the reader's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import streamlit as st

from playground import engine, state
from playground.catalogue import Choice
from playground.text import escaped, plural
from playground.views.tokenizers import own
from playground.views.tokenizers.keys import key
from playground.views.tokenizers.kinds import TITLES
from playground.views.tokenizers.lab import Column
from zoo.pretrained.shipped import run_folder
from zoo.pretrained.tokenizers import Offer, catalogue, open_tokenizer
from zoo.tokenizers import KINDS, Tokenizer

MOST = 4
GLASS_BOX_SIZE = 600
FIRST = ("stories:word", "stories:bpe", "gpt2")
"""What a first visitor meets."""
CHOSEN = key("chosen")
_MODEL = "model:"


def draw() -> list[Column]:
    """The choice; returns the columns in the order in which they were chosen."""
    asked = _asked()
    offers = {each.key: each for each in offered()}
    if asked is not None:
        _begin(asked, offers)
    st.session_state[CHOSEN] = [each for each in dict.fromkeys(st.session_state[CHOSEN]) if each in offers][:MOST]
    st.multiselect(
        "Tokenizers side by side",
        list(offers),
        key=CHOSEN,
        format_func=lambda each: offers[each].title if each in offers else each,
        max_selections=MOST,
        select_all=False,
        placeholder="Choose two to four tokenizers",
        persist_state="session",
        help="Each cuts the same text. Two to four of them stand side by side, in the order in which you choose them.",
    )
    chosen = [offers[each] for each in st.session_state[CHOSEN]]
    keys = [each.key for each in chosen]
    state.set_tokenizers([] if keys == [each for each in FIRST if each in offers] else keys)
    _not_here(offers)
    _others(chosen)
    return chosen


def offered() -> list[Column]:
    """Every tokenizer that can be chosen now, no two with one title: the box knows them by it."""
    ready = [_column(each) for each in catalogue() if not each.missing]
    learned = [
        Column(f"glass-box:{kind}:{GLASS_BOX_SIZE}", f"{TITLES[kind]} · glass box", kind)
        for kind in KINDS
        if kind != "byte"
    ]
    mine = own.offers()
    found = list(_distinct([*ready, *learned, *of_models(), *reversed(mine)]))
    of_others = len(found) - len(mine)
    return [*reversed(found[of_others:]), *found[:of_others]]


def _distinct(columns: Iterable[Column]) -> Iterator[Column]:
    """The same columns; "tokenizer.json", "tokenizer.json (2)", …"""
    taken: set[str] = set()
    for column in columns:
        titles = (column.title, *(f"{column.title} ({number})" for number in range(2, len(taken) + 2)))
        title = next(each for each in titles if each not in taken)
        taken.add(title)
        yield replace(column, title=title)


def _column(offer: Offer) -> Column:
    return Column(offer.key, offer.title, offer.kind)


def of_models() -> list[Column]:
    """The tokenizers of the models in the zoo, each once."""
    return [_of(sharers[0]) for sharers in _sharing()]


def of_model(model: str) -> Column | None:
    """The tokenizer of a model, which stands under the first of those that share it; None where it has none."""
    return next((_of(sharers[0]) for sharers in _sharing() if any(each.key == model for each in sharers)), None)


def _of(choice: Choice) -> Column:
    return Column(_key(choice.title), f"that of {choice.title}", "")


def _sharing() -> list[list[Choice]]:
    """The models that have a tokenizer.json; those with the same one together."""
    found: dict[bytes, list[Choice]] = {}
    for choice in engine.choices():
        if (path := _file(choice.key)) is not None:
            found.setdefault(path.read_bytes(), []).append(choice)
    return list(found.values())


def _others(chosen: Sequence[Column]) -> None:
    """Which other models have a tokenizer that stands under the name of one."""
    titles = {column.key: column.title for column in chosen if column.key.startswith(_MODEL)}
    for first, *others in _sharing() if titles else []:
        if others and (title := titles.get(_key(first.title))):
            names = ", ".join(f"“{escaped(each.title)}”" for each in others)
            st.caption(f"The tokenizer “{escaped(title)}” is also that of {names}.")


def _key(title: str) -> str:
    """A model's key; in the address a comma stands between two keys."""
    return _MODEL + title.replace(",", ";")


def _file(model: str) -> Path | None:
    """The tokenizer.json of a model, where it has one in its folder."""
    folder = run_folder(model) or Path(model)
    path = folder / "tokenizer.json"
    return path if path.is_file() else None


def tokenizer(column: Column) -> Tokenizer:
    """The tokenizer of a column that is not foreign, loaded once for all sessions.

    Raises:
        ValueError, LookupError: it cannot be had, in one sentence.
    """
    if column.key.startswith("own:"):
        return own.tokenizer_of(column.key)
    if column.key.startswith(_MODEL):
        path = next((_file(choice.key) for choice in engine.choices() if _key(choice.title) == column.key), None)
        if path is None:
            name = column.key.removeprefix(_MODEL)
            raise LookupError(f"the model {name} is no longer here; choose another tokenizer")
        return _loaded(str(path), path.stat().st_mtime_ns)
    return _opened(column.key)


@st.cache_resource(max_entries=16, show_spinner="The tokenizer is being loaded …")
def _opened(name: str) -> Tokenizer:
    return open_tokenizer(name)


@st.cache_resource(max_entries=8, show_spinner=False)
def _loaded(path: str, _stamp: int) -> Tokenizer:
    return Tokenizer.load(path)


def _asked() -> list[str] | None:
    """What the address of a new session asks for, after fetching what only the Hub has; None in any other."""
    if CHOSEN in st.session_state:
        return None
    asked = list(dict.fromkeys(state.tokenizers()))
    if named := [each for each in asked if each.startswith("hub:")]:
        with st.spinner("Asking the Hub …"):
            own.fetch(named)
    return asked


def _begin(asked: list[str], offers: dict[str, Column]) -> None:
    """What the address asks for; what a first visitor meets, where it asks for nothing."""
    st.session_state[CHOSEN] = [each for each in asked if each in offers] or [each for each in FIRST if each in offers]
    st.session_state[key("lost")] = [each for each in asked if each not in offers]


def _not_here(offers: dict[str, Column]) -> None:
    """What the address asked for and this session has not; what could be installed."""
    lost = [each for each in st.session_state.get(key("lost"), []) if each not in offers]
    if lost:
        st.warning(
            f"The address names {plural(len(lost), 'tokenizer')} that this session does not have: "
            f"{escaped(', '.join(lost))}. One that was trained or loaded by somebody has to be made again, below.",
            icon=":material/link_off:",
        )
    if missing := [each for each in catalogue() if each.missing]:
        with st.popover("More tokenizers", icon=":material/extension:"):
            for each in missing:
                st.markdown(f"**{escaped(each.title)}**: {escaped(each.missing)}")
