"""The merges of a word as the page shows them, and where a very long word is cut into stretches.

Many tokenizers take a whole text as one word. No merge crosses the end of a token, or the two sides would be one
token: so a stretch between the ends of two tokens has the very merges that it has inside of the word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tokenizers import Token

from zoo.tokenizers.explain.byte_pair import BytePair, Chain
from zoo.tokenizers.explain.flow import Cut
from zoo.tokenizers.explain.parts import Merge, Merges, Span
from zoo.tokenizers.explain.readable import Names

LONGEST_WORD = 200
"""Symbols of a word whose merges are listed; characters of one that is shown as a whole."""
LONGEST_STRETCH = 64
"""Bytes of a stretch, unless one token has more."""
SPACE = "▁"
"""With it a new stretch begins."""


def show_word(model: BytePair, cut: Cut, names: Names) -> Merges:
    """A word, and each merge in it."""
    if model.whole_words and cut.text in model.vocab:
        ids = model.ids(cut.text)
        note = "The vocabulary has the whole word, and this tokenizer then needs no merges."
        return Merges(names.text(cut.text), cut.span, names.pieces(ids), [], ids, names.pieces(ids), note)
    symbols = [token_id for token_id, _ in model.symbols(cut.text)]
    return _show(model, symbols, names.text(cut.text), cut.span, names, _note(model, cut.text))


def stretches(tokens: Iterable[Token]) -> list[list[int]]:
    """The tokens of a long word in groups: for each token how many bytes of the word it stands for."""
    groups: list[list[int]] = []
    room = 0
    for token in tokens:
        start, end = token.offsets
        room -= end - start
        if room < 0 or not groups or token.value.startswith(SPACE):
            groups.append([])
            room = LONGEST_STRETCH - (end - start)
        groups[-1].append(end - start)
    return groups


def show_stretches(
    model: BytePair, cut: Cut, names: Names, groups: list[list[int]], ends: list[int]
) -> Iterator[Merges]:
    """A long word, stretch by stretch. `ends` says for each token of the word where it ends in the text."""
    symbols, tokens, start = model.symbols(cut.text), 0, cut.span[0]
    for n, group in enumerate(groups):
        taken, size = [], sum(group)
        while size > 0:
            token_id, covered = next(symbols)
            taken.append(token_id)
            size -= covered
        tokens += len(group)
        end = cut.span[1] if n == len(groups) - 1 else max(start, min(ends[tokens - 1], cut.span[1]))
        note = f"Stretch {n + 1:,} of {len(groups):,} of a very long word; no merge crosses its ends."
        yield _show(model, taken, None, (start, end), names, note)
        start = end


def _show(model: BytePair, symbols: list[int], word: str | None, span: Span, names: Names, note: str) -> Merges:
    chain, steps = Chain(symbols), []
    listed = len(symbols) <= LONGEST_WORD
    for place, rank, left, right in chain.merge(model.merges):
        if listed:
            now = names.pieces(chain.symbols())
            steps.append(Merge(rank, names.piece(left), names.piece(right), chain.at(place), now))
    if not listed:
        note = f"{note} With {len(symbols):,} symbols it is too long to list its merges.".strip()
    ids = chain.symbols()
    shown = names.joined(ids) if word is None else word
    return Merges(shown, span, names.pieces(symbols), steps, ids, names.pieces(ids), note)


def _note(model: BytePair, word: str) -> str:
    """What became of the characters that the vocabulary lacks."""
    lacking = [name for name in model.names(word) if name not in model.vocab]
    in_bytes = [name for name in lacking if model.in_bytes(name)]
    notes = ["Characters that the vocabulary lacks are written as their bytes."] if in_bytes else []
    if len(in_bytes) < len(lacking):
        become = "are left out" if model.unknown is None else "become the unknown token"
        notes.append(f"Characters that the vocabulary lacks{' even as bytes' if in_bytes else ''} {become}.")
    return " ".join(notes)
