"""What the user has chosen, in one typed place: every session_state key and query parameter.

A new session takes its values from the address, each held to its range; from then on the session
rules, and `end` keeps the address in step, so that it reopens the same view. A widget with one
of these names as its key edits the value directly; it is given no default of its own.
"""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from playground.what_if import NOTHING

if TYPE_CHECKING:
    from zoo.inference import LoadedModel

MODEL = "model"
PROMPT = "prompt"
WEIGHTS = "weights"
SEED = "seed"
TEMPERATURE = "temperature"
TOP_K = "top_k"
TOP_P = "top_p"
DRAW = "draw"
WHAT_IF = "what_if"
ADDED = "added"
TOKEN = "token"
STEP = "step"
HEAD = "head"
AT = "at"
"""Which checkpoint of the model is shown; the last, where it is empty."""
RUN = "run"
"""The training run on the page Train."""
ZOO = "zoo"
"""The app's runs that this session's list of models offers: sent to the zoo, or opened by a link."""
TWINS = "twins"
"""Which twins stand side by side."""
SHUFFLE = "shuffle"
"""The seed of the shuffled weights."""
HALFWAY = "halfway"
"""The checkpoint of the half-way twin; the middle one, where it is empty."""
JUDGED = "judged"
"""The text that the twins are judged by; the page's own, where it is empty."""
STORY = "story"
"""The seed of the glass box's stories."""
WORD = "word"
"""The word whose neighbours are shown."""
PAIR = "pair"
"""The two twins whose surprise is compared."""
TOKENIZERS = "tokenizers"
"""The keys of the tokenizers that stand side by side."""
TEXT = "text"
"""The text on the page Tokenizers, as far as an address can carry it."""
EXAMPLE = "example"
"""Which of the page's own texts it is; empty where the reader wrote it."""
RACE = "race"
"""The two training runs that are compared on the page Tokenizers: their ids, a dot between them."""
PART = "part"
"""What is looked at below the tokens."""
OWNER = "owner"
KEPT = "kept"
"""A copy of all values, which outlives the widgets."""
PAGE = "page"
"""The page that was drawn last; not in the address's parameters, being its path."""

DEFAULT_MODEL = "zoo/gpt"
DEFAULT_TITLE = "GPT"
DEFAULT_PROMPT = "She enjoys playing"
DEFAULT_STEP = "blocks.0.attn.pattern"
TRAINED, UNTRAINED = "trained", "untrained"
MAX_CHARACTERS = 2000
MAX_TOKENS = 128
"""The longest text that the pages follow, whatever the model could read: a page must answer at once."""
MAX_SEED = 2**31 - 1
MAX_TEMPERATURE = 2.0
MAX_TOP_K = 1000
MIN_TOP_P = 0.05
MAX_ZOO = 8
"""How many of the app's runs one session's list of models can hold."""
RUN_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_COOKIE = re.compile(r"2\|([0-9a-f]{8})\|([0-9a-f]{32})\|\d+")
"""Version, mask, masked token, time."""


def _text(value: Any) -> str:
    return str(value)[:MAX_CHARACTERS]


def _line(value: Any) -> str:
    """One line, as the box of the text holds it."""
    return " ".join(_text(value).splitlines())


def _id(value: Any) -> str:
    if value and not RUN_ID.fullmatch(str(value)):
        raise ValueError("not the id of a run")
    return str(value)


def _ids(value: Any) -> str:
    return ".".join([part for part in str(value).split(".") if RUN_ID.fullmatch(part)][-MAX_ZOO:])


def _whole(most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        return int(min(max(int(str(value)[:20]), 0), most))

    return read


def _share(least: float, most: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if not math.isfinite(number := float(str(value)[:20])):
            raise ValueError(f"{value} is not a number")
        return min(max(number, least), most)

    return read


_VALUES: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    MODEL: (DEFAULT_TITLE, _text),
    PROMPT: (DEFAULT_PROMPT, _line),
    WEIGHTS: (TRAINED, _text),
    SEED: (0, _whole(MAX_SEED)),
    TEMPERATURE: (1.0, _share(0.0, MAX_TEMPERATURE)),
    TOP_K: (0, _whole(MAX_TOP_K)),
    TOP_P: (1.0, _share(MIN_TOP_P, 1.0)),
    DRAW: (0, _whole(MAX_SEED)),
    WHAT_IF: (NOTHING, _text),
    ADDED: ("", _text),
    TOKEN: ("", _text),
    STEP: ("", _text),
    HEAD: ("", _text),
    AT: ("", _text),
    TWINS: ("untrained.shuffled.trained", _text),
    SHUFFLE: (0, _whole(MAX_SEED)),
    HALFWAY: ("", _text),
    JUDGED: ("", _text),
    STORY: (0, _whole(MAX_SEED)),
    WORD: ("", _line),
    PAIR: ("", _text),
    RUN: ("", _id),
    ZOO: ("", _ids),
    TOKENIZERS: ("", _text),
    TEXT: ("", _text),
    EXAMPLE: ("", _line),
    PART: ("", _line),
    RACE: ("", _ids),
}
"""Name -> what it is where nothing was chosen, and how a value from outside is read and held to its range."""


def _held(name: str, value: Any) -> Any:
    """A value from the address or from a widget, within its range; the default where it makes no sense."""
    default, read = _VALUES[name]
    try:
        return default if value is None else read(value)
    except (ValueError, OverflowError):
        return default


def get(name: str) -> Any:
    """The session's value, or in a fresh session the address's; always within its range."""
    if name not in st.session_state:
        kept = st.session_state.get(KEPT, {})
        st.session_state[name] = _held(name, kept[name] if name in kept else st.query_params.get(name))
    return _held(name, st.session_state[name])


def choose(name: str, options: Sequence[str]) -> None:
    """Hold a choice to what is on offer: the first option, where the value is none of them."""
    if get(name) not in options:
        st.session_state[name] = options[0]


def begin(page: str) -> None:
    """Take over the address in a new session; in any other, hold on to what Streamlit would let go.

    Streamlit forgets a widget's value with the widget: on another page, or where it is hidden. So the
    values are kept beside it, and set again. The text is set on a new page only: somebody may be
    typing in its box.
    """
    arrived = st.session_state.get(PAGE) != page
    st.session_state[PAGE] = page
    for name in _VALUES:
        if arrived or name != PROMPT:
            st.session_state[name] = get(name)


def end(has_text: bool = True) -> None:
    """Keep what was chosen, and put it into the address; what is at its default stays out of it.

    On a page without the box of the text (`has_text`) the text stays in the copy alone: beside the next
    page's box Streamlit would keep it, as it is now, and bring it back when that box is gone.
    """
    st.session_state[KEPT] = {name: get(name) for name in _VALUES}
    for name, (default, _) in _VALUES.items():
        value = get(name)
        if value == default:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != str(value):
            st.query_params[name] = str(value)
    if not has_text and PROMPT in st.session_state:
        del st.session_state[PROMPT]


def is_first_visit() -> bool:
    """Whether nothing has been chosen that a recording of the first visit could not show."""
    return all(get(name) == default for name, (default, _) in _VALUES.items() if name not in (STEP, HEAD))


def added() -> list[int]:
    """Ids of the tokens that were generated after the prompt."""
    parts = [part for part in get(ADDED).split(".") if part.isdecimal() and len(part) < 8]
    return [int(part) for part in parts[:MAX_TOKENS]]


def ids(model: LoadedModel) -> list[int]:
    """What the model is fed: the prompt's ids, and those of the added tokens that it knows, as far as there is room.

    Raises:
        ValueError: the prompt is empty, or longer than the model reads or these pages follow.
    """
    prompt, room = model.ids(get(PROMPT)), min(model.context, MAX_TOKENS)
    if len(prompt) > room:
        raise ValueError(f"the text has {len(prompt)} tokens; these pages follow at most {room}: shorten it")
    known = [i for i in added() if i < model.tokenizer.vocab_size]
    return model.ids(get(PROMPT), known[: room - len(prompt)])


def set_added(ids: Sequence[int]) -> None:
    """Replace the generated tokens; a token that was selected is let go."""
    st.session_state[ADDED] = ".".join(map(str, ids[:MAX_TOKENS]))
    st.session_state[TOKEN] = ""


def token() -> int | None:
    """The position of the selected token; None for the word that comes next."""
    value = get(TOKEN)
    return int(value) if value.isdecimal() and len(value) < 6 else None


def set_token(position: int | None) -> None:
    """Select a token of the text."""
    st.session_state[TOKEN] = "" if position is None else str(position)


def step() -> str:
    """The selected step's schema name."""
    return str(get(STEP)) or DEFAULT_STEP


def set_step(name: str) -> None:
    """Select a step of the forward pass."""
    st.session_state[STEP] = name


def head() -> int:
    """The selected attention head."""
    value = get(HEAD)
    return int(value) if value.isdecimal() and len(value) < 4 else 0


def set_head(block: int, number: int) -> None:
    """Select a head, and with it its block's attention pattern."""
    st.session_state[HEAD] = str(number)
    set_step(f"blocks.{block}.attn.pattern")


def at() -> int | None:
    """The checkpoint that is asked for; None for the last."""
    value = get(AT)
    return int(value) if value.isdecimal() and len(value) < 9 else None


def set_at(step: int | None) -> None:
    """Ask for a checkpoint; None for the last."""
    st.session_state[AT] = "" if step is None else str(step)


def zoo() -> list[str]:
    """Ids of the app's runs that this session's list of models offers."""
    return [each for each in get(ZOO).split(".") if each]


def add_to_zoo(run: str) -> None:
    """Offer one of the app's runs on every page of this session; the oldest makes room."""
    st.session_state[ZOO] = _ids(".".join([each for each in zoo() if each != run] + [run]))


def take_from_zoo(run: str) -> None:
    """Offer it no more."""
    st.session_state[ZOO] = ".".join(each for each in zoo() if each != run)


def race() -> list[str]:
    """Ids of the two runs that race on the page Tokenizers; none where there is no race."""
    return [each for each in str(get(RACE)).split(".") if each]


def tokenizers() -> list[str]:
    """The keys of the tokenizers that stand side by side."""
    return [each for each in str(get(TOKENIZERS)).split(",") if each][:4]


def set_tokenizers(keys: Sequence[str]) -> None:
    """Keep them in the address."""
    st.session_state[TOKENIZERS] = ",".join(keys)


def owner() -> str:
    """A secret that stays with this browser when the page is loaded again: what its runs are known by.

    Streamlit gives every browser a random token against forged requests; the cookie hides it behind a
    new mask each time. Without that cookie, the session's own secret.
    """
    if cookie := _COOKIE.fullmatch(str(st.context.cookies.get("_streamlit_xsrf", ""))):
        mask, hidden = bytes.fromhex(cookie[1]), bytes.fromhex(cookie[2])
        token = bytes(byte ^ mask[i % len(mask)] for i, byte in enumerate(hidden))
        return hashlib.sha256(token).hexdigest()
    if OWNER not in st.session_state:
        st.session_state[OWNER] = secrets.token_hex(32)
    return str(st.session_state[OWNER])
