"""A tokenizer taken apart: its steps before the model, each ready to be run by itself, and its model.

`tokenizer.json` is read once for each `Tokenizer`, and kept as long as that lives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import tokenizers

from zoo.tokenizers.explain import sentences
from zoo.tokenizers.explain.added import Added, Finder
from zoo.tokenizers.explain.byte_pair import BytePair
from zoo.tokenizers.explain.flow import Flow
from zoo.tokenizers.explain.lookup import WordLevel
from zoo.tokenizers.explain.sentences import Settings
from zoo.tokenizers.explain.unigram import Unigram
from zoo.tokenizers.explain.wordpiece import WordPiece
from zoo.tokenizers.tokenizer import Tokenizer

Model = BytePair | WordPiece | Unigram | WordLevel
MODELS: dict[str, Callable[[dict[str, Any]], Model]] = {
    "BPE": BytePair.read,
    "WordPiece": WordPiece.read,
    "Unigram": Unigram.read,
    "WordLevel": WordLevel.read,
}


@dataclass(frozen=True)
class Step:
    """One step before the model."""

    name: str
    title: str
    sentence: str
    run: Callable[[Flow], None]
    to_bytes: bool = False
    """Whether each character stands for a byte from here on."""
    shown: bool = True


@dataclass(frozen=True)
class State:
    """All that runs when a text is encoded."""

    normalizers: list[Step]
    pre_tokenizers: list[Step]
    before: Finder
    """Finds added tokens in the text as it was typed."""
    after: Finder
    """Finds those that are looked for after the normaliser."""
    model: Model

    def steps(self, leave_special: bool) -> Iterator[Step]:
        """All steps before the model, in order."""
        yield _cutting_out(self.before, leave_special, after=False)
        yield from self.normalizers
        yield _cutting_out(self.after, leave_special, after=True)
        yield from self.pre_tokenizers


def state_of(tokenizer: Tokenizer) -> State:
    """The tokenizer taken apart.

    Raises:
        ValueError: it has parts that cannot be explained.
    """
    if (state := _STATES.get(tokenizer)) is None:
        state = _STATES[tokenizer] = _read(tokenizer.raw)
    return state


_STATES: WeakKeyDictionary[Tokenizer, State] = WeakKeyDictionary()


def _read(raw: tokenizers.Tokenizer) -> State:
    try:
        data = json.loads(raw.to_str())
    except Exception as error:  # the library raises a bare Exception
        raise ValueError(f"this tokenizer cannot be written as a file, so it cannot be explained: {error}") from error
    kind = data["model"]["type"]
    if kind not in MODELS:
        raise ValueError(f"a model of type {kind} cannot be explained; {', '.join(MODELS)} can")
    if getattr(raw.model, "alpha", None):
        raise ValueError("this tokenizer chooses its tokens at random, so there is no one way to them")
    added = [Added.read(entry) for entry in data["added_tokens"]]
    return State(
        [_normalizer(settings) for settings in _members(data["normalizer"], "normalizers")],
        [_pre_tokenizer(settings) for settings in _members(data["pre_tokenizer"], "pretokenizers")],
        Finder({token.content: token for token in added if not token.normalized}),
        Finder(_by_normalized(raw, [token for token in added if token.normalized])),
        MODELS[kind](data["model"]),
    )


def _members(part: Settings | None, inner: str) -> list[Settings]:
    """The steps that a part of the tokenizer consists of; a sequence can hold sequences."""
    if part is None:
        return []
    if part["type"] != "Sequence":
        return [part]
    return [settings for each in part[inner] for settings in _members(each, inner)]


def _normalizer(settings: Settings) -> Step:
    normalizer = _alone("normalizer", settings).normalizer
    assert normalizer is not None
    run = normalizer.normalize
    return _step(settings, lambda flow: flow.apply(lambda pieces: pieces.normalize(run)))


def _pre_tokenizer(settings: Settings) -> Step:
    pre_tokenizer = _alone("pre_tokenizer", settings).pre_tokenizer
    assert pre_tokenizer is not None
    run = pre_tokenizer.pre_tokenize
    return _step(settings, lambda flow: flow.apply(run))


def _step(settings: Settings, run: Callable[[Flow], None]) -> Step:
    title, sentence = sentences.describe(settings)
    return Step(settings["type"], title, sentence, run, to_bytes=settings["type"] == "ByteLevel")


def _alone(part: str, settings: Settings) -> tokenizers.Tokenizer:
    """The library's tokenizer with this one step."""
    return tokenizers.Tokenizer.from_str(json.dumps(_BLANK | {part: settings}))


_BLANK: dict[str, Any] = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": None,
    "post_processor": None,
    "decoder": None,
    "model": {"type": "WordLevel", "vocab": {}, "unk_token": ""},
}


def _by_normalized(raw: tokenizers.Tokenizer, added: list[Added]) -> dict[str, Added]:
    """Added tokens by what the normaliser makes of them."""
    found: dict[str, Added] = {}
    for token in added:
        pattern = token.content if raw.normalizer is None else raw.normalizer.normalize_str(token.content)
        if (other := found.setdefault(pattern, token)) is not token:
            names = f"{other.content!r} and {token.content!r}"
            raise ValueError(f"the normaliser makes the added tokens {names} the same, so which one is found is chance")
    return found


def _cutting_out(finder: Finder, leave_special: bool, after: bool) -> Step:
    title, sentence = sentences.added(after)
    return Step(
        "AddedTokens",
        title,
        sentence,
        lambda flow: flow.cut_out(lambda text: finder.rows(text, leave_special)),
        shown=finder.finds(leave_special),
    )
