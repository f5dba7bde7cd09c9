"""What a model card says, before it is put into words: measured by `zoo.pretrained.ship`, worded by `…card`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic.fields import FieldInfo

from zoo.tokenizers import Tokenizer
from zoo.training.run import Event, RunInfo


@dataclass(frozen=True)
class About:
    """What is known of a corpus that no file of a run says."""

    what: str
    licence: str
    limit: str


CORPORA = {
    "6fecb49449773ca3bcb66ae7d339a15da97b0d4e10ef393e61b6bc46b76ef4a1": About(
        "English short stories: much science fiction from old magazines, and stories by the Brothers Grimm, "
        "Andersen, O. Henry, Conan Doyle, Chesterton, Lovecraft, London, Wodehouse and others. "
        "Quotation marks and dashes are normalised to ASCII.",
        "public domain in the United States",
        "The stories are of their time, prejudices and slurs included, and what it writes can repeat them",
    )
}
"""SHA-256 of a corpus file -> what to say of it. Other corpora get the words of `UNKNOWN`."""
UNKNOWN = About("Text from the file named below.", "not recorded", "What it writes can repeat whatever that text says")


@dataclass(frozen=True)
class Text:
    """One half of the corpus, counted. An end-of-text mark behind each document is among the tokens."""

    documents: int
    characters: int
    tokens: int


@dataclass(frozen=True)
class Score:
    """How well one model predicts the held-out tokens."""

    name: str
    nats: float
    """Per token, the mean of −log p."""
    bits: float
    """Per character."""
    tokens: int
    characters: int
    size: int
    """How many numbers it holds: weights, or counts of different n-grams."""


@dataclass(frozen=True)
class Sample:
    """A text that the model wrote on."""

    prompt: str
    temperature: float
    seed: int
    tokens: int
    """At most so many were drawn."""
    text: str


@dataclass(frozen=True)
class Card:
    """All that the card is written from."""

    info: RunInfo
    fields: Mapping[str, FieldInfo]
    """The plugin's Config fields."""
    title: str
    context: int
    """The longest text that the model reads, in tokens."""
    tokenizer: Tokenizer
    weights: Mapping[str, int]
    """Name of each tensor -> how many numbers it holds."""
    size: int
    """Of the shipped weights' file, in bytes."""
    events: Sequence[Event]
    """Where held-out text was scored; the last is the step of the shipped weights."""
    train: Text
    valid: Text
    scores: Sequence[Score]
    """The model's own is the last."""
    samples: Sequence[Sample]
    source: str
    """The run's folder, as it shall be written."""
    out: str
    """The shipped folder, as it shall be written."""

    @property
    def about(self) -> About:
        """What is known of the corpus."""
        return CORPORA.get(self.info.corpus["sha256"], UNKNOWN)
