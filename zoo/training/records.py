"""What the files of a run say: an event, the yardsticks, run.json. Written and read by `zoo.training.run`."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from zoo.training.recipe import Recipe


class Candidate(TypedDict):
    """One token that may come next, out of the full vocabulary at temperature 1."""

    token: str
    id: int
    logit: float
    prob: float


class Event(TypedDict):
    """One line of events.jsonl. Losses in nats per token; what is not required stands only where it was measured."""

    step: int
    elapsed: float
    loss: float
    rate: float
    tokens: int
    tokens_per_second: float
    valid_loss: NotRequired[float]
    bits_per_character: NotRequired[float]
    next: NotRequired[list[Candidate]]
    """The likeliest tokens after the run's prompt."""
    sample: NotRequired[str]
    """A short text drawn after the run's prompt."""


class Yardsticks(BaseModel):
    """What held-out losses are held against, in nats per token on the very tokens that `valid_loss` scores."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    ceiling: float = Field(ge=0)
    """The loss of a blind guess."""
    unigram: float | None = Field(None, ge=0)
    bigram: float | None = Field(None, ge=0)
    """The losses of two counted models; None where the task is not to predict the next token."""
    floor: float | None = Field(None, ge=0)
    """What the language itself leaves open; None where nobody knows the language."""
    tokens: int = Field(ge=0)
    """How many predictions are scored."""
    about: dict[str, str]
    """A sentence on each of those that are known, and on the floor where it is not."""


class RunInfo(BaseModel):
    """What run.json says."""

    model_config = ConfigDict(extra="forbid")

    model: str
    config: dict[str, Any]
    recipe: Recipe
    corpus: dict[str, str]
    """Its "name" and "sha256", and under "open" what `zoo.data.open_corpus` takes to make it again."""
    tokenizer: str
    parameters: int
    versions: dict[str, str]
    prompt: str = ""
    """What the model is asked at each evaluation; nothing where it is empty."""
    start: dict[str, str | int | None] | None = None
    """Of a fine-tuned run: "source", "step" and "about" of the weights that it began from, kept as step 0."""
    title: str = ""
