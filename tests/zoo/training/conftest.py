"""A tiny text, a tiny GPT, and runs of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from zoo.data import Corpus
from zoo.models.gpt import Config, GPTPlugin
from zoo.tokenizers import train_tokenizer
from zoo.training import Recipe, Run

LINES = ["the cat sat on the mat and the dog sat on the log. "] * 20


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """A text that says the same thing again and again."""
    return Corpus("tiny", train=LINES, valid=LINES[:4], sha256="0")


@pytest.fixture
def make_run(tmp_path: Path, corpus: Corpus) -> Callable[..., Run]:
    """A new run folder: `make_run("name", steps=5, …)` with recipe fields; by default of a tiny GPT."""

    def make(name: str = "run", config: Any = None, model: str = GPTPlugin.spec.id, **fields: Any) -> Run:
        own = {key: fields.pop(key) for key in ("prompt", "start", "weights") if key in fields}
        return Run.create(
            tmp_path / name,
            model=model,
            config=config or Config(blocks=1, heads=2, width=16, context=16),
            tokenizer=train_tokenizer("byte", LINES),
            corpus={"name": corpus.name, "sha256": corpus.sha256},
            recipe=Recipe(**{"batch": 4, "checkpoints": 2, "evaluations": 2} | fields),
            parameters=0,
            **own,
        )

    return make


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that moves on by a hundredth of a second each time that training reads it."""
    ticks = count()
    clock = SimpleNamespace(perf_counter=lambda: next(ticks) / 100)
    monkeypatch.setattr(sys.modules["zoo.training.train"], "time", clock)
