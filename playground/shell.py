"""What stands around every page: its title and icon, the navigation, and the guard of the page files."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from playground import engine, state
from playground.paths import (
    FORWARD_PASS,
    MODEL_ZOO,
    NEXT_WORD,
    SEQUENTIAL_AND_PARALLEL,
    TOKENIZERS,
    TRAIN,
    UNTRAINED_AND_PRETRAINED,
)

NAME = "Transformer Playground"
ICON = Path(__file__).with_name("icon.svg")
WITHOUT_TEXT = ("tokenizers", "train", "sequential_and_parallel", "model_zoo")
"""The paths of the pages that have no box for the text."""

_inside: ContextVar[bool] = ContextVar("inside_the_shell", default=False)


def run() -> None:
    """Draw the page that the address asks for."""
    page = _navigation()
    state.begin(page.url_path)
    token = _inside.set(True)
    try:
        page.run()
    finally:
        _inside.reset(token)
    state.end(has_text=page.url_path not in WITHOUT_TEXT)
    engine.warm_up()
    engine.beat()


def inside() -> bool:
    """Whether the entry point is running this page.

    Streamlit runs a page's file alone when a fresh server is first asked for its address. Then the
    navigation is announced and the entry point asked to run.
    """
    if not _inside.get():
        _navigation()
        st.rerun()
    return True


def _next_word() -> None:
    """The home page under its file's name, too: the default page itself has no path but /."""
    from playground.views import next_word

    next_word.draw()


def _navigation() -> StreamlitPage:
    st.set_page_config(page_title=NAME, page_icon=str(ICON), layout="wide")
    return st.navigation(
        [
            st.Page(
                NEXT_WORD,
                title="Next word",
                icon=":material/edit_note:",
                url_path="home",
                default=True,
                help="Type a few words and see which word the model expects next.",
            ),
            st.Page(_next_word, title="Next word", url_path="next_word", visibility="hidden"),
            st.Page(
                FORWARD_PASS,
                title="Forward pass",
                icon=":material/account_tree:",
                help="Follow one prediction through the model, and open any number.",
            ),
            st.Page(
                TOKENIZERS,
                title="Tokenizers",
                icon=":material/content_cut:",
                help="How a text is cut into tokens, by tokenizers side by side.",
            ),
            st.Page(
                UNTRAINED_AND_PRETRAINED,
                title="Untrained and pre-trained",
                icon=":material/compare_arrows:",
                help="The same architecture with random, shuffled and trained weights, side by side.",
            ),
            st.Page(
                TRAIN,
                title="Train",
                icon=":material/model_training:",
                help="Train a model on a text, and watch it learn.",
            ),
            st.Page(
                SEQUENTIAL_AND_PARALLEL,
                title="Sequential and parallel",
                icon=":material/timeline:",
                help="Word by word, or all at once: what each costs, and what each forgets.",
            ),
            st.Page(
                MODEL_ZOO,
                title="Model zoo",
                icon=":material/category:",
                help="Every model that is installed, and where each came from.",
            ),
        ],
        position="top",
    )
