"""Size, training and bits per character of two models: those of their files, and side by side only on one text."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from playground.catalogue import Weights
from playground.run_files import card_score
from playground.text import count
from playground.views.sequential import pair
from zoo.inference import load
from zoo.pretrained.shipped import RUNS, WEIGHTS

LSTM, EQUAL, LARGE = "zoo/lstm", str(RUNS["GPT, as large as the LSTM"]), "zoo/gpt"


def told(one: Weights, other: Weights) -> str:
    models = [load(each.key, untrained=each.kind == "untrained") for each in (one, other)]
    return pair.about((models[0], one), (models[1], other))


def run_file(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "run.json").read_bytes())
    return found


def events(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def test_the_equal_pair_is_told_from_its_own_files():
    said = told(Weights(LSTM), Weights(EQUAL))
    for name in ("lstm-stories", "gpt-stories-1m"):
        assert f"{count(run_file(WEIGHTS / name)['parameters'])} parameters" in said
        assert f"{count(events(WEIGHTS / name)[-1]['tokens'])} tokens read" in said
        (row,) = [line for line in (WEIGHTS / name / "CARD.md").read_text().splitlines() if line[:5] in _ROWS]
        bits = float(row.split("|")[3])
        assert f"**{bits:.3f}** bits per character" in said
    assert "they tie" in said


_ROWS = ("| LST", "| GPT")


def test_other_tokens_are_not_set_side_by_side():
    said = told(Weights(LSTM), Weights(LARGE))
    assert "**" not in said
    assert "not scored on the same held-out text" in said


def test_what_is_not_trained_says_so():
    said = told(Weights(LSTM), Weights("zoo/gpt", "untrained"))
    assert "not trained" in said
    assert "nothing says who is ahead" in said


@pytest.fixture
def two(tmp_path):
    """The two small runs on the glass box, whose files a test may change."""
    for name in ("lstm-glass-box", "gpt-glass-box-300k"):
        shutil.copytree(WEIGHTS / name, tmp_path / name)
    return tmp_path / "lstm-glass-box", tmp_path / "gpt-glass-box-300k"


def test_without_cards_the_trainings_scores_are_taken(two):
    found = pair.scored(*two)
    assert found is not None
    assert (found.one, found.other) == tuple(events(folder)[-1]["bits_per_character"] for folder in two)
    assert "128 windows" in found.where
    assert "GPT is ahead" in told(*(Weights(str(folder)) for folder in two))


@pytest.mark.parametrize("at", [("recipe", "held_out_windows"), ("config", "context"), ("corpus", "sha256")])
def test_another_held_out_text_is_not_the_same(two, at):
    info = run_file(two[0])
    info[at[0]] |= {at[1]: "0" * 64 if at[1] == "sha256" else 64}
    (two[0] / "run.json").write_text(json.dumps(info))
    assert pair.scored(*two) is None


def test_events_behind_the_weights_that_are_shown_do_not_count(two):
    last = events(two[0])[-1]
    later = last | {"step": last["step"] + 1, "tokens": 10**9, "bits_per_character": 0.0}
    with (two[0] / "events.jsonl").open("a") as file:
        file.write(json.dumps(later) + "\n")
    assert pair.scored(*two).one == last["bits_per_character"]
    assert count(10**9) not in told(*(Weights(str(folder)) for folder in two))


def test_a_card_of_another_kind_gives_no_score(two):
    assert card_score(two[0]) is None
    assert card_score(two[0] / "checkpoints") is None
