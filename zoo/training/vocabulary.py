"""Which tokenizer a new run gets, and what it is trained on. Used by `zoo.launch`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.data import Corpus
from zoo.plugin import ModelPlugin
from zoo.tokenizers import KINDS, Tokenizer, train_tokenizer

MOST = 64_000_000
"""Characters that a tokenizer is trained on: more of the same text would hardly change it."""


def choose_tokenizer(wanted: str, vocab_size: int, plugin: ModelPlugin, corpus: Corpus) -> Tokenizer:
    """The tokenizer that is wanted: a kind, to be trained on the corpus, or a tokenizer.json.

    Where none is named, the plugin's own; where it has none, words for the glass box and BPE for other texts.

    Raises:
        ValueError: there is no such kind or file, or the vocabulary is too small for it.
    """
    if not wanted and type(plugin).tokenizer is not ModelPlugin.tokenizer:
        return plugin.tokenizer(_Beginning(corpus.train))
    if wanted in ("", "word") and (corpus.language is not None or corpus.pairs is not None):
        return words(corpus)
    kind = wanted or "bpe"
    if kind in KINDS:
        return train_tokenizer(kind, _Beginning(corpus.train), vocab_size)
    if not Path(kind).is_file():
        raise ValueError(f"a tokenizer is {', '.join(KINDS)} or a tokenizer.json, not {kind!r}")
    return Tokenizer.load(kind)


def words(corpus: Corpus) -> Tokenizer:
    """The glass box's words, each a token, also those that few texts happen to leave out; kept with the corpus."""
    if "words" not in corpus.memo:
        texts, spellings = _spoken(corpus)
        room = 4 * len(spellings)  # a word has up to two forms: with a space before it, and without
        corpus.memo["words"] = train_tokenizer("word", [*texts, *spellings], max(room, 16))
    tokenizer: Tokenizer = corpus.memo["words"]
    return tokenizer


def _spoken(corpus: Corpus) -> tuple[Iterable[str], list[str]]:
    """The texts of a corpus of ours, each in one language, and every word as it can be written."""
    if corpus.pairs is not None:
        return (side for text in corpus.train for side in text.split("\t")), list(corpus.pairs.spellings)
    language = corpus.language
    assert language is not None
    beginnings = [word for word in language.next_words([]) if word != language.vocabulary[-1]]
    inner = [f" {word}" if word[0].isalnum() else word for word in language.vocabulary[:-1]]
    return corpus.train, [*beginnings, *inner]


@dataclass(frozen=True)
class _Beginning:
    """As much of some texts as a tokenizer is trained on; can be gone through again."""

    texts: Iterable[str]

    def __iter__(self) -> Iterator[str]:
        total = 0
        for text in self.texts:
            if total >= MOST:
                return
            yield text
            total += len(text)
