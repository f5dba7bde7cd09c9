"""The plugin under test, with what every check needs of it: modules, ids, a trace. Used by the checks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from zoo.inference import LoadedModel
from zoo.plugin import ModelPlugin, context_of
from zoo.tokenizers import Tokenizer, train_tokenizer
from zoo.trace.trace import Trace
from zoo.training.run import seeded_build

TEXTS = ("The cat sat on the mat.", "The dog saw the cat and ran to the mat. Then the dog sat down too.")
TIME = 12
"""How long the checks' texts are, where the model's context has room."""


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

    @property
    def context(self) -> int:
        """The longest text that the default model reads, in tokens."""
        return context_of(self.config)

    def build(self, config: Any = None, seed: int = 0, vocab_size: int | None = None) -> nn.Module:
        """A fresh untrained model."""
        vocab = vocab_size or self.tokenizer.vocab_size
        module = seeded_build(lambda: self.plugin.build(self.config if config is None else config, vocab), seed)
        if not isinstance(module, nn.Module):
            raise Fails(f"build returned {type(module).__name__}; return a torch.nn.Module")
        return module

    def ids(self, batch: int = 1, time: int | None = None) -> Tensor:
        """Random ids (batch, time), the same at every call."""
        time = min(TIME, self.context) if time is None else time
        return torch.randint(self.tokenizer.vocab_size, (batch, time), generator=torch.Generator().manual_seed(1))

    def loaded(self, tokenizer: Tokenizer | None = None) -> LoadedModel:
        """The default model as the app would use it."""
        spec = self.plugin.spec
        module = self.build(vocab_size=tokenizer.vocab_size).eval() if tokenizer else self.module
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
