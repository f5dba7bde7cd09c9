"""What a training asks of a task: examples to learn from, a loss, and a score on held-out text.

One file a task: `next_token`, `masked_token`, `word_pairs` (skip-gram and CBOW), `translate`. `zoo.tasks.task_of`
finds it. Used by `zoo.training`, the conformance kit and the model card.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn

from zoo.data import Corpus
from zoo.tasks.streams import Part
from zoo.tokenizers import Tokenizer

Batch = tuple[Tensor, ...]
"""What a loss is computed of; its parts are the task's own business."""


@dataclass(frozen=True)
class HeldOut:
    """How well a model predicts text that it was not trained on."""

    nats_per_token: float
    """Mean −log p of what is asked for: the loss that training lowers."""
    bits_per_character: float | None
    """None where the task does not predict a text from its beginning to its end."""
    tokens: int
    """How many predictions were scored."""
    characters: int
    """Of the text that the predicted tokens write; end-of-text marks write none. 0 where it means nothing."""


class Examples(Protocol):
    """Examples in batches. The batch of a step depends on (seed, step) alone: a resumed run sees what it would have."""

    @property
    def time(self) -> int:
        """Tokens of one example, for the figure "tokens a second"."""

    def __len__(self) -> int: ...

    def batch(self, step: int, size: int) -> Batch:
        """What step number `step` learns from, `size` examples."""

    def in_order(self, size: int, limit: int) -> list[Batch]:
        """The first `limit` examples, front to back, in batches of at most `size`; the same at every call."""


class Task(Protocol):
    """One thing that a model can be trained for."""

    def check(self, corpus: Corpus, tokenizer: Tokenizer, context: int) -> None:
        """Whether the corpus can be learned from.

        Raises:
            ValueError: it cannot: one sentence with the way out.
        """

    def examples(
        self,
        corpus: Corpus,
        part: Part,
        tokenizer: Tokenizer,
        context: int,
        *,
        seed: int = 0,
        limit: int | None = None,
        folder: Path | None = None,
    ) -> Examples:
        """The corpus's part as examples; where `limit` is given, no more than these are asked for.

        `folder` is where a text larger than memory may lay its ids down.
        """

    def loss(self, module: nn.Module, batch: Batch) -> Tensor:
        """Mean −log p of what is asked for, in nats: a scalar with a gradient."""

    def evaluate(
        self, module: nn.Module, examples: Examples, tokenizer: Tokenizer, *, batch: int = 16, limit: int = 10**9
    ) -> HeldOut:
        """Score the first `limit` examples: the same ones, with the same blanks, at every call."""

    def ceiling(self, vocab_size: int) -> tuple[float, str]:
        """The loss of a blind guess, and how it comes about: "ln 513: all tokens equally likely."."""

    def fed(self, ids: list[int], added: list[int], vocab_size: int) -> list[int]:
        """What a model is fed to answer at its last row: the prompt, what was answered so far, and its own mark.

        The mark, where the task has one, is the id `vocab_size`: a blank to be filled, or the end of the source.
        """
