"""A text on its way through the steps before the model: cut, rewritten and cut again, its places kept.

The steps themselves are the library's own, and so is the record of which characters came from where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple

from tokenizers import NormalizedString, PreTokenizedString

from zoo.tokenizers.explain.added import Row
from zoo.tokenizers.explain.parts import Span

Step = Callable[[PreTokenizedString], None]


class Cut(NamedTuple):
    """A piece of the text, or an added token (then `id` is set), which no later step touches."""

    text: str
    span: Span
    id: int | None = None


class Flow:
    """The whole text, in the order in which it is read."""

    def __init__(self, text: str) -> None:
        self._groups = [_Group(text, [])] if text else []

    def apply(self, step: Step) -> None:
        """One step of the library, on all that isn't an added token yet."""
        for group in self._groups:
            group.apply(step)

    def cut_out(self, find: Callable[[str], list[Row]]) -> None:
        """Take added tokens out of the pieces; `find` says where they stand in a piece."""
        self._groups = [part for group in self._groups for part in group.cut_out(find)]

    def cuts(self) -> list[Cut]:
        """The pieces as they are now."""
        return [cut for group in self._groups for cut in group.cuts()]

    def first(self, most: int) -> tuple[list[Cut], int]:
        """The first pieces, and how many there are in all."""
        found = [group.first(most) for group in self._groups]
        return [cut for cuts, _ in found for cut in cuts][:most], sum(total for _, total in found)


class _Group:
    """Pieces that the library handles together, and the added tokens that were cut out between them.

    The library's objects cannot be copied, so a group keeps its steps: a copy takes them again.
    """

    def __init__(self, text: str, steps: Iterable[Step]) -> None:
        self._text = text
        self._steps: list[Step] = []
        self._pieces = PreTokenizedString(text)
        self._tokens: list[Cut] = []
        for step in steps:
            self.apply(step)

    def apply(self, step: Step) -> None:
        step(self._pieces)
        self._steps.append(step)

    def cuts(self) -> list[Cut]:
        return _in_order([Cut(text, span) for text, span, _ in self._pieces.get_splits()], self._tokens)

    def first(self, most: int) -> tuple[list[Cut], int]:
        splits = self._pieces.get_splits()
        cuts = _in_order([Cut(text, span) for text, span, _ in splits[:most]], self._tokens[:most])
        return cuts[:most], len(splits) + len(self._tokens)

    def cut_out(self, find: Callable[[str], list[Row]]) -> list[_Group]:
        """This group after the cut; several where the places alone don't tell what comes first."""
        rows = [find(text) for text, _, _ in self._pieces.get_splits()]
        self.apply(_slicing(rows))
        ids = [token_id for each in rows for token_id, _, _ in each]
        if all(token_id is None for token_id in ids):
            return [self]
        cuts = [
            Cut(text, span, token_id) for (text, span, _), token_id in zip(self._pieces.get_splits(), ids, strict=True)
        ]
        if not _is_clear(cuts):
            return self._apart(cuts)
        self._tokens = _in_order([cut for cut in cuts if cut.id is not None], self._tokens)
        self.apply(_keeping({i for i, cut in enumerate(cuts) if cut.id is None}))
        return [self]

    def _apart(self, cuts: list[Cut]) -> list[_Group]:
        """Each piece and each added token by itself; slow, and needed for the oddest of tokenizers only."""
        places = {id(cut): i for i, cut in enumerate(cuts)}
        groups = []
        for cut in _in_order(cuts, self._tokens):
            group = _Group("" if cut.id is not None else self._text, [] if cut.id is not None else self._steps)
            if cut.id is None:
                group.apply(_keeping({places[id(cut)]}))
            else:
                group._tokens = [cut]
                group.apply(_keeping(set()))
            groups.append(group)
        return groups


def _is_clear(cuts: list[Cut]) -> bool:
    """Whether each added token takes up room in the original text that it shares with no neighbour."""
    for i, cut in enumerate(cuts):
        (start, end), before, after = cut.span, cuts[max(i - 1, 0)], cuts[min(i + 1, len(cuts) - 1)]
        if cut.id is None:
            continue
        if start == end or (i > 0 and before.span[1] > start) or (after is not cut and after.span[0] < end):
            return False
    return True


def _in_order(pieces: list[Cut], tokens: list[Cut]) -> list[Cut]:
    """Pieces and added tokens, each already in order, as they stand in the text."""
    merged: list[Cut] = []
    waiting = iter(tokens)
    token = next(waiting, None)
    if token is None:
        return pieces
    for piece in pieces:
        while token is not None and token.span[1] <= piece.span[0]:
            merged.append(token)
            token = next(waiting, None)
        merged.append(piece)
    return merged + ([token, *waiting] if token is not None else [])


def _slicing(rows: list[list[Row]]) -> Step:
    """Cut each piece into these rows, be it a single one: a slice begins where its first character came from."""
    return lambda pieces: pieces.split(lambda i, piece: _sliced(piece, rows[i], 0))


def _sliced(piece: NormalizedString, rows: list[Row], base: int) -> list[NormalizedString]:
    """By halves, because the library walks through all of a string to take a part of it."""
    if len(rows) < 4 or any(left[2] > right[1] for left, right in pairwise(rows)):
        return [_slice(piece, start - base, end - base) for _, start, end in rows]
    middle = len(rows) // 2
    start, cut, end = rows[0][1], rows[middle][1], rows[-1][2]
    left, right = _slice(piece, start - base, cut - base), _slice(piece, cut - base, end - base)
    return [*_sliced(left, rows[:middle], start), *_sliced(right, rows[middle:], cut)]


def _slice(piece: NormalizedString, start: int, end: int) -> NormalizedString:
    part = piece[start:end]
    assert part is not None
    return part


def _keeping(places: set[int]) -> Step:
    """Drop all pieces but these."""
    return lambda pieces: pieces.split(lambda i, piece: [piece] if i in places else [])
