"""A corpus: texts to learn from, and texts to be judged on. Made by `zoo.data.open_corpus`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.data.glass_box import GlassBox
    from zoo.data.glass_pairs import GlassPairs


@dataclass(frozen=True)
class Corpus:
    """Texts to learn from, and texts to be judged on. Both can be gone through again and again."""

    name: str
    train: Collection[str]
    valid: Collection[str]
    sha256: str
    """Of the file's bytes, or of the glass box's texts: names the exact data in a run folder."""
    source: dict[str, str] = field(default_factory=dict)
    """Where it came from: {"open": what `open_corpus` takes to make it again}; empty for one made by hand."""
    language: GlassBox | None = None
    """The language that wrote the texts, where its exact distribution is known."""
    pairs: GlassPairs | None = None
    """The two languages of the texts, where each is a sentence, a tab and its translation, known exactly."""
    memo: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was worked out from these texts (tokenizers, token streams), so that a forked worker finds it done."""
