"""The plugin under test, with what every check needs of it: modules, ids, examples, a trace. Used by the checks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from zoo.data import Corpus
from zoo.inference import MARKS, LoadedModel
from zoo.plugin import ModelPlugin, context_of
from zoo.tasks import Examples, Task, task_of
from zoo.tokenizers import Tokenizer, train_tokenizer
from zoo.trace.trace import Trace
from zoo.training.distributed import ALONE
from zoo.training.learning import Learner, learner_of
from zoo.training.recipe import Recipe
from zoo.training.run import seeded_build

TEXTS = ("The cat sat on the mat.", "The dog saw the cat and ran to the mat. Then the dog sat down too.")
PAIRS = ("up\tpu", "no\ton", "on\tno", "it\tti", "and\tdna", "was\tsaw", "tar\trat", "net\tten")
"""For a translator: words, and the same words backwards."""
TIME = 12
"""How long the checks' texts are, where the model's context has room."""
STEPS = 30
FEW = 4
"""Steps after which no layer is as it began, also one that starts at 0."""
RECIPE = Recipe(steps=STEPS, batch=8, optimizer="adamw", rate=0.01)
"""How the kit trains every model."""


class Fails(Exception):
    """The plugin breaks its contract; the message says what to do, in one sentence."""


class Skipped(Exception):
    """The check says nothing about this plugin; the message says why."""


@dataclass(frozen=True)
class Subject:
    """One plugin under test, with its default config, seed 0 and the 257 byte tokens unless told otherwise."""

    plugin: ModelPlugin

    @cached_property
    def config(self) -> Any:
        """The plugin's default config."""
        return self.plugin.Config()

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Bytes: the same small vocabulary for every plugin."""
        return train_tokenizer("byte", TEXTS)

    @cached_property
    def module(self) -> nn.Module:
        """The untrained default model in eval mode. Checks that change a model build their own."""
        return self.build().eval()

    @cached_property
    def learned(self) -> nn.Module:
        """The default model after a few steps, in eval mode: what starts at 0, or without a count, is so no more.

        As it was built where it cannot learn: the check "learns" says why.
        """
        module = self.build()
        try:
            self.teach(module, FEW)
        except Exception:
            return self.module
        return module.eval()

    @property
    def context(self) -> int:
        """The longest text that the default model reads, in tokens."""
        return context_of(self.config)

    @property
    def task(self) -> Task:
        """What the model is made for."""
        return task_of(self.plugin.spec.task)

    @property
    def translates(self) -> bool:
        """Whether the model reads one text and writes another."""
        return self.plugin.spec.task == "translate"

    @property
    def mark(self) -> int | None:
        """The id of the blank, or of what stands between source and target; None where the task has neither."""
        return self.tokenizer.vocab_size if self.plugin.spec.task in MARKS else None

    def build(self, config: Any = None, seed: int = 0, vocab_size: int | None = None) -> nn.Module:
        """A fresh untrained model."""
        vocab = vocab_size or self.tokenizer.vocab_size
        module = seeded_build(lambda: self.plugin.build(self.config if config is None else config, vocab), seed)
        if not isinstance(module, nn.Module):
            raise Fails(f"build returned {type(module).__name__}; return a torch.nn.Module")
        return module

    def ids(self, batch: int = 1, time: int | None = None) -> Tensor:
        """Ids (batch, time) of real text, each row from another place; with the task's mark in one column.

        That is left of the middle, so that a translator's source and target differ in length.

        A translator's begin with at least one token of source: it gets two ids where `time` is 1.
        """
        time = min(TIME, self.context) if time is None else time
        time = max(2, time) if self.translates else time
        text = torch.tensor(self.tokenizer.encode(" ".join(TEXTS)).ids)
        ids = text[(17 * torch.arange(batch)[:, None] + torch.arange(time)) % len(text)]
        if self.mark is not None and time > 1:
            ids[:, max(1, (time - 1) // 2)] = self.mark
        return ids

    def source(self, ids: Tensor) -> int:
        """How many columns of ids are a translator's source, which gets no logits; 0 for other tasks."""
        return ids[0].tolist().index(self.mark) if self.translates else 0

    @property
    def texts(self) -> tuple[str, ...]:
        """What the kit trains on: texts, or pairs of texts."""
        return PAIRS if self.translates else TEXTS

    @cached_property
    def examples(self) -> Examples:
        """A few short examples of the task."""
        corpus = Corpus("the kit's texts", self.texts, self.texts, sha256="")
        time = self.context if self.translates else min(TIME, self.context)
        return self.task.examples(corpus, "train", self.tokenizer, time)

    def learner(self, module: nn.Module) -> Learner:
        """What teaches the module: by its gradient, or by counting.

        Raises:
            Skipped: it has nothing to learn.
        """
        if not any(each.requires_grad for each in module.parameters()) and not hasattr(module, "count"):
            raise Skipped("the model has nothing to learn")
        return learner_of(module, self.task, RECIPE, ALONE)

    def teach(self, module: nn.Module, steps: int) -> int:
        """Let the module learn; how many steps it took, fewer where a counting model has counted all."""
        learner = self.learner(module.train())
        for step in range(steps):
            if learner.spent(step) >= 1:
                return step
            learner.learn(self.examples, step, 1.0)
        return steps

    def score(self, module: nn.Module) -> float:
        """The module's loss on the very examples that it learns from, in nats."""
        return self.task.evaluate(module.eval(), self.examples, self.tokenizer).nats_per_token

    def loaded(self, tokenizer: Tokenizer | None = None) -> LoadedModel:
        """The default model as the app would use it; untrained where it has a tokenizer of its own."""
        spec = self.plugin.spec
        module = self.build(vocab_size=tokenizer.vocab_size).eval() if tokenizer else self.learned
        return LoadedModel(
            id=spec.id,
            title=spec.title,
            family=spec.family,
            summary=spec.summary,
            module=module,
            tokenizer=tokenizer or self.tokenizer,
            context=self.context,
            names=self.plugin.names(),
            anatomy=self.plugin.anatomy(module),
            trained=False,
            task=spec.task,
        )

    @cached_property
    def trace(self) -> Trace:
        """One traced pass over `ids()`."""
        return self.loaded().trace_ids(self.ids()[0].tolist())


@torch.no_grad()
def logits_of(module: nn.Module, ids: Tensor) -> Tensor:
    """What the module makes of ids (batch, time): logits (batch, time, vocab).

    Raises:
        Fails: it is no tensor of that kind.
    """
    logits = module(ids)
    if not isinstance(logits, Tensor) or logits.dim() != 3:
        shape = f" of shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else ""
        raise Fails(f"forward returned a {type(logits).__name__}{shape}; return logits (batch, time, vocab)")
    return logits


def gap(a: Tensor, b: Tensor) -> float:
    """How far two tensors of one shape are apart at most; infinite where one of them has no number."""
    return float((a - b).abs().nan_to_num(torch.inf).max())


def tolerance(logits: Tensor) -> float:
    """What rounding may move logits by where the same sum is made in another order."""
    return 1e-5 * max(1.0, float(logits.abs().max()))
