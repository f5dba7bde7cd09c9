"""A sentence in Lirumo: its words in their order, what each comes from, and what it agrees with."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.data.glass_box.text import join
from zoo.data.glass_pairs.grammar import AGREES, MARKS, Leaf, Node
from zoo.data.glass_pairs.lexicon import MANY

Noun = tuple[str, tuple[int, ...]]
"""By which vowel words agree with it, and where it stands in the English sentence."""


@dataclass(frozen=True)
class Pair:
    """An English sentence and its translation, in words and marks."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    alignment: tuple[tuple[int, ...], ...]
    """For each target word the positions of the source words that it comes from: one, or a few."""
    agreement: tuple[tuple[int, ...], ...]
    """For each target word the positions of the source nouns that its vowel agrees with; () for most words."""

    @property
    def length(self) -> int:
        """English words, marks not counted."""
        return sum(word not in MARKS for word in self.source)

    @property
    def source_text(self) -> str:
        """The English sentence as it is printed."""
        return join(self.source)

    @property
    def target_text(self) -> str:
        """The Lirumo sentence as it is printed."""
        return join(self.target)

    @property
    def text(self) -> str:
        """Both, a tab between them."""
        return f"{self.source_text}\t{self.target_text}"


def speak(tree: Node, words: list[str]) -> Pair:
    """The translation of a sentence; `words` are its words without a capital."""
    said: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
    _say(tree, ("", ()), said)
    target, alignment, agreement = zip(*said, strict=True)
    return Pair(capital(words), capital(target), alignment, agreement)


def capital(words: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """With a capital at the beginning."""
    return (words[0][0].upper() + words[0][1:], *words[1:])


def _say(tree: Node | Leaf, noun: Noun, said: list[tuple[str, tuple[int, ...], tuple[int, ...]]]) -> None:
    """Add a phrase's words, which agree with `noun` where the phrase itself doesn't say with what."""
    if isinstance(tree, Leaf):
        if tree.entry.target:
            said.append(_agreed(tree.entry.target, (tree.at,), noun))
        return
    for part in tree.rule.target:
        if part.phrase is None:
            said.append(_agreed(part.word, tuple(tree.at[source] for source in part.sources), noun))
            continue
        child = tree.children[part.phrase]
        assert child is not None
        _say(child, noun if part.noun is None else noun_of(tree.children[part.noun]), said)


def _agreed(word: str, sources: tuple[int, ...], noun: Noun) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    if not word.endswith(AGREES):
        return word, sources, ()
    vowel, at = noun
    assert vowel
    return word[:-1] + vowel, sources, at


def noun_of(tree: Node | Leaf | None) -> Noun:
    """What others agree with in a phrase: its noun, or both of two nouns that are joined."""
    assert tree is not None
    if isinstance(tree, Leaf):
        return tree.entry.vowel, (tree.at,)
    nouns = [noun_of(tree.children[index]) for index in tree.rule.nouns]
    if len(nouns) == 1:
        return nouns[0]
    return MANY, tuple(at for _, places in nouns for at in places)
