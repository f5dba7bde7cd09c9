"""A training to scrub through: which checkpoints it keeps, what it says of them, and the one that is shipped."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors import safe_open

from tests.playground.helpers import make_run
from zoo.data import language_of, open_corpus
from zoo.inference import load
from zoo.launch import Order, launch
from zoo.pretrained.ship_checkpoints import CHECKPOINTS, LIMIT, main, pick, ship_checkpoints
from zoo.pretrained.shipped import RUNS
from zoo.registry import discover
from zoo.tasks import streams
from zoo.tasks.next_token import NextToken, Windows
from zoo.training import Run, train

CORPUS = "glass-box:stories=40"
SHIPPED = RUNS["GPT, learning the glass box"]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """Twenty steps on a few stories, each of them kept."""
    order = Order(
        model="zoo/gpt",
        corpus=CORPUS,
        config={"blocks": 1, "heads": 2, "width": 16, "context": 32},
        recipe={"steps": 20, "batch": 2, "checkpoints": 20, "evaluations": 4, "held_out_windows": 4},
    )
    found = launch(order, tmp_path_factory.mktemp("trained") / "run", discover())
    for _ in train(found.run, found.plugin, found.corpus):
        pass
    return found.run


def test_checkpoints_lie_close_together_where_the_model_changes_fast():
    steps = pick(range(0, 1001, 10), 5)
    assert steps[0] == 0
    assert steps[1] == 10
    assert steps[-1] == 1000
    gaps = np.diff(steps)
    assert (np.diff(gaps) > 0).all()
    assert pick([0, 7], 12) == [0, 7]
    with pytest.raises(ValueError, match="fewer than two checkpoints"):
        pick([0], 12)


def test_the_folder_holds_the_runs_own_weights_in_half_precision(run, tmp_path):
    losses = ship_checkpoints(run, tmp_path / "out", count=5)
    shipped = Run.open(tmp_path / "out")
    assert [step for step, _ in losses] == shipped.steps() == pick(run.steps(), 5)
    for step in shipped.steps():
        with safe_open(shipped.checkpoints / f"{step:07d}.safetensors", "pt") as file:
            assert file.metadata() == {"step": str(step)}
        for name, tensor in shipped.weights(step).items():
            assert tensor.dtype == torch.float16
            torch.testing.assert_close(tensor, run.weights(step)[name].half(), rtol=0, atol=0)
    assert [event["step"] for event in shipped.events()] == [e["step"] for e in run.events() if "valid_loss" in e]
    card = (tmp_path / "out" / "CARD.md").read_text()
    for step, loss in losses:
        assert f"| {step:,} | {loss:.3f} |" in card
    assert [path.name for path in tmp_path.iterdir()] == ["out"]  # no draft left beside it


def test_what_cannot_be_shipped_is_refused_in_one_line(run, tmp_path, capsys):
    other = make_run(tmp_path / "other")
    assert main([str(other.folder), "--out", str(tmp_path / "out")]) == 2
    assert "name that file with --corpus" in capsys.readouterr().err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("everything")
    assert main([str(run.folder), "--out", str(tmp_path / "mine")]) == 2
    assert "holds something else" in capsys.readouterr().err
    assert (tmp_path / "mine" / "thesis.txt").exists()


# --- the one that comes with the playground -----------------------------------------------------


def test_the_shipped_training_is_of_the_language_as_it_is_now():
    """A change of the stories needs a new training: its CARD.md has the two commands."""
    info = Run.open(SHIPPED).info
    assert language_of(info.corpus) is not None
    assert open_corpus(info.corpus["open"]).sha256 == info.corpus["sha256"]


def test_the_shipped_training_is_small_and_has_about_a_dozen_checkpoints():
    files = list((SHIPPED / "checkpoints").iterdir())
    assert abs(len(files) - CHECKPOINTS) <= 3
    assert sum(file.stat().st_size for file in files) <= LIMIT


def test_the_card_says_what_the_shipped_weights_do():
    """First and last checkpoint, scored anew; the last within 3 % of the computed floor."""
    run, corpus = Run.open(SHIPPED), open_corpus("glass-box")
    card = (SHIPPED / "CARD.md").read_text()
    assert run.yardsticks is not None
    assert run.yardsticks.floor is not None
    for step in (run.steps()[0], run.steps()[-1]):
        model = load(str(SHIPPED), step=step)
        valid = streams.tokens(corpus, "valid", model.tokenizer)
        windows = Windows(valid.ids, model.context, starts=valid.starts)
        loss = NextToken().evaluate(model.module, windows, model.tokenizer, limit=64).nats_per_token
        assert f"| {step:,} | {loss:.3f} |" in card
    assert loss <= 1.03 * run.yardsticks.floor
