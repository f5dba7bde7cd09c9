"""Where several tokenizers cut the same text alike, and where one of them goes on while another cuts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zoo.tokenizers.cut import Cut


@dataclass(frozen=True)
class Boundaries:
    """The boundaries inside of the text that all columns show. Positions are bytes of its UTF-8, each place once."""

    reach: int
    """How far all of them show the text; what lies behind is not compared."""
    shared: list[int]
    """Where at least one cuts, and no token of another runs across."""
    apart: list[int]
    """Where at least one cuts, and a token of another runs across."""
    marks: list[list[bool]]
    """(columns, tokens) whether the boundary in front of the token is one of those that not all have."""


_Place = tuple[int, int, int]
"""Where a boundary lies: from, to, and which one of those that lie there."""


def boundaries(cuts: Sequence[Cut]) -> Boundaries:
    """Compare the boundaries of tokenizers on one text.

    A boundary lies between two neighbouring tokens. Where text between them was dropped (WordPiece drops blanks),
    it may lie anywhere in that gap: a tokenizer that keeps the blank with the next word cuts in the same place.
    A cut inside of a character that was rewritten first ("ﬁ" into "f" and "i") has no place in the text; it is
    shared only with a tokenizer that cuts the same stretch in the same way.
    """
    reach = min((each.reach for each in cuts), default=0)
    places = [_places(each, reach) for each in cuts]
    inside = set.intersection(*({place for place in each if place is not None} for each in places)) if cuts else set()
    crossed = _crossed(cuts, reach)
    shared: set[_Place] = set()
    apart: set[_Place] = set()
    marks = []
    for each in places:
        found = [None if place is None else _shared(place, crossed, inside) for place in each]
        marks.append([place is not None and where is None for place, where in zip(each, found, strict=True)])
        shared.update(where for where in found if where is not None)
        apart.update(_canonical(place) for place, mark in zip(each, marks[-1], strict=True) if place and mark)
    return Boundaries(reach, sorted(map(_position, shared)), sorted(map(_position, apart)), marks)


def _canonical(place: _Place) -> _Place:
    """One name for boundaries whose gaps begin at the same position."""
    low, high, _ = place
    return place if low > high else (low, low, 0)


def _position(place: _Place) -> int:
    return min(place[:2])


def _places(one: Cut, reach: int) -> list[_Place | None]:
    """The boundary in front of each token; None where there is none, or none to compare."""
    found: list[_Place | None] = [None] * min(1, len(one.edges))
    seen: Counter[tuple[int, int]] = Counter()
    for (_, low), (high, _) in pairwise(one.edges):
        within = high > 0 and low < reach if low <= high else low <= reach
        inside = low > high
        found.append((low, high, seen[low, high] if inside else 0) if within else None)
        seen[low, high] += 1
    return found


def _shared(place: _Place, crossed: NDArray[np.bool_], inside: set[_Place]) -> _Place | None:
    """Where all columns have this boundary: the first position of the gap that no token runs across."""
    low, high, _ = place
    if low > high:
        return place if place in inside else None
    free = np.flatnonzero(~crossed[low : high + 1])
    return (low + int(free[0]), low + int(free[0]), 0) if free.size else None


def _crossed(cuts: Sequence[Cut], reach: int) -> NDArray[np.bool_]:
    """(reach + 1,) whether a token of any column runs across this position, and that column has no boundary there."""
    crossed = np.zeros(reach + 1, bool)
    for each in cuts:
        own = np.zeros(reach + 1, bool)
        for start, end in each.edges:
            own[start + 1 : end] = True
        for (_, low), (high, _) in pairwise(each.edges):
            own[low : high + 1] = False
        crossed |= own
    return crossed
