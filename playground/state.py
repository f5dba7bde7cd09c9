"""What the user has chosen, in one typed place: every session_state key and query parameter.

Widgets that are bound to the URL own their value (`key=MODEL, bind="query-params"`). What is chosen
elsewhere (a token, a step, words that were added) is kept here, in the session and in the URL.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

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

DEFAULT_MODEL = "zoo/gpt"
DEFAULT_PROMPT = "She enjoys playing"
DEFAULT_STEP = "blocks.0.attn.pattern"
MAX_CHARACTERS = 2000
MAX_TOKENS = 128
"""The longest text that the pages follow, whatever the model could read: a page must answer at once."""
MAX_SEED = 2**31 - 1


def _get(name: str) -> str:
    """The session's value, or on a fresh session the URL's."""
    if name not in st.session_state:
        st.session_state[name] = str(st.query_params.get(name, ""))
    return str(st.session_state[name])


def _put(name: str, value: str) -> None:
    st.session_state[name] = value


def write_url() -> None:
    """Put into the URL what no widget puts there, so that the page's address reopens the same view."""
    for name in (ADDED, TOKEN, STEP, HEAD):
        value = _get(name)
        if value and st.query_params.get(name) != value:
            st.query_params[name] = value
        elif not value and name in st.query_params:
            del st.query_params[name]


def added() -> list[int]:
    """Ids of the tokens that were generated after the prompt."""
    parts = [part for part in _get(ADDED).split(".") if part.isdecimal() and len(part) < 8]
    return [int(part) for part in parts[:MAX_TOKENS]]


def set_added(ids: Sequence[int]) -> None:
    """Replace the generated tokens; a token that was selected is let go."""
    _put(ADDED, ".".join(map(str, ids[:MAX_TOKENS])))
    _put(TOKEN, "")


def token() -> int | None:
    """The position of the selected token; None for the word that comes next."""
    value = _get(TOKEN)
    return int(value) if value.isdecimal() and len(value) < 6 else None


def set_token(position: int | None) -> None:
    """Select a token of the text."""
    _put(TOKEN, "" if position is None else str(position))


def step() -> str:
    """The selected step's schema name."""
    return _get(STEP) or DEFAULT_STEP


def set_step(name: str) -> None:
    """Select a step of the forward pass."""
    _put(STEP, name)


def head() -> int:
    """The selected attention head."""
    value = _get(HEAD)
    return int(value) if value.isdecimal() and len(value) < 4 else 0


def set_head(block: int, number: int) -> None:
    """Select a head, and with it its block's attention pattern."""
    _put(HEAD, str(number))
    set_step(f"blocks.{block}.attn.pattern")


def is_first_visit() -> bool:
    """Whether nothing has been chosen yet, in this session or by the URL: the recorded trace fits."""
    names = (MODEL, PROMPT, WEIGHTS, SEED, ADDED, TOKEN, TEMPERATURE, TOP_K, TOP_P, DRAW)
    return not any(st.query_params.get(name) for name in names)
