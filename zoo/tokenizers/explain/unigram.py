"""Unigram: of all ways to cut a word into known pieces the likeliest one (Kudo 2018; SentencePiece).

Each piece has a score, the natural logarithm of its probability. A way's score is the sum over its pieces, and the
best way is found from the left: the best way to a place goes through the best way to the place before (Viterbi 1967).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from typing import Any

from zoo.tokenizers.explain.flow import Cut
from zoo.tokenizers.explain.lookup import no_unknown
from zoo.tokenizers.explain.parts import Edge, Lattice
from zoo.tokenizers.explain.readable import Names

PENALTY = 10.0
"""An unknown character's score is so far below the lowest score of the vocabulary."""
LONGEST_LATTICE = 400
"""Characters of a word whose lattice is listed."""
Step = tuple[int, int, int, float]
"""Start, end, id (-1: unknown, and there is no token for that), score."""


@dataclass(frozen=True)
class Unigram:
    """Pieces and their scores."""

    scores: list[float]
    places: dict[str, int]
    """Each piece's id; -1 for what is only the beginning of a piece."""
    unknown: int | None
    unknown_score: float
    byte_fallback: bool

    @classmethod
    def read(cls, model: dict[str, Any]) -> Unigram:
        """From the part `model` of a `tokenizer.json`."""
        places: dict[str, int] = {}
        for i, (piece, _) in enumerate(model["vocab"]):
            for end in range(1, len(piece)):
                places.setdefault(piece[:end], -1)
            places[piece] = i
        places.pop("", None)
        scores = [float(score) for _, score in model["vocab"]]
        lowest = min(scores, default=float("inf"))
        return cls(scores, places, model["unk_id"], lowest - PENALTY, model.get("byte_fallback", False))

    def ids(self, word: str) -> list[int]:
        """The ids of the likeliest pieces.

        Raises:
            ValueError: a character is unknown, and there is no token for that.
        """
        return self._written(word, self._best(word))

    def show(self, cut: Cut, names: Names) -> Lattice:
        """The lattice of a word, with its two best ways."""
        word, way = names.counted(cut.text), self._best(cut.text)
        ids = self._written(cut.text, way)
        if len(cut.text) > LONGEST_LATTICE:
            note = f"With {len(cut.text):,} characters it is too long to list all pieces that could stand in it."
            return Lattice(word, cut.span, [], [], _sum(way), None, None, ids, names.pieces(ids), note)
        steps = [step for step in self._steps(cut.text) if step[2] >= 0]
        (best_score, best), *others = _two_best(steps, len(cut.text))
        second_score, second = others[0] if others else (None, None)
        edges = [Edge(start, end, names.piece(i), i, score) for start, end, i, score in steps]
        note = self._note(way, ids)
        return Lattice(word, cut.span, edges, best, best_score, second, second_score, ids, names.pieces(ids), note)

    def _best(self, word: str) -> list[Step]:
        """The likeliest way; of equally likely ones that which was found first."""
        scores, taken = [0.0] * (len(word) + 1), [(0, 0, -1, 0.0)] * (len(word) + 1)
        for step in self._steps(word):
            start, end, token_id, score = step
            score += scores[start]
            if taken[end][1] == 0 or score > scores[end]:
                if token_id < 0:
                    raise no_unknown(word[start:end])
                scores[end], taken[end] = score, step
        way, at = [], len(word)
        while at > 0:
            way.append(taken[at])
            at = taken[at][0]
        return way[::-1]

    def _steps(self, word: str) -> Iterator[Step]:
        """All pieces that could stand somewhere in the word, by their start and then their end."""
        places, scores = self.places, self.scores
        unknown = -1 if self.unknown is None else self.unknown
        for start in range(len(word)):
            if places.get(word[start], -1) < 0:
                yield start, start + 1, unknown, self.unknown_score
            for end in range(start + 1, len(word) + 1):
                if (found := places.get(word[start:end])) is None:
                    break
                if found >= 0:
                    yield start, end, found, scores[found]

    def _written(self, word: str, way: list[Step]) -> list[int]:
        """The ids of a way: unknown characters side by side are one token, or are written as their bytes."""
        ids: list[int] = []
        for unknown, run in groupby(way, key=lambda step: step[2] == self.unknown):
            steps = list(run)
            if not unknown:
                ids += [step[2] for step in steps]
            else:
                ids += self._one(word[steps[0][0] : steps[-1][1]])
        return ids

    def _one(self, text: str) -> list[int]:
        """What unknown characters become. Together they may be a piece after all, of a very low score."""
        if (found := self.places.get(text, -1)) >= 0:
            return [found]
        in_bytes = [self.places.get(f"<0x{byte:02X}>", -1) for byte in text.encode()]
        if self.byte_fallback and min(in_bytes) >= 0:
            return in_bytes
        assert self.unknown is not None
        return [self.unknown]

    def _note(self, way: list[Step], ids: list[int]) -> str:
        if all(step[2] != self.unknown for step in way):
            return ""
        if self.unknown in ids:
            return "Characters that the vocabulary lacks are unknown; those side by side become one token."
        return "What the vocabulary lacks is written as its bytes." if self.byte_fallback else ""


def _sum(way: list[Step]) -> float:
    """The score of a way, added up from the left as the search does it."""
    return reduce(lambda score, step: step[3] + score, way, 0.0)


def _two_best(steps: list[Step], length: int) -> list[tuple[float, list[int]]]:
    """The one or two best ways to the end: score, and indexes of steps. The steps are in the order of their starts."""
    ways: list[list[tuple[float, int, int]]] = [[] for _ in range(length + 1)]
    """For each place the score of the best ways there, the last step, and which way led to its start."""
    ways[0] = [(0.0, -1, 0)]
    for i, (start, end, _, score) in enumerate(steps):
        for rank, (before, _, _) in enumerate(ways[start]):
            reached = score + before
            better = sum(each[0] >= reached for each in ways[end])
            ways[end].insert(better, (reached, i, rank))
            del ways[end][2:]
    return [(ways[length][rank][0], _back(ways, steps, length, rank)) for rank in range(len(ways[length]))]


def _back(ways: list[list[tuple[float, int, int]]], steps: list[Step], end: int, rank: int) -> list[int]:
    taken: list[int] = []
    while end > 0:
        _, i, rank = ways[end][rank]
        taken.append(i)
        end = steps[i][0]
    return taken[::-1]
