"""`train`: a pure, seeded generator of events. It knows nothing of the model: what is asked of it is its task's.

No threads; it stops wherever the caller stops asking; calling it again on the same folder goes on
from the last saved step. A step depends on (seed, step) and the weights alone, dropout included.
Used by the command line, by the app's worker process, and by each process of a training on several.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from functools import cached_property

from zoo.data import Corpus
from zoo.plugin import ModelPlugin, context_of
from zoo.tasks import Examples, task_of
from zoo.training import asking, yardsticks
from zoo.training.distributed import ALONE, Group
from zoo.training.files import writing
from zoo.training.learning import Diverged as Diverged
from zoo.training.learning import finite, learner_of
from zoo.training.memory import keep_freed_memory
from zoo.training.run import Event, Run, seeded_build


def train(run: Run, plugin: ModelPlugin, corpus: Corpus, group: Group = ALONE) -> Generator[Event]:
    """Train the run's model on `corpus` until its budget is spent; one event a step.

    The first event (step 0) is the held-out loss of the model as it begins. Events are written to the
    folder before they are yielded; weights are kept at evenly spaced shares of the budget, and where the
    caller closes the generator. In a group of processes each calls this; the leader alone writes.

    Raises:
        Diverged: the loss is not finite any more; the last checkpoint is kept.
        ValueError: the corpus is shorter than one window, or the plugin has changed since the run began.
        Unwritable: the folder cannot be written; the last checkpoint is kept.
        Left: another process of the group has ended.
    """
    training = _Training(run, plugin, corpus, group)
    try:
        if not training.begun:
            yield training.begin()
        if training.spent < 1:
            training.prepare()
        while training.spent < 1:
            yield training.advance()
    except GeneratorExit:
        training.stop()
        raise
    finally:
        training.close()


class _Training:
    """What a run in progress holds: the module, its optimisers, the text, and how far it is."""

    def __init__(self, run: Run, plugin: ModelPlugin, corpus: Corpus, group: Group) -> None:
        self.run, self.corpus, self.group, self.tokenizer = run, corpus, group, run.tokenizer
        info = run.info
        self.recipe = recipe = info.recipe
        config = plugin.Config.model_validate(info.config)
        self.context, self.task = context_of(config), task_of(plugin.spec.task)
        self.task.check(corpus, self.tokenizer, self.context)
        self.question = asking.Question(self.task, self.tokenizer, info.prompt, self.context)
        self.module = seeded_build(lambda: plugin.build(config, self.tokenizer.vocab_size), recipe.seed)
        self.learner = learner_of(self.module, self.task, recipe, group)
        self.begun, self.step, self.elapsed = self._resume()
        self.saved_step, self.saved = self.step, self.elapsed
        group.align([*self.module.parameters(), *self.module.buffers()])
        self.log = run.log() if group.leads else None
        self.module.train()

    @property
    def spent(self) -> float:
        """The share of the budget that is used up, 0 to 1."""
        return max(self.recipe.spent(self.step, self.elapsed), self.learner.spent(self.step))

    @cached_property
    def examples(self) -> Examples:
        """What is learned from. Made after the first event, because a long text takes its time."""
        with writing(self.run.folder):  # where the text is streamed
            return self.task.examples(
                self.corpus, "train", self.tokenizer, self.context, seed=self.recipe.seed, folder=self.run.folder
            )

    @cached_property
    def held_out(self) -> Examples:
        """What is scored; of a text that is cut anywhere, no more than that."""
        limit = self.recipe.held_out_windows
        return self.task.examples(self.corpus, "valid", self.tokenizer, self.context, limit=limit)

    def begin(self) -> Event:
        """Score and keep the model as it begins."""
        event = self._event(math.nan, rate=0.0)
        self._score(event)
        event["loss"] = event.get("valid_loss", math.nan)
        self._keep(event, checkpoint=True, last=True)
        return event

    def prepare(self) -> None:
        """What may take a moment and must not delay the first event: the training text's tokens, the yardsticks."""
        keep_freed_memory()
        examples = self.examples
        if self.group.leads and self.run.yardsticks is None:
            limit = self.recipe.held_out_windows
            found = yardsticks.measure(self.task, self.corpus, self.tokenizer, examples, self.held_out, limit)
            self.run.save_yardsticks(found)

    def advance(self) -> Event:
        """Take one step; score and keep the model where that is due."""
        before = self.spent
        rate = self.recipe.schedule(before)
        started = time.perf_counter()
        loss = self.learner.learn(self.examples, self.step, rate)
        self.step, self.elapsed = self.step + 1, self.elapsed + time.perf_counter() - started
        if self.recipe.seconds is not None:
            self.elapsed = self.group.from_leader(self.elapsed)
        event = self._event(loss, rate)
        if self._due(before, self.recipe.evaluations):
            self._score(event)
        checkpoint = self._due(before, self.recipe.checkpoints)
        self._keep(event, checkpoint, last=checkpoint or self.elapsed - self.saved >= self.recipe.save_every)
        return event

    def stop(self) -> None:
        """Keep the model as it is, where that was not done yet."""
        if not self.group.leads:
            return
        if self.step not in self.run.steps():
            self.run.save_weights(self.step, self.module)
        if self.step > self.saved_step:
            self._save_last()

    def close(self) -> None:
        """Let go of the log."""
        if self.log is not None:
            self.log.close()

    def _score(self, event: Event) -> None:
        """Add what the model makes of held-out text, and of the prompt: in float32, as all who look at it compute."""
        if not self.group.leads:
            return
        limit = self.recipe.held_out_windows
        self.module.eval()
        result = self.task.evaluate(self.module, self.held_out, self.tokenizer, limit=limit)
        event["valid_loss"] = finite(result.nats_per_token, self.step)
        if result.bits_per_character is not None:
            event["bits_per_character"] = result.bits_per_character
        if self.question:
            event["next"] = self.question.candidates(self.module)
            event["sample"] = self.question.sample(self.module, self.recipe.seed)
        self.module.train()

    def _keep(self, event: Event, checkpoint: bool, last: bool) -> None:
        """Write what has happened: weights that a reader of the event looks for, the event, what resumes from it."""
        if self.log is None:
            return
        if checkpoint:
            self.run.save_weights(self.step, self.module)
        self.run.append(event, self.log)
        if last:
            self._save_last()

    def _save_last(self) -> None:
        self.run.save_last(self.step, self.elapsed, self.module, self.learner.state())
        self.saved_step, self.saved = self.step, self.elapsed

    def _resume(self) -> tuple[bool, int, float]:
        """Take up the last saved step, if there is one: whether there is, its number, its seconds.

        What came after it is forgotten.
        """
        run, last = self.run, self.run.load_last()
        try:
            if last is not None:
                self.module.load_state_dict(last[2])
                self.learner.load(last[3])
            elif run.info.start is not None:
                self.module.load_state_dict(run.weights(0))
        except (RuntimeError, ValueError, KeyError) as error:
            model = run.info.model
            raise ValueError(f"{run.folder} cannot go on: its weights do not fit {model} as it is now") from error
        if self.group.leads:
            run.forget_after(-1 if last is None else last[0])
        return (False, 0, 0.0) if last is None else (True, last[0], last[1])

    def _due(self, before: float, parts: int) -> bool:
        """Whether the last step passed one of `parts` evenly spaced marks of the budget, or was the last of all."""
        return self.spent == 1 or int(before * parts) < int(self.spent * parts)

    def _event(self, loss: float, rate: float) -> Event:
        tokens = self.step * self.recipe.batch * self.group.size * (self.examples.time if self.step else 0)
        speed = tokens / self.elapsed if self.elapsed else 0.0
        return Event(step=self.step, elapsed=self.elapsed, loss=loss, rate=rate, tokens=tokens, tokens_per_second=speed)
