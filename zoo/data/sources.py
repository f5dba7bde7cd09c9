"""`open_corpus`: a corpus by the name that a person, a form or run.json gives it. Used by `zoo.launch` and the app."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from zoo.data.corpus import Corpus
from zoo.data.text import read_corpus

if TYPE_CHECKING:
    from zoo.data.glass_box import GlassBox
    from zoo.data.glass_pairs import GlassPairs, Part

GLASS_BOX = "glass-box"
GLASS_PAIRS = "glass-box-pairs"
STORIES = 20_000
"""Stories to learn from, where none are asked for."""
HELD_OUT = 500
"""Stories held out."""
MOST = 200_000
FIELDS = {"stories": STORIES, "seed": 0, "fewest": 0, "most": 3}
"""What can be set, and what it is where it is not: how many stories, and how many asides each has at least and most."""
PAIRS = 20_000
"""Sentences to learn from with their translations, where none are asked for."""
PAIR_FIELDS = {"pairs": PAIRS, "seed": 0, "shortest": 3, "longest": 30}
"""How many pairs, and how many words their English sentences have at least and most."""
_HELD_OUT_SEED = 2**31
"""Held-out stories are drawn from a seed of their own, so that more training stories leave them as they are."""


def open_corpus(source: str) -> Corpus:
    """The corpus of this name: "glass-box", "glass-box-pairs", either with settings, or a text file's path.

    With settings: "glass-box:stories=2000,seed=3,fewest=2,most=6", "glass-box-pairs:pairs=5000,longest=12".

    Raises:
        ValueError: there is no such file or setting, or too little text in it.
    """
    name = source.partition(":")[0]
    if name not in (GLASS_BOX, GLASS_PAIRS):
        return read_corpus(source)
    fields = _fields(source)
    what = "stories" if name == GLASS_BOX else "pairs"
    if not 1 <= fields[what] <= MOST or fields["seed"] >= _HELD_OUT_SEED:
        raise ValueError(f"{source} cannot be written: ask for 1 to {MOST:,} {what}, and a seed below 2**31")
    return _glass_box(**fields) if name == GLASS_BOX else _glass_pairs(**fields)


def _fields(source: str) -> dict[str, int]:
    """ "glass-box:stories=2000" -> {"stories": 2000, "seed": 0, …}"""
    name, _, settings = source.partition(":")
    fields = FIELDS if name == GLASS_BOX else PAIR_FIELDS
    pairs = [part.partition("=") for part in settings.split(",") if part]
    for field, _, value in pairs:
        if field.strip() not in fields or not value.strip().isdecimal():
            all_set = ",".join(f"{field}={default}" for field, default in fields.items())
            raise ValueError(f"{source} is no corpus: write {name}, or with numbers, {name}:{all_set}")
    return fields | {field.strip(): int(value) for field, _, value in pairs}


def _named(name: str, given: Mapping[str, int], defaults: Mapping[str, int]) -> str:
    """The shortest name that opens the corpus again."""
    changed = ",".join(f"{field}={value}" for field, value in given.items() if value != defaults[field])
    return f"{name}:{changed}" if changed else name


def _digest(train: list[str], valid: list[str]) -> str:
    return hashlib.sha256("\n".join([*train, "", *valid]).encode()).hexdigest()


@lru_cache(maxsize=2)
def _glass_box(stories: int, seed: int, fewest: int, most: int) -> Corpus:
    """Kept in the process, with all that is worked out from it: a forked worker inherits it."""
    language = _language(fewest, most)
    train, valid = (
        [story.text for story in language.stories(count, each)]
        for count, each in ((stories, seed), (HELD_OUT, _HELD_OUT_SEED + seed))
    )
    given = {"stories": stories, "seed": seed, "fewest": fewest, "most": most}
    source = _named(GLASS_BOX, given, FIELDS)
    about = {"open": source, "language": language.fingerprint}
    return Corpus(source, train, valid, _digest(train, valid), about, language)


@lru_cache(maxsize=2)
def _glass_pairs(pairs: int, seed: int, shortest: int, longest: int) -> Corpus:
    """Sentences and translations, a tab between them. No sentence that is held out is ever in a training part."""
    both = _both(shortest, longest)
    parts: tuple[tuple[int, int, Part], ...] = ((pairs, seed, "train"), (HELD_OUT, _HELD_OUT_SEED + seed, "valid"))
    train, valid = ([pair.text for pair in islice(both.endless(each, part=part), n)] for n, each, part in parts)
    given = {"pairs": pairs, "seed": seed, "shortest": shortest, "longest": longest}
    source = _named(GLASS_PAIRS, given, PAIR_FIELDS)
    return Corpus(source, train, valid, _digest(train, valid), {"open": source, "pairs": both.fingerprint}, pairs=both)


@lru_cache(maxsize=4)
def _language(fewest: int, most: int) -> GlassBox:
    from zoo.data.glass_box import DEFAULT, GlassBox

    return DEFAULT if (fewest, most) == (DEFAULT.fewest, DEFAULT.most) else GlassBox(fewest, most)


@lru_cache(maxsize=4)
def _both(shortest: int, longest: int) -> GlassPairs:
    from zoo.data.glass_pairs import DEFAULT, GlassPairs

    return DEFAULT if (shortest, longest) == (DEFAULT.shortest, DEFAULT.longest) else GlassPairs(shortest, longest)


def language_of(source: Mapping[str, str]) -> GlassBox | None:
    """The language that wrote a corpus, by what run.json says of it.

    None for a text of somebody's own, and for stories of a language that was changed since: its exact
    distribution is not known any more.
    """
    if source.get("open", "").partition(":")[0] != GLASS_BOX:
        return None
    fields = _fields(source["open"])
    language = _language(fields["fewest"], fields["most"])
    return language if source.get("language") == language.fingerprint else None


def pairs_of(source: Mapping[str, str]) -> GlassPairs | None:
    """The two languages of a corpus, by what run.json says of it; None for others, and if they changed since."""
    if source.get("open", "").partition(":")[0] != GLASS_PAIRS:
        return None
    fields = _fields(source["open"])
    both = _both(fields["shortest"], fields["longest"])
    return both if source.get("pairs") == both.fingerprint else None
