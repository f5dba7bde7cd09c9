"""WordPiece: from the left, always the longest piece that the vocabulary has (Schuster and Nakajima 2012; BERT)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from zoo.tokenizers.explain.flow import Cut
from zoo.tokenizers.explain.lookup import no_unknown
from zoo.tokenizers.explain.parts import Match, Try, Walk
from zoo.tokenizers.explain.readable import Names

LONGEST_WALK = 200
"""Characters of a word whose tries are listed; BERT gives up at 100."""


@dataclass(frozen=True)
class WordPiece:
    """A vocabulary of pieces; those inside a word begin with `inside`."""

    vocab: dict[str, int]
    unknown: str
    inside: str
    most: int
    """A word with more characters is unknown."""
    longest: int
    """Characters of the longest entry."""

    @classmethod
    def read(cls, model: dict[str, Any]) -> WordPiece:
        """From the part `model` of a `tokenizer.json`."""
        vocab, inside = model["vocab"], model["continuing_subword_prefix"]
        longest = max(map(len, vocab), default=0)
        return cls(vocab, model["unk_token"], inside, model["max_input_chars_per_word"], longest)

    def ids(self, word: str) -> list[int]:
        """The ids of the pieces, or the unknown token for the whole word.

        Raises:
            ValueError: the word is unknown, and there is no token for that.
        """
        if len(word) > self.most:
            return [self._unknown(word)]
        found, start = [], 0
        while start < len(word):
            end = min(len(word), start + self.longest)
            while end > start and self._piece(word, start, end) not in self.vocab:
                end -= 1
            if end == start:
                return [self._unknown(word)]
            found.append(self.vocab[self._piece(word, start, end)])
            start = end
        return found

    def show(self, cut: Cut, names: Names) -> Walk:
        """The walk through a word, with all that was tried."""
        ids, word = self.ids(cut.text), names.counted(cut.text)
        listed = len(cut.text) <= min(LONGEST_WALK, self.most)
        matches = list(self._walk(cut.text)) if listed else []
        return Walk(word, cut.span, matches, ids, names.pieces(ids), self._note(cut.text, matches))

    def _walk(self, word: str) -> Iterator[Match]:
        start = 0
        while start < len(word):
            tries = []
            for end in range(len(word), start, -1):
                piece = self._piece(word, start, end)
                tries.append(Try(piece, piece in self.vocab))
                if tries[-1].found:
                    break
            found = tries[-1].found
            yield Match(start, tries, self.vocab[piece] if found else self._unknown(word))
            start = end if found else len(word)

    def _note(self, word: str, matches: list[Match]) -> str:
        if len(word) > self.most:
            return f"A word of more than {self.most:,} characters is not even tried: all of it is unknown."
        if not matches:
            return f"With {len(word):,} characters it is too long to list all that was tried."
        if matches[-1].tries[-1].found:
            return ""
        lacks = "not even the first character" if matches[-1].start == 0 else "no piece to go on with"
        return f"The vocabulary has {lacks}, so the whole word becomes the unknown token."

    def _piece(self, word: str, start: int, end: int) -> str:
        return (self.inside if start else "") + word[start:end]

    def _unknown(self, word: str) -> int:
        if self.unknown not in self.vocab:
            raise no_unknown(word)
        return self.vocab[self.unknown]
