"""WordLevel: a word is in the vocabulary, or it is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.tokenizers.explain.flow import Cut
from zoo.tokenizers.explain.parts import Lookup
from zoo.tokenizers.explain.readable import Names


@dataclass(frozen=True)
class WordLevel:
    """A vocabulary of whole words."""

    vocab: dict[str, int]
    unknown: str

    @classmethod
    def read(cls, model: dict[str, Any]) -> WordLevel:
        """From the part `model` of a `tokenizer.json`."""
        return cls(model["vocab"], model["unk_token"])

    def ids(self, word: str) -> list[int]:
        """One id.

        Raises:
            ValueError: the word is unknown, and there is no token for that.
        """
        found = self.vocab.get(word, self.vocab.get(self.unknown))
        if found is None:
            raise no_unknown(word)
        return [found]

    def show(self, cut: Cut, names: Names) -> Lookup:
        """The word, and whether it was found."""
        ids, known = self.ids(cut.text), cut.text in self.vocab
        note = "" if known else "The vocabulary has no such word, so it becomes the unknown token."
        return Lookup(names.text(cut.text), cut.span, ids[0], known, ids, names.pieces(ids), note)


def show_added(cut: Cut, names: Names) -> Lookup:
    """An added token, which was cut out of the text before."""
    assert cut.id is not None
    note = "An added token: it was cut out whole, and the model itself is not asked."
    return Lookup(cut.text, cut.span, cut.id, True, [cut.id], names.pieces([cut.id]), note)


def no_unknown(word: str) -> ValueError:
    """The library raises too."""
    shown = word if len(word) <= 40 else word[:39] + "…"
    return ValueError(f"this tokenizer has no token for what it does not know, and {shown!r} is unknown to it")
