"""The words that a text is cut into before the model, each with what the model does with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from zoo.tokenizers.explain.byte_pair import BytePair
from zoo.tokenizers.explain.flow import Cut
from zoo.tokenizers.explain.lookup import show_added
from zoo.tokenizers.explain.merging import LONGEST_WORD, show_stretches, show_word, stretches
from zoo.tokenizers.explain.parts import Span, Word
from zoo.tokenizers.explain.readable import Names
from zoo.tokenizers.explain.state import Model
from zoo.tokenizers.tokenizer import Tokenizer


class Words:
    """The words of a text; each is explained when it is asked for."""

    def __init__(self, tokenizer: Tokenizer, text: str, model: Model, cuts: list[Cut]) -> None:
        self._tokenizer, self._text, self._model, self._cuts = tokenizer, text, model, cuts
        self._names = Names(tokenizer)
        self._stretches = {i: self._groups(cut) for i, cut in enumerate(cuts) if self._is_long(cut)}

    def total(self) -> int:
        """How many there are; each stretch of a very long word counts as one."""
        return len(self._cuts) + sum(len(groups) - 1 for groups in self._stretches.values())

    def shown(self) -> Iterator[Word]:
        """One word after another."""
        tokens = 0
        for i, cut in enumerate(self._cuts):
            for word in self._show(i, cut, tokens):
                yield word
                tokens += len(word.ids)

    def _show(self, i: int, cut: Cut, tokens: int) -> Iterable[Word]:
        """A word before which the text has so many tokens."""
        if cut.id is not None:
            return [show_added(cut, self._names)]
        if not isinstance(self._model, BytePair):
            return [self._model.show(cut, self._names)]
        if i not in self._stretches:
            return [show_word(self._model, cut, self._names)]
        ends = [end for _, end in self._offsets[tokens:]]
        return show_stretches(self._model, cut, self._names, self._stretches[i], ends)

    def _is_long(self, cut: Cut) -> bool:
        if not isinstance(self._model, BytePair) or cut.id is not None or len(cut.text) <= LONGEST_WORD:
            return False
        return not (self._model.whole_words and cut.text in self._model.vocab)

    def _groups(self, cut: Cut) -> list[list[int]]:
        """Where the tokens of a long word end is asked of the library, which is quicker; the merges are ours."""
        return stretches(self._tokenizer.raw.model.tokenize(cut.text))

    @cached_property
    def _offsets(self) -> list[Span]:
        encoded = self._tokenizer.raw.encode(self._text, add_special_tokens=False)
        return list(encoded.offsets)
