"""`train`: a pure, seeded generator of events. It knows nothing of the model but that it gives logits.

No threads; it stops wherever the caller stops asking; calling it again on the same folder goes on
from the last saved step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from zoo.data import Corpus
from zoo.plugin import ModelPlugin
from zoo.tasks import next_token
from zoo.training.optimizers import Optimizers
from zoo.training.recipe import Recipe
from zoo.training.run import Event, Run, seeded_build

SAVE_EVERY = 30.0
"""Seconds of training between two saves of what a crashed run would go on from."""


class Diverged(RuntimeError):
    """The loss stopped being a number."""


def train(run: Run, plugin: ModelPlugin, corpus: Corpus) -> Iterator[Event]:
    """Train the run's model on `corpus` until its budget is spent; one event a step.

    The first event (step 0) is the untrained model's held-out loss. Events are written to the folder
    before they are yielded; weights are kept at evenly spaced shares of the budget.

    Raises:
        Diverged: the loss is not finite any more; the last checkpoint is kept.
        ValueError: the corpus is shorter than one window.
    """
    info, tokenizer = run.info, run.tokenizer
    recipe = info.recipe
    config = plugin.Config.model_validate(info.config)
    module = seeded_build(lambda: plugin.build(config, tokenizer.vocab_size), recipe.seed)
    optimizers = Optimizers(module, recipe)
    context = int(getattr(config, "context", 64))
    windows = next_token.Windows(next_token.token_stream(tokenizer, corpus.train), context, recipe.seed)
    held_out = next_token.Windows(next_token.token_stream(tokenizer, corpus.valid), context)

    def score() -> tuple[float, float]:
        module.eval()
        with _precision(recipe):
            result = next_token.evaluate(module, held_out, tokenizer, limit=recipe.held_out_windows)
        module.train()
        return result.nats_per_token, result.bits_per_character

    step, elapsed = _resume(run, module, optimizers)
    if step == 0:
        first = _event(0, 0.0, math.nan, 0.0, recipe.batch * context)
        first["valid_loss"], first["bits_per_character"] = score()
        first["loss"] = first["valid_loss"]
        run.append(first)
        run.save_weights(0, module)
        yield first
    module.train()
    saved = elapsed
    while (before := recipe.spent(step, elapsed)) < 1:
        started = time.perf_counter()
        with _precision(recipe):
            loss = next_token.loss(module, *windows.batch(step, recipe.batch))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizers.step(recipe.schedule(before))
        value = _finite(loss, step)
        step, elapsed = step + 1, elapsed + time.perf_counter() - started
        spent = recipe.spent(step, elapsed)
        event = _event(step, elapsed, value, recipe.schedule(before), recipe.batch * context)
        if spent == 1 or _crossed(before, spent, recipe.evaluations):
            event["valid_loss"], event["bits_per_character"] = score()
        if spent == 1 or _crossed(before, spent, recipe.checkpoints):
            run.save_weights(step, module)
        if spent == 1 or elapsed - saved > SAVE_EVERY:
            run.save_last(step, elapsed, module, optimizers.state())
            saved = elapsed
        run.append(event)
        yield event


def _resume(run: Run, module: nn.Module, optimizers: Optimizers) -> tuple[int, float]:
    """Take up the last saved step, if there is one; events after it are forgotten."""
    last = run.load_last()
    if last is None:
        run.truncate_events(-1)
        return 0, 0.0
    step, elapsed, weights, state = last
    module.load_state_dict(weights)
    optimizers.load(state)
    run.truncate_events(step)
    return step, elapsed


def _event(step: int, elapsed: float, loss: float, rate: float, tokens_per_step: int) -> Event:
    tokens = step * tokens_per_step
    speed = tokens / elapsed if elapsed else 0.0
    return Event(step=step, elapsed=elapsed, loss=loss, rate=rate, tokens=tokens, tokens_per_second=speed)


def _finite(loss: Tensor, step: int) -> float:
    value = float(loss.detach())
    if not math.isfinite(value):
        raise Diverged(f"the loss became {value} at step {step}: lower the learning rate, or start again with a seed")
    return value


def _crossed(before: float, after: float, parts: int) -> bool:
    """Whether this step passed one of `parts` evenly spaced marks of the budget."""
    return int(before * parts) < int(after * parts)


def _precision(recipe: Recipe) -> AbstractContextManager[object]:
    if recipe.precision == "bfloat16":
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()
