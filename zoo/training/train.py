"""`train`: a pure, seeded generator of events. It knows nothing of the model but that it gives logits.

No threads; it stops wherever the caller stops asking; calling it again on the same folder goes on
from the last saved step. A step depends on (seed, step) and the weights alone, dropout included.
Used by the command line and the app's worker process.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import nn

from zoo.data import Corpus
from zoo.plugin import ModelPlugin
from zoo.tasks import next_token
from zoo.training.optimizers import Optimizers
from zoo.training.recipe import Recipe
from zoo.training.run import Event, Run, seeded_build


class Diverged(RuntimeError):
    """The loss or its gradient stopped being a number."""


def train(run: Run, plugin: ModelPlugin, corpus: Corpus) -> Iterator[Event]:
    """Train the run's model on `corpus` until its budget is spent; one event a step.

    The first event (step 0) is the untrained model's held-out loss. Events are written to the folder
    before they are yielded; weights are kept at evenly spaced shares of the budget.

    Raises:
        Diverged: the loss is not finite any more; the last checkpoint is kept.
        ValueError: the corpus is shorter than one window, or the plugin has changed since the run began.
    """
    training = _Training(run, plugin, corpus)
    if training.step == 0:
        yield training.begin()
    while training.spent < 1:
        yield training.advance()


class _Training:
    """What a run in progress holds: the module, its optimisers, the text, and how far it is."""

    def __init__(self, run: Run, plugin: ModelPlugin, corpus: Corpus) -> None:
        self.run, self.tokenizer = run, run.tokenizer
        info = run.info
        self.recipe = recipe = info.recipe
        config = plugin.Config.model_validate(info.config)
        self.module = seeded_build(lambda: plugin.build(config, self.tokenizer.vocab_size), recipe.seed)
        self.optimizers = Optimizers(self.module, recipe)
        self.context = int(getattr(config, "context", 64))
        train, valid = (next_token.token_stream(self.tokenizer, texts) for texts in (corpus.train, corpus.valid))
        self.windows = next_token.Windows(train, self.context, recipe.seed)
        self.held_out = next_token.Windows(valid, self.context, name="held-out text")
        self.step, self.elapsed = _resume(run, self.module, self.optimizers)
        self.saved = self.elapsed
        self.module.train()

    @property
    def spent(self) -> float:
        """The share of the budget that is used up, 0 to 1."""
        return self.recipe.spent(self.step, self.elapsed)

    def begin(self) -> Event:
        """Score and keep the untrained model."""
        event = self._event(math.nan, rate=0.0)
        self._score(event)
        event["loss"] = event["valid_loss"]
        self.run.save_weights(0, self.module)
        self.run.append(event)
        return event

    def advance(self) -> Event:
        """Take one step; score and keep the model where that is due."""
        before = self.spent
        rate = self.recipe.schedule(before)
        started = time.perf_counter()
        loss = self._learn(rate)
        self.step, self.elapsed = self.step + 1, self.elapsed + time.perf_counter() - started
        event = self._event(loss, rate)
        if self._due(before, self.recipe.evaluations):
            self._score(event)
        if self._due(before, self.recipe.checkpoints):
            self.run.save_weights(self.step, self.module)
        self.run.append(event)  # after the weights that a reader then looks for, before what resumes from it
        if self.spent == 1 or self.elapsed - self.saved >= self.recipe.save_every:
            self.run.save_last(self.step, self.elapsed, self.module, self.optimizers.state())
            self.saved = self.elapsed
        return event

    def _learn(self, rate: float) -> float:
        """One step on one batch; returns the loss before it."""
        with _seeded(self.recipe.seed, self.step):
            with _precision(self.recipe):
                loss = next_token.loss(self.module, *self.windows.batch(self.step, self.recipe.batch))
            value = _finite(float(loss.detach()), self.step)
            loss.backward()  # type: ignore[no-untyped-call]
        _finite(self.optimizers.step(rate), self.step)
        return value

    def _score(self, event: Event) -> None:
        """Add what the model makes of held-out text."""
        self.module.eval()
        with _precision(self.recipe):
            result = next_token.evaluate(self.module, self.held_out, self.tokenizer, limit=self.recipe.held_out_windows)
        self.module.train()
        event["valid_loss"] = _finite(result.nats_per_token, self.step)
        event["bits_per_character"] = result.bits_per_character

    def _due(self, before: float, parts: int) -> bool:
        """Whether the last step passed one of `parts` evenly spaced marks of the budget, or was the last of all."""
        return self.spent == 1 or int(before * parts) < int(self.spent * parts)

    def _event(self, loss: float, rate: float) -> Event:
        tokens = self.step * self.recipe.batch * self.context
        speed = tokens / self.elapsed if self.elapsed else 0.0
        return Event(step=self.step, elapsed=self.elapsed, loss=loss, rate=rate, tokens=tokens, tokens_per_second=speed)


def _resume(run: Run, module: nn.Module, optimizers: Optimizers) -> tuple[int, float]:
    """Take up the last saved step, if there is one; what came after it is forgotten."""
    last = run.load_last()
    if last is None:
        run.forget_after(-1)
        return 0, 0.0
    step, elapsed, weights, state = last
    try:
        module.load_state_dict(weights)
        optimizers.load(state)
    except (RuntimeError, ValueError, KeyError) as error:
        raise ValueError(f"{run.folder} cannot go on: its weights do not fit {run.info.model} as it is now") from error
    run.forget_after(step)
    return step, elapsed


def _finite(value: float, step: int) -> float:
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
def _seeded(seed: int, step: int) -> Iterator[None]:
    """What a step draws at random (dropout) comes from its own seed; the caller's generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed * 1_000_003 + step)
        yield
