"""Opening a run on another page: its own prompt comes along, in a form that its model can read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playground import state
from playground.views import runs
from tests.playground.helpers import BYTES
from zoo.inference import load
from zoo.registry import discover
from zoo.tokenizers import train_tokenizer
from zoo.training import Recipe, Run

CONTEXT = 24
PROMPT = "The café is “open”.\nWho is naïve? " * 3
PIECES = train_tokenizer("bpe", ["the cat sat on the mat. A café, naïve “cats”! " * 40], 300)


@pytest.fixture
def asked(tmp_path: Path):
    """(model, prompt) -> the folder of a run that was asked this."""

    def make(model: str, prompt: str, tokenizer=BYTES) -> Path:
        plugin = discover([]).get(model)
        config = plugin.Config(context=CONTEXT)
        corpus, recipe = {"name": "t", "sha256": "0" * 64}, Recipe(steps=1)
        Run.create(
            tmp_path / "run",
            model=model,
            config=config,
            tokenizer=tokenizer,
            corpus=corpus,
            recipe=recipe,
            parameters=1,
            prompt=prompt,
        )
        return tmp_path / "run"

    return make


@pytest.mark.parametrize("tokenizer", [BYTES, PIECES], ids=["bytes", "pieces"])
@pytest.mark.parametrize("length", [*range(CONTEXT - 2, CONTEXT + 12), len(PROMPT)])
@pytest.mark.parametrize("model", ["zoo/bert", "zoo/cbow", "zoo/encoder-decoder", "zoo/gpt"])
def test_a_runs_prompt_is_read_by_its_model(asked, monkeypatch, model, length, tokenizer):
    folder = asked(model, PROMPT[:length], tokenizer)
    found = runs.readable(folder)
    loaded = load(str(folder), untrained=True)
    monkeypatch.setattr(state, "get", {state.PROMPT: found, state.ADDED: ""}.get)
    assert len(state.ids(loaded)) <= loaded.context
    whole = " ".join(PROMPT[:length].splitlines())
    assert found == whole if len(tokenizer.encode(whole).ids) < CONTEXT else whole.strip().endswith(found) and found


@pytest.mark.parametrize("damage", ["{", json.dumps({"model": "zoo/gpt", "prompt": "a", "config": {"context": "x"}})])
def test_a_run_that_cannot_be_read_has_no_prompt(tmp_path, damage):
    assert runs.readable(tmp_path) == ""
    (tmp_path / "run.json").write_text(damage)
    assert runs.readable(tmp_path) == ""
