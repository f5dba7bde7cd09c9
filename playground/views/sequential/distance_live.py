"""Which models can be asked about the stories here and now, and what they answered: kept for all sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from playground import engine
from playground.catalogue import Choice, Weights
from playground.run_files import language_of_model
from playground.views.sequential import offer

if TYPE_CHECKING:
    from zoo.compare.distance import Asked, ByDistance

MOST_STORIES, STORIES = 200, 40
MOST_MODELS = 6
KINDS = {"zoo/rnn": "rnn", "zoo/lstm": "lstm", "zoo/gru": "gru", "zoo/window": "window"} | {
    "zoo/gpt": "transformer",
    "zoo/gpt-modern": "transformer",
}
"""Plugin -> the hue and the mark that it has on this page."""
TEXTS, LONGEST = 4, 128
"""Of the gradient's measurement: how many texts, and of how many tokens at most."""


@dataclass(frozen=True)
class Example:
    """A story's word that one other word settles, and what models answered."""

    words: tuple[str, ...]
    """From the story's beginning to the right word, which is the last."""
    back: int
    guess: float


@dataclass(frozen=True)
class Answer:
    """What a model said to an example."""

    right: float
    """The probability that it gave to the right word."""
    likeliest: str
    prob: float


def kind(model: str) -> str:
    """The look of a plugin's line."""
    return KINDS.get(model, "other")


def offered() -> list[Choice]:
    """The trained models that predict the next word and learned the glass box's stories."""
    found = [each for each in engine.choices() if each.trained and _learned_stories(each.key, each.stamp)]
    return [each for each in found if (spec := offer.spec(each)) is not None and spec.task == "next-token"]


@st.cache_data(max_entries=64, show_spinner=False)
def _learned_stories(key: str, stamp: int) -> bool:
    return language_of_model(key) is not None


@st.cache_data(max_entries=4, show_spinner=False)
def asked(stories: int) -> tuple[list[tuple[str, ...]], list[Asked]]:
    """So many stories that no model has learned from, and their words that are certain."""
    from zoo.compare import distance
    from zoo.data.glass_box import DEFAULT

    found = [story.words for story in DEFAULT.stories(stories, distance.SEED)]
    return found, distance.planted(DEFAULT, found)


@st.cache_data(max_entries=64, show_spinner=False)
def remembered(weights: Weights, stories: int) -> ByDistance:
    """A model's accuracy by distance on so many stories.

    Raises:
        ValueError: it cannot be asked, with one sentence for the user.
    """
    from zoo.compare import distance
    from zoo.data.glass_box import DEFAULT

    model, (texts, words) = engine.model(weights), asked(stories)
    return distance.measure(model, DEFAULT, texts, words)


def examples(first: int, last: int, stories: int = STORIES) -> list[Example]:
    """Words that are settled from `first` to `last` words back, one a story."""
    texts, words = asked(stories)
    found: dict[int, Example] = {}
    for each in words:
        if each.back is not None and first <= each.back <= last:
            found.setdefault(each.story, Example(texts[each.story][: each.position + 1], each.back, each.guess))
    return list(found.values())


@st.cache_data(max_entries=256, show_spinner=False)
def answered(weights: Weights, example: Example) -> Answer:
    """What a model says to an example, given all of the story before the word, or as much of it as it can read.

    Raises:
        ValueError: its tokens are not the language's words.
    """
    from zoo.compare.distance import token_rows
    from zoo.data.glass_box import DEFAULT
    from zoo.evaluation import log_softmax

    model = engine.model(weights)
    (ids,) = token_rows(model, DEFAULT, [example.words])
    begin = [] if model.bos is None else [model.bos]
    probs = np.exp(log_softmax(model.logits([*begin, *ids[:-1]][-model.context :])))
    best = int(probs.argmax())
    return Answer(float(probs[ids[-1]]), model.tokenizer.piece(best).strip(), float(probs[best]))


@st.cache_data(max_entries=64, show_spinner=False)
def reach(weights: Weights) -> list[float]:
    """The gradient by distance, relative to the last token's; on stories, one behind the other.

    Raises:
        ValueError: nothing can be differentiated by.
    """
    import torch

    from zoo.compare.distance import token_rows
    from zoo.compare.reach import gradient_reach
    from zoo.data.glass_box import DEFAULT

    model, (texts, _) = engine.model(weights), asked(STORIES)
    end = [] if model.tokenizer.end_of_text is None else [model.tokenizer.end_of_text]
    stream = [token for row in token_rows(model, DEFAULT, texts) for token in [*row, *end]]
    time = min(model.context, LONGEST)
    rows = torch.tensor(stream[: TEXTS * (time + 1)]).view(TEXTS, time + 1)
    found = gradient_reach(model.module, rows, model.tokenizer.vocab_size)
    return _relative(found.tolist())


def _relative(values: Sequence[float]) -> list[float]:
    if not values[0]:
        raise ValueError("its answer does not depend on the last token, so nothing can be set against it")
    return [each / values[0] for each in values]
