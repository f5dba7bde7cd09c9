"""Trained tokenizers to choose from: those that come with the playground, with packages, from the Hub.

`catalogue` lists what can be had without the network; `open_tokenizer` opens one by its key. Used by the page
Tokenizers, which asks the Hub itself (`hub`). No torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from zoo.data import GLASS_BOX, open_corpus
from zoo.pretrained.shipped import shipped_tokenizer
from zoo.pretrained.tokenizers.packaged import PACKAGED
from zoo.pretrained.tokenizers.shipped import FOLDER, SHIPPED
from zoo.tokenizers import KINDS, Tokenizer, train_tokenizer

__all__ = ["LARGEST", "SMALLEST", "Offer", "catalogue", "open_tokenizer"]

SMALLEST, LARGEST = 300, 4096
"""Entries of a tokenizer trained on the glass box; what is asked for beyond is held to these."""
STORIES = 4000
"""Glass-box stories that it is trained on."""


@dataclass(frozen=True)
class Offer:
    """A tokenizer on offer, before it is opened."""

    key: str
    """What `open_tokenizer` takes."""
    title: str
    kind: str
    """One of `zoo.tokenizers.KINDS` for ours; the library's type of model for those of others."""
    about: str
    """One sentence."""
    missing: str = ""
    """Empty where it can be opened, else a sentence that says what to install."""


def catalogue() -> list[Offer]:
    """What can be opened without the network, ours first; a package that is not installed is named in `missing`."""
    ours = [Offer(f"stories:{kind}", each.title, kind, each.about) for kind, each in SHIPPED.items()]
    theirs = [Offer(key, each.title, "BPE", each.about, each.missing) for key, each in PACKAGED.items()]
    return [*ours, *theirs]


@lru_cache(maxsize=16)
def open_tokenizer(key: str) -> Tokenizer:
    """The tokenizer of this key; the same object the second time.

    Keys: those of the catalogue, and "glass-box:KIND:SIZE" for one trained here and now on the first 4,000 stories
    of the glass box.

    Raises:
        LookupError: there is no such tokenizer, or its package is not installed.
        ValueError: it cannot be read.
    """
    if key in PACKAGED:
        return PACKAGED[key].open()
    source, _, rest = key.partition(":")
    if source == "stories" and rest in SHIPPED:
        return _shipped(rest)
    kind, _, size = rest.partition(":")
    if source == GLASS_BOX and kind in KINDS and size.isdecimal() and len(size) < 10:
        corpus = open_corpus(f"{GLASS_BOX}:stories={STORIES}")
        return train_tokenizer(kind, corpus.train, min(max(int(size), SMALLEST), LARGEST))
    raise LookupError(f"there is no tokenizer {key!r}: choose one of the list")


def _shipped(kind: str) -> Tokenizer:
    """The tokenizer of the shipped GPT is the one of kind "bpe"; bytes need no training."""
    if kind == "bpe":
        return shipped_tokenizer()
    return train_tokenizer("byte", []) if kind == "byte" else Tokenizer.load(FOLDER / f"{kind}.json")
