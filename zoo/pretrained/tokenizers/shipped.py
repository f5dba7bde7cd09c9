"""The tokenizers that come with the playground, one of each kind, all learned from the stories of the shipped models.

Their files lie in `zoo/pretrained/tokenizers/stories/`, written by `python -m zoo.pretrained.tokenizers.ship`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zoo.tokenizers import Kind

FOLDER = Path(__file__).parent / "stories"
SIZE = 4096
"""Entries that each has at most."""


@dataclass(frozen=True)
class Shipped:
    """What the catalogue says of one."""

    title: str
    about: str


SHIPPED: dict[Kind, Shipped] = {
    "char": Shipped(
        "Characters · stories", "A token for each character of the stories; any other is written as bytes."
    ),
    "byte": Shipped("Bytes", "A token for each of the 256 bytes, with nothing learned and nothing unknown."),
    "word": Shipped(
        "Words · stories", "A token for each of the most frequent words of the stories; the rest is unknown."
    ),
    "bpe": Shipped("BPE on bytes · stories", "GPT-2's way, learned from stories: the tokenizer of the shipped GPT."),
    "bpe-char": Shipped("BPE on characters · stories", "The same merging, from characters: a new one is unknown."),
    "wordpiece": Shipped("WordPiece · stories", "BERT's way, learned from stories: lower case, no accents, no spaces."),
    "unigram": Shipped("Unigram · stories", "SentencePiece's way, learned from stories: the likeliest split wins."),
}
"""Kind -> what it is; the ladder from simple to learned."""
