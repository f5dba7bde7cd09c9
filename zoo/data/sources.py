"""`open_corpus`: a corpus by the name that a person, a form or run.json gives it. Used by `zoo.launch` and the app."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from zoo.data.corpus import Corpus
from zoo.data.text import read_corpus

if TYPE_CHECKING:
    from zoo.data.glass_box import GlassBox

GLASS_BOX = "glass-box"
STORIES = 20_000
"""Stories to learn from, where none are asked for."""
HELD_OUT = 500
"""Stories held out."""
MOST = 200_000
FIELDS = {"stories": STORIES, "seed": 0, "fewest": 0, "most": 3}
"""What can be set, and what it is where it is not: how many stories, and how many asides each has at least and most."""
_HELD_OUT_SEED = 2**31
"""Held-out stories are drawn from a seed of their own, so that more training stories leave them as they are."""


def open_corpus(source: str) -> Corpus:
    """The corpus of this name: "glass-box", "glass-box:stories=2000,seed=3,fewest=2,most=6", or a text file's path.

    Raises:
        ValueError: there is no such file or setting, or too little text in it.
    """
    name, sign, settings = source.partition(":")
    if name != GLASS_BOX:
        return read_corpus(source)
    fields = FIELDS | _numbers(source, settings if sign else "")
    if not 1 <= fields["stories"] <= MOST or fields["seed"] >= _HELD_OUT_SEED:
        raise ValueError(f"{source} cannot be written: ask for 1 to {MOST:,} stories, and a seed below 2**31")
    return _glass_box(**fields)


def _numbers(source: str, settings: str) -> dict[str, int]:
    """ "stories=2000,seed=3" -> {"stories": 2000, "seed": 3}"""
    pairs = [part.partition("=") for part in settings.split(",") if part]
    for name, _, value in pairs:
        if name.strip() not in FIELDS or not value.strip().isdecimal():
            all_set = ",".join(f"{field}={default}" for field, default in FIELDS.items())
            raise ValueError(f"{source} is no corpus: write {GLASS_BOX}, or with numbers, {GLASS_BOX}:{all_set}")
    return {name.strip(): int(value) for name, _, value in pairs}


@lru_cache(maxsize=2)
def _glass_box(stories: int, seed: int, fewest: int, most: int) -> Corpus:
    """Kept in the process, with all that is worked out from it: a forked worker inherits it."""
    language = _language(fewest, most)
    train, valid = (
        [story.text for story in language.stories(count, each)]
        for count, each in ((stories, seed), (HELD_OUT, _HELD_OUT_SEED + seed))
    )
    digest = hashlib.sha256("\n".join([*train, "", *valid]).encode()).hexdigest()
    given = {"stories": stories, "seed": seed, "fewest": fewest, "most": most}
    changed = ",".join(f"{name}={value}" for name, value in given.items() if value != FIELDS[name])
    source = f"{GLASS_BOX}:{changed}" if changed else GLASS_BOX
    return Corpus(source, train, valid, digest, {"open": source, "language": language.fingerprint}, language)


@lru_cache(maxsize=4)
def _language(fewest: int, most: int) -> GlassBox:
    from zoo.data.glass_box import DEFAULT, GlassBox

    return DEFAULT if (fewest, most) == (DEFAULT.fewest, DEFAULT.most) else GlassBox(fewest, most)


def language_of(source: Mapping[str, str]) -> GlassBox | None:
    """The language that wrote a corpus, by what run.json says of it.

    None for a text of somebody's own, and for stories of a language that was changed since: its exact
    distribution is not known any more.
    """
    name, _, settings = source.get("open", "").partition(":")
    if name != GLASS_BOX:
        return None
    fields = FIELDS | _numbers(source["open"], settings)
    language = _language(fields["fewest"], fields["most"])
    return language if source.get("language") == language.fingerprint else None
