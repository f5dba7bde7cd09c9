"""What an explanation consists of; every value here can be written as JSON.

Texts are readable: bytes are read back as characters, and a lone byte is <0xE2>, as in `Tokenizer.piece`. A `span`
is always a start and an end in the original text, in characters; all else (`at`, `start`, `end`) counts from 0
inside the word.
"""

from __future__ import annotations

from dataclasses import dataclass

Span = tuple[int, int]


@dataclass(frozen=True)
class Stage:
    """One step before the model proper: cutting out added tokens, a normaliser, a pre-tokeniser."""

    name: str
    """The library's type: "Lowercase", "ByteLevel", "Split", …"""
    title: str
    sentence: str
    """What the step does. It may quote a pattern of the tokenizer, so it is to be escaped like any user data."""
    pieces: list[str]
    """The first pieces that the text is cut into after this step."""
    spans: list[Span]
    total: int
    """How many pieces there are in all."""


@dataclass(frozen=True)
class Merge:
    """Two neighbouring symbols became one."""

    rank: int
    """The merge's place in the tokenizer's list, from 0: of all that could be done, the lowest is done first."""
    left: str
    right: str
    at: int
    """Index of the merged symbol in `symbols`."""
    symbols: list[str]
    """The symbols after this merge."""


@dataclass(frozen=True)
class Merges:
    """Byte-pair encoding of a word, or of a stretch of one that is very long."""

    word: str
    span: Span
    start: list[str]
    """The symbols before the first merge."""
    steps: list[Merge]
    ids: list[int]
    pieces: list[str]
    note: str
    """What else is to be said, in a sentence; often empty."""


@dataclass(frozen=True)
class Try:
    """A piece that was looked for in the vocabulary."""

    text: str
    found: bool


@dataclass(frozen=True)
class Match:
    """The search for the longest piece that begins here."""

    start: int
    tries: list[Try]
    id: int
    """What was found; the unknown token where nothing was."""


@dataclass(frozen=True)
class Walk:
    """WordPiece: from the left, always the longest piece that the vocabulary has."""

    word: str
    span: Span
    matches: list[Match]
    ids: list[int]
    pieces: list[str]
    note: str


@dataclass(frozen=True)
class Edge:
    """A piece that could stand in this place."""

    start: int
    end: int
    piece: str
    id: int
    score: float
    """The natural logarithm of its probability."""


@dataclass(frozen=True)
class Lattice:
    """Unigram: all ways to cut a word into known pieces; the one with the highest sum of scores wins."""

    word: str
    span: Span
    edges: list[Edge]
    best: list[int]
    """Indexes of the edges that were taken."""
    best_score: float
    second: list[int] | None
    """The same for the way that came second; None where there is only one."""
    second_score: float | None
    ids: list[int]
    pieces: list[str]
    note: str


@dataclass(frozen=True)
class Lookup:
    """A word looked up whole, or an added token that was cut out first."""

    word: str
    span: Span
    id: int
    known: bool
    ids: list[int]
    pieces: list[str]
    note: str


Word = Merges | Walk | Lattice | Lookup


@dataclass(frozen=True)
class Explanation:
    """How a text became its tokens."""

    stages: list[Stage]
    words: list[Word]
    """The first words; the ids of all words, one after another, are the ids of the text."""
    total_words: int
