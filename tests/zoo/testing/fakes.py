"""Small models that keep the contract, one a task; each test spoils one thing. Used by the tests of the checks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.layers.pairs import PairModel, last
from zoo.plugin import Anatomy, ModelPlugin, ModelSpec, Task
from zoo.testing import CHECKS, CheckResult, check_plugin, run_check
from zoo.trace.record import record


class Config(BaseModel):
    width: int = Field(16, ge=4, le=64)
    context: int = Field(24, ge=2, le=64)
    kind: Literal["plain", "other"] = "plain"


class Good(nn.Module):
    """A mean of what came before. Subclasses spoil one thing each."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(vocab_size, config.width)
        self.inner = nn.Linear(config.width, config.width)
        self.unembed = nn.Linear(config.width, vocab_size)

    def mix(self, x: Tensor) -> Tensor:
        return x.cumsum(1) / torch.arange(1, x.shape[1] + 1)[:, None]

    def forward(self, ids: Tensor) -> Any:
        return self.unembed(record("mixed", self.inner(self.mix(self.embed(ids)))))


class Blanks(nn.Module):
    """masked-token: the mean of the whole text, and the place's own word."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab_size + 1, config.width)
        self.unembed = nn.Linear(config.width, vocab_size)

    def mix(self, x: Tensor) -> Tensor:
        return x + x.mean(1, keepdim=True)

    def forward(self, ids: Tensor) -> Tensor:
        return self.unembed(record("mixed", self.mix(self.embed(ids))))


class Words(nn.Module):
    """What both kinds of word pairs share."""

    window, threshold = 2, 1.0

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab_size + 1, config.width)
        self.unembed = nn.Linear(config.width, vocab_size, bias=False)

    def scores(self, inputs: Tensor, candidates: Tensor) -> Tensor:
        x = (self.embed(inputs.clamp(min=0)) * (inputs >= 0)[..., None]).sum(1)  # (N, C)
        return (F.embedding(candidates, self.unembed.weight) @ x[..., None]).squeeze(-1)


class Alone(Words):
    """skip-gram: each word by itself."""

    def forward(self, ids: Tensor) -> Tensor:
        return self.unembed(record("mixed", self.embed(ids)))


class Around(Words):
    """cbow: the sum of the text, without the place's own word."""

    def mix(self, x: Tensor) -> Tensor:
        return x.sum(1, keepdim=True) - x

    def forward(self, ids: Tensor) -> Tensor:
        return self.unembed(record("mixed", self.mix(self.embed(ids))))


class Translator(PairModel):
    """translate: the mean of the source, and a GRU over the target."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__(vocab_size)
        self.embed = nn.Embedding(vocab_size + 1, config.width)
        self.cell = nn.GRU(config.width, config.width, batch_first=True)
        self.unembed = nn.Linear(config.width, vocab_size)

    def read(self, source: Tensor) -> Tensor:
        known = (source >= 0)[..., None]
        return (self.embed(source.clamp(min=0)) * known).sum(1) / known.sum(1)  # (B, C)

    def write(self, target: Tensor) -> Tensor:
        written: Tensor = self.cell(self.embed(target.clamp(min=0)))[0]  # (B, T, C)
        return written

    def translate(self, source: Tensor, target: Tensor) -> Tensor:
        return self.unembed(record("mixed", self.read(source)[:, None] + self.write(target)))


class LastWord(Translator):
    """Of the source it knows the last word alone."""

    def read(self, source: Tensor) -> Tensor:
        return last(self.embed(source.clamp(min=0)), source)


class Counts(nn.Module):
    """next-token without a parameter: how often each token followed each."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.register_buffer("table", torch.zeros(vocab_size, vocab_size))
        self.table: Tensor

    def count(self, rows: Tensor) -> None:
        pairs = rows.unfold(1, 2, 1).flatten(0, 1)
        self.table.index_put_(tuple(pairs.T), torch.ones(len(pairs)), accumulate=True)

    def forward(self, ids: Tensor) -> Tensor:
        counted = record("counted", self.table[ids] + 0.01)
        return record("logits", (counted / counted.sum(-1, keepdim=True)).log())


GOOD: dict[Task, Callable[[Config, int], Any]] = {
    "next-token": Good,
    "masked-token": Blanks,
    "skip-gram": Alone,
    "cbow": Around,
    "translate": Translator,
}


def plugin(
    module: Callable[[Config, int], Any] = Good,
    task: Task = "next-token",
    config: type[BaseModel] = Config,
    summary: str = "A test.",
    **more: Any,
) -> ModelPlugin:
    """A plugin around a module class; `more` are its other attributes."""
    spec = ModelSpec("test/it", "It", family="other", task=task, summary=summary)
    methods = {"spec": spec, "Config": config, "build": lambda self, config, vocab_size: module(config, vocab_size)}
    made: type[ModelPlugin] = type("ItPlugin", (ModelPlugin,), methods | more)
    return made()


def anatomy(self: ModelPlugin, module: Good) -> Anatomy:
    """Four heads of four numbers, and the embedding table."""
    return Anatomy(params={"embed.W_E": module.embed.weight}, blocks=1, heads=4, kv_heads=4, head_dim=4)


def outcome(subject: ModelPlugin) -> dict[str, bool | None]:
    return {result.name: result.ok for result in check_plugin(subject)}


def results_of(subject: ModelPlugin) -> dict[str, CheckResult]:
    return {result.name: result for result in check_plugin(subject)}


def assert_fails(subject: ModelPlugin, name: str, message: str, *also: str) -> None:
    """Only this check (and those named) fails, with one line that matches."""
    results = results_of(subject)
    assert list(results) == list(CHECKS)
    assert {each for each, result in results.items() if result.ok is False} == {name, *also}
    assert re.search(message, results[name].message), results[name].message
    assert "\n" not in results[name].message
    assert run_check(subject, name) == results[name]
