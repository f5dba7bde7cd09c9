"""How a model learns from one batch: by its gradient, or by counting. Used by `train`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor, nn

from zoo.tasks import Batch, Examples, Task
from zoo.tasks.next_token import Windows
from zoo.training.distributed import Group
from zoo.training.optimizers import Optimizers
from zoo.training.recipe import Recipe

SCORED = 4
"""Windows of a step that a counting model predicts before it counts them: predicting takes far longer."""


class Diverged(RuntimeError):
    """The loss or its gradient stopped being a number."""


class Learner(Protocol):
    """One way to learn."""

    def learn(self, examples: Examples, step: int, rate: float) -> float:
        """Take the step of this number; returns the loss before it."""

    def spent(self, step: int) -> float:
        """The share of all that there is to learn from that is used up after `step` steps, 0 to 1."""

    def state(self) -> dict[str, Tensor]:
        """What a resumed run needs beside the weights."""

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from such a state."""


def learner_of(module: nn.Module, task: Task, recipe: Recipe, group: Group) -> Learner:
    """By its gradient, or by counting where the module has nothing but counts.

    Raises:
        ValueError: it has neither.
    """
    if not any(each.requires_grad for each in module.parameters()) and hasattr(module, "count"):
        if group.size > 1:
            raise ValueError("a model that counts is trained by one process: start it without a launcher")
        return Counting(module, task, recipe)
    return Gradient(module, task, recipe, group)


class Gradient:
    """Every number moves a little against the gradient of the loss; in a group each process takes its share."""

    def __init__(self, module: nn.Module, task: Task, recipe: Recipe, group: Group) -> None:
        self.module, self.task, self.recipe, self.group = module, task, recipe, group
        self.optimizers = Optimizers(module, recipe)
        self.parameters = [each for each in module.parameters() if each.requires_grad]

    def learn(self, examples: Examples, step: int, rate: float) -> float:
        """One step on one batch.

        Raises:
            Diverged: the loss or the gradient is not finite.
        """
        batch = examples.batch(step * self.group.size + self.group.rank, self.recipe.batch)
        with _seeded(self.recipe.seed, step, self.group.rank):
            with _precision(self.recipe):
                loss = self.task.loss(self.module, batch)
            loss.backward()  # type: ignore[no-untyped-call]
        value = finite(self.group.average(self.parameters, loss.detach()), step)
        finite(self.optimizers.step(rate), step)
        return value

    def spent(self, step: int) -> float:
        """Nothing: a text can be read again and again."""
        return 0.0

    def state(self) -> dict[str, Tensor]:
        """The optimisers'."""
        return self.optimizers.state()

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from it."""
        self.optimizers.load(state)


class Counting:
    """The text is read once, front to back, and counted. More time, or a second reading, would teach nothing."""

    def __init__(self, module: nn.Module, task: Task, recipe: Recipe) -> None:
        self.module, self.task, self.recipe = module, task, recipe
        self._windows: Windows | None = None

    def learn(self, examples: Examples, step: int, rate: float) -> float:
        """Predict the next windows of the text (the loss is that of the first of them), then count them all."""
        inputs, targets = self._next(examples, step)
        self.module.eval()
        with torch.no_grad():
            loss = float(self.task.loss(self.module, (inputs[:SCORED], targets[:SCORED])))
        self.module.train()
        self.module.count(torch.cat([inputs, targets[:, -1:]], dim=1))  # type: ignore[operator]
        return finite(loss, step)

    def spent(self, step: int) -> float:
        """How much of the text was counted."""
        return 0.0 if self._windows is None else min(1.0, step * self.recipe.batch / len(self._windows))

    def state(self) -> dict[str, Tensor]:
        """The counts are the module's own."""
        return {}

    def load(self, state: dict[str, Tensor]) -> None:
        """Nothing."""

    def _next(self, examples: Examples, step: int) -> Batch:
        assert isinstance(examples, Windows), "a model that counts predicts the next token"
        if self._windows is None:
            self._windows = replace(examples, starts=None)  # so that nothing is counted twice
        return self._windows.at(step * self.recipe.batch, self.recipe.batch)


def finite(value: float, step: int) -> float:
    """The value.

    Raises:
        Diverged: it is not a finite number.
    """
    if not math.isfinite(value):
        raise Diverged(
            f"the loss or its gradient became {value} at step {step}: lower the learning rate, or take another seed"
        )
    return value


def _precision(recipe: Recipe) -> AbstractContextManager[object]:
    if recipe.precision == "bfloat16":
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()


@contextmanager
def _seeded(seed: int, step: int, rank: int) -> Iterator[None]:
    """What a step draws at random (dropout) comes from its own seed; the caller's generator is left as it was.

    Models train on the CPU: its generator alone is set, which takes 2 µs instead of 70.
    """
    generator = torch.default_generator
    before = generator.get_state()
    generator.manual_seed(seed * 1_000_003 + step + rank * 2**53)
    try:
        yield
    finally:
        generator.set_state(before)
