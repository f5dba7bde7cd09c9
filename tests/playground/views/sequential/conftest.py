"""For the tests of the page's parts: tiny runs on the glass box and on the pairs, and a part on its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.playground.helpers import shelves
from zoo.data import Corpus, open_corpus
from zoo.registry import discover
from zoo.tokenizers import train_tokenizer
from zoo.training import Recipe, Run, train

Part = Callable[[str, Path], AppTest]


def make(folder: Path, model: str, corpus: Corpus, **config: Any) -> Run:
    """A run of three steps whose tokens are words."""
    plugin = discover().get(model)
    run = Run.create(
        folder,
        model=model,
        config=plugin.Config(**config),
        tokenizer=train_tokenizer("word", [*corpus.train], 1200),
        corpus={"name": corpus.name, "sha256": corpus.sha256, **corpus.source},
        recipe=Recipe(steps=3, batch=4, evaluations=1, held_out_windows=2, checkpoints=1),
        parameters=1,
    )
    for _ in train(run, plugin, corpus):
        pass
    return run


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An offer without any run."""
    folder = shelves(tmp_path_factory.mktemp("nothing"))
    return folder


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An offer of two translators, and of a GPT and a BERT on the glass box."""
    folder = shelves(tmp_path_factory.mktemp("trained"))
    pairs, stories = open_corpus("glass-box-pairs:pairs=2000"), open_corpus("glass-box:stories=600")
    make(folder / "runs" / "plain", "zoo/seq2seq", pairs, width=8)
    make(folder / "runs" / "looks", "zoo/seq2seq-attention", pairs, width=8)
    make(folder / "runs" / "left", "zoo/gpt", stories, blocks=1, heads=2, width=16)
    make(folder / "runs" / "both", "zoo/bert", stories, blocks=1, heads=2, width=16)
    return folder


@pytest.fixture(scope="session")
def brief_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An offer of one translator, which looks back and reads few tokens."""
    folder = shelves(tmp_path_factory.mktemp("brief"))
    pairs = open_corpus("glass-box-pairs:pairs=2000")
    make(folder / "runs" / "looks", "zoo/seq2seq-attention", pairs, width=8, context=20)
    return folder


@pytest.fixture(scope="session")
def deep_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An offer of an LSTM with two layers."""
    folder = shelves(tmp_path_factory.mktemp("deep"))
    make(folder / "runs" / "two", "zoo/lstm", open_corpus("glass-box:stories=600"), width=8, layers=2)
    return folder


@pytest.fixture(scope="session")
def ratio_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An offer of a GPT and a CBOW on the glass box."""
    folder = shelves(tmp_path_factory.mktemp("ratio"))
    stories = open_corpus("glass-box:stories=600")
    make(folder / "runs" / "left", "zoo/gpt", stories, blocks=1, heads=2, width=16)
    make(folder / "runs" / "around", "zoo/cbow", stories, width=8)
    return folder


@pytest.fixture
def only_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is shipped is on offer: these tests are about the runs that they made."""
    monkeypatch.setattr("zoo.pretrained.shipped.SHIPPED", {})
    monkeypatch.setattr("zoo.pretrained.shipped.RUNS", {})


@pytest.fixture
def part(warm: None, only_runs: None, offer: Callable[[Path], None]) -> Part:
    """(module, folder) -> this part of the page alone, with what lies in the folder on offer."""

    def visit(module: str, folder: Path) -> AppTest:
        offer(folder)
        script = f"from playground.views.sequential import {module}\n{module}.draw()"
        return AppTest.from_string(script, default_timeout=120).run()

    return visit
