"""The right answer to what the twins are asked: exact, where the model was trained on the glass-box language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from zoo.compare.exact import tokens_of

if TYPE_CHECKING:
    from zoo.data.glass_box import GlassBox
    from zoo.tokenizers import Tokenizer


EXCERPT = 400


@st.cache_data(max_entries=32, show_spinner=False)
def held_out(key: str, stamp: int) -> str:
    """The beginning of what a run's own text held out; empty where the text does not lie with the run.

    Only the copy in the run's folder is read: a folder that came from elsewhere may name any file.
    """
    from zoo.data import read_corpus
    from zoo.pretrained.shipped import run_folder

    folder = run_folder(key)
    if folder is None or not (folder / "corpus.txt").is_file():
        return ""
    try:
        texts = read_corpus(folder / "corpus.txt").valid
    except ValueError:
        return ""
    text = next((each for each in texts if each.strip()), "")[: EXCERPT + 1]
    return text if len(text) <= EXCERPT else text[:EXCERPT].rpartition(" ")[0] or text[:EXCERPT]


@st.cache_data(max_entries=64, show_spinner=False)
def losses(_language: GlassBox, _tokenizer: Tokenizer, text: str, ids: tuple[int, ...]) -> NDArray[np.float64] | None:
    """−log p of each id but the first under the language itself, in nats: (T − 1,), the least that can be reached.

    None where the language cannot say this text, or where the ids are not its words.
    """
    words = _language.split(text)[: len(ids)]
    try:
        if tuple(tokens_of(_language, _tokenizer, words)) != ids or _tokenizer.decode(ids) != _language.join(words):
            return None  # the ids are not these words, or one of them is a word that the tokenizer doesn't know
        return _language.surprisals(words, end=False)[1:]
    except ValueError:
        return None


STORIES = 40
_FRESH = 2**30
"""Seeds from here on are the pages' own: no corpus is drawn from them."""


def story(language: GlassBox, seed: int) -> str:
    """A story of this seed, which no run has been trained on."""
    return str(language.stories(1, _FRESH + seed)[0].text)


@st.cache_data(max_entries=16, show_spinner=False)
def fresh_stories(
    _language: GlassBox, _tokenizer: Tokenizer, room: int, seed: int, key: str
) -> tuple[tuple[int, ...], ...]:
    """The ids of freshly drawn stories, each cut to what the model can read; `key` names the tokenizer's model."""
    texts = [story.text for story in _language.stories(STORIES, _FRESH + seed)]
    found = [tuple(ids[:room]) for ids in _tokenizer.encode_batch(texts)]
    return tuple(ids for ids in found if len(ids) > 1)
