"""A model with dropout, and what the tests of training ask of runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import torch
from pydantic import BaseModel
from torch import Tensor, nn

from zoo.data import Corpus
from zoo.models.gpt import Config, GPTPlugin
from zoo.plugin import ModelPlugin, ModelSpec
from zoo.training import Event, Run, train

MakeRun = Callable[..., Run]
SMALL = Config(blocks=1, heads=2, width=16, context=16)


class Droops(nn.Module):
    """A bigram table behind dropout, which breaks where a test says so."""

    def __init__(self, vocab: int) -> None:
        super().__init__()
        self.table, self.dropout = nn.Embedding(vocab, vocab), nn.Dropout(0.3)

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.dropout(self.table(ids))
        return logits


class NoConfig(BaseModel):
    pass


class DroopsPlugin(ModelPlugin):
    spec = ModelSpec(id="test/droops", title="Droops", family="other", task="next-token", summary="A test.")
    Config = NoConfig

    def build(self, config: NoConfig, vocab_size: int) -> nn.Module:
        return Droops(vocab_size)


def finish(run: Run, corpus: Corpus, plugin: ModelPlugin | None = None) -> list[Event]:
    return list(train(run, plugin or GPTPlugin(), corpus))


def killed(run: Run, corpus: Corpus, steps: int, folder: Path, plugin: ModelPlugin | None = None) -> Run:
    """What a kill after so many events leaves behind: a copy of the folder as it was at that moment."""
    events = train(run, plugin or GPTPlugin(), corpus)
    list(islice(events, steps))
    shutil.copytree(run.folder, folder)
    events.close()
    return Run(folder)


def losses(run: Run) -> list[float]:
    return [event["loss"] for event in run.events()]


def assert_same(run: Run, other: Run) -> None:
    """Two finished runs took the same steps and kept the same weights, bit by bit.

    The other one may have kept more of them: those of the steps at which it was stopped.
    """
    for key in ("step", "loss", "rate", "tokens", "valid_loss", "next", "sample"):
        assert [event.get(key) for event in run.events()] == [event.get(key) for event in other.events()]
    assert set(run.steps()) <= set(other.steps())
    for step in run.steps():
        assert all(torch.equal(tensor, other.weights(step)[name]) for name, tensor in run.weights(step).items())
