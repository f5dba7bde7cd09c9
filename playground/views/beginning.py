"""A story's beginning: a text to put in place of one whose words a model does not know."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from playground.run_files import language_of_model

STORY, WORDS = 3, 9
"""The seed of the glass box's story, and how many of its words."""


def of(key: str) -> str | None:
    """For a model (as `zoo.load` takes it) that has learned the glass box's language; None for others."""
    language = language_of_model(key)
    return None if language is None else language.join(language.stories(1, STORY)[0].words[:WORDS])


def button(key: str, take: Callable[[str], None], name: str | None = None) -> None:
    """Offer it where there is one; `take` is given it, `name` is the widget's."""
    if (text := of(key)) is not None:
        st.button("Take a story's beginning", icon=":material/auto_stories:", key=name, on_click=take, args=(text,))
