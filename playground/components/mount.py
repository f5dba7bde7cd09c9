"""Puts a component on the page: reads its files once, mounts it, and says what was chosen in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.components import theme

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

_HERE = Path(__file__).parent
_SHARED = {
    "matrix": ("common", "grid", "arithmetic"),
    "heads": ("common", "grid"),
    "columns": ("common", "signs"),
    "pieces": ("common", "signs"),
    "words": ("common", "signs"),
}
"""Which files stand before a component's own: one module of JavaScript, with no build step."""


def script(name: str) -> str:
    """A component's JavaScript: the shared files and its own, joined."""
    return "\n".join(_read(part, "js") for part in (*_SHARED.get(name, ("common",)), name))


def style(name: str) -> str:
    """A component's style sheet: the colours, the shared rules, and its own."""
    return theme.css() + "\n".join(_read(part, "css") for part in (*_SHARED.get(name, ("common",)), name))


def _read(part: str, kind: str) -> str:
    return (_HERE / f"{part}.{kind}").read_text(encoding="utf-8")


@cache
def renderer(name: str) -> ComponentRenderer:
    """Streamlit's mounting function, registered on first use."""
    from streamlit.components import v2

    html = "<div class='tp'>\n</div>"
    return v2.component(f"playground.{name}", html=html, css=style(name), js=script(name))


def show(name: str, data: bytes, *, key: str) -> None:
    """Mount a component that keeps everything in the browser."""
    renderer(name)(key=key, data=data)


def choose(
    name: str,
    prepare: Callable[[Any], bytes],
    *,
    key: str,
    given: Any,
    valid: Callable[[Any], bool],
    on_select: Callable[[Any], None] | None = None,
) -> Any:
    """Mount a component in which something is chosen, and return the choice (JSON values).

    What the page gives (`given`) holds until the reader chooses; the reader's choice holds until the
    page gives something else. `prepare` makes the data of a choice; `on_select` gets a new one before
    the page runs again.
    """
    import streamlit as st

    kept = f"{key}.choice"

    def chosen() -> None:
        value = st.session_state[key]["chosen"]
        if not valid(value):
            return
        st.session_state[kept] = (given, value)
        if on_select is not None:
            on_select(value)

    before, value = st.session_state.get(kept, (given, given))
    if before != given or not valid(value):
        st.session_state.pop(kept, None)
        value = given
    renderer(name)(key=key, data=prepare(value), on_chosen_change=chosen)
    return value


def trigger(
    name: str,
    data: bytes,
    *,
    key: str,
    valid: Callable[[Any], bool],
    on_trigger: Callable[[Any], None] | None = None,
) -> None:
    """Mount a component whose clicks are events: each one calls `on_trigger`, and nothing stays chosen."""
    import streamlit as st

    def chosen() -> None:
        value = st.session_state[key]["chosen"]
        if on_trigger is not None and valid(value):
            on_trigger(value)

    renderer(name)(key=key, data=data, on_chosen_change=chosen)
