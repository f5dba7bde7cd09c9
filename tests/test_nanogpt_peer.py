"""What the benchmarks read of a nanoGPT checkout, and how they sum up an ablation; no checkout is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.gpt_modern import BASE, CHANGES, summary, table
from tests.benchmarks.nanogpt_peer import README, constants, settings
from zoo.models.gpt_modern import Config
from zoo.training import Recipe

TRAIN = """
batch_size = 12 # a comment
beta2, other = 0.95, 1
gradient_accumulation_steps = 5 * 8
learning_rate = 6e-4
device = 'cuda'
compile = True
config_keys = [1]
learning_rate = 7
"""


def test_plain_values_are_read_up_to_the_command_line() -> None:
    assert constants(TRAIN) == {"batch_size": 12, "learning_rate": 6e-4, "device": "cuda", "compile": True}


def test_the_config_wins_over_the_defaults_and_the_readme_over_both(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "config" / "train_shakespeare_char.py").write_text("learning_rate = 1e-3\ndropout = 0.2\n")
    found = settings(tmp_path)
    assert found["learning_rate"] == 1e-3
    assert {name: found[name] for name in README} == README


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="not a checkout of nanoGPT"):
        settings(tmp_path)


def test_every_change_turns_back_what_there_is() -> None:
    switches = {name for name, field in Config.model_fields.items() if field.annotation is bool}
    assert {name for change in CHANGES for name in change.config} == switches
    for change in CHANGES:
        assert Config(**change.config) is not None
        assert Recipe(seconds=1, **change.recipe) is not None


def test_differences_are_between_runs_of_one_seed_and_divergence_is_left_out() -> None:
    base = [(1.5, 10), (1.75, 10), (1.5, 10)]
    found = summary(CHANGES[0], [(1.75, 8), (2.5, 8), (None, 3)], base)
    assert (found.worse_by, found.least, found.greatest) == (0.5, 0.25, 0.75)
    rows = table([summary(BASE, base, base), found]).splitlines()
    assert rows[1].startswith("Rotary positions")
    assert "0.5000 (0.2500, 0.7500)" in rows[1]
