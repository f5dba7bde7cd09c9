"""From ranked pieces to merges: what tiktoken and SentencePiece store, as the `tokenizers` library wants it.

Both keep a list of pieces in the order in which training made them, and no merges. They join whichever two
neighbours together make the piece of the lowest rank. The pair that made a piece is found by tokenizing the
piece itself with the pieces below it: two are left. No other two neighbours ever make it, unless pieces share
a rank. Used by `zoo.pretrained.tokenizers.packaged`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

Pair = tuple[str, str]


def merges_of(ranks: Mapping[str, float]) -> tuple[list[Pair], list[str]]:
    """Pieces with their ranks (the lower, the sooner) -> merges in order, and the pieces that no merge makes.

    Pieces of one character are where merging begins. Pieces that share a rank are taken for runs of one character,
    as SentencePiece's spaces are. It joins such runs from left to right, and merges have no left and right; `_order`
    puts the pairs that make them into an order that ends alike.
    """
    shared = {rank for rank, times in Counter(ranks.values()).items() if times > 1}
    found: list[tuple[tuple[float, ...], Pair]] = []
    unmade = []
    for piece, rank in ranks.items():
        if len(piece) == 1:
            continue
        if rank in shared:
            found += [((rank, *_order(pair)), pair) for pair in _all_pairs(piece, ranks)]
        elif (pair := _pair(piece, rank, ranks)) is not None:
            found.append(((rank,), pair))
        else:
            unmade.append(piece)
    return [pair for _, pair in sorted(found, key=lambda each: each[0])], unmade


def _pair(piece: str, rank: float, ranks: Mapping[str, float]) -> Pair | None:
    """The two pieces that are left before the last merge; None where merging stops sooner."""
    parts, get = list(piece), ranks.get
    while len(parts) > 2:
        lowest, at = rank, -1
        for i in range(len(parts) - 1):
            other = get(parts[i] + parts[i + 1], rank)
            if other < lowest:
                lowest, at = other, i
        if at < 0:
            return None
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return (parts[0], parts[1])


def _all_pairs(piece: str, ranks: Mapping[str, float]) -> list[Pair]:
    cuts = [(piece[:i], piece[i:]) for i in range(1, len(piece))]
    return [(left, right) for left, right in cuts if left in ranks and right in ranks]


def _order(pair: Pair) -> tuple[float, ...]:
    """Doubled runs first, so that the longest stand on the left; then the rest is joined, an odd one last."""
    left, right = pair
    return (left != right, len(left + right) % 2, len(left + right))
