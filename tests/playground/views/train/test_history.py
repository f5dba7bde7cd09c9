"""A run's events, read bit by bit: the same as all of them at once, also after the run went back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playground.views.train.history import History, last_score
from zoo.training import Run


def event(step: int, scored: bool = False) -> dict:
    found = {"step": step, "elapsed": 0.1 * step, "loss": 5.0 - step / 10, "rate": 1.0, "tokens": step}
    found["tokens_per_second"] = 10.0
    return found | ({"valid_loss": 4.0 - step / 10, "bits_per_character": 1.0} if scored else {})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def write(run: Run, *events: dict, mode: str = "a") -> None:
    with (run.folder / "events.jsonl").open(mode) as file:
        file.writelines(json.dumps(each) + "\n" for each in events)


def test_nothing_there_is_an_empty_history(run):
    history = History("x")
    history.read(run)
    assert history.last is None
    assert history.held_out == []


def test_new_events_are_added_to_the_old(run):
    history = History("x")
    write(run, event(0, True), event(1))
    history.read(run)
    assert history.steps == [1]  # at step 0 nothing was learnt
    write(run, event(2), event(3, True))
    history.read(run)
    history.read(run)
    assert history.steps == [1, 2, 3]
    assert history.losses == [4.9, 4.8, 4.7]
    assert history.held_out_steps == [0, 3]
    assert history.last == event(3, True)


def test_a_line_that_is_being_written_waits(run):
    history = History("x")
    write(run, event(0, True))
    with (run.folder / "events.jsonl").open("a") as file:
        file.write(json.dumps(event(1))[:20])
    history.read(run)
    assert history.last == event(0, True)
    with (run.folder / "events.jsonl").open("a") as file:
        file.write(json.dumps(event(1))[20:] + "\n")
    history.read(run)
    assert history.steps == [1]


@pytest.mark.parametrize("again", [1, 9], ids=["shorter than before", "longer than before"])
def test_a_run_that_went_back_is_read_anew(run, again):
    history = History("x")
    write(run, event(0, True), *map(event, range(1, 6)))
    history.read(run)
    write(run, event(0, True), event(1), *map(event, range(2, 2 + again)), mode="w")
    history.read(run)
    history.read(run)
    assert history.steps == list(range(1, 2 + again))


def test_the_mean_loss_between_two_steps(run):
    history = History("x")
    write(run, *map(event, range(1, 6)))
    history.read(run)
    assert history.training_loss(1, 3) == pytest.approx((4.8 + 4.7) / 2)
    assert history.training_loss(7, 9) is None


def test_the_last_score_is_found_from_the_end(run):
    assert last_score(run.folder) is None
    write(run, event(0, True), event(1), event(2, True), event(3))
    assert last_score(run.folder) == (2, event(2, True)["valid_loss"])
    with (run.folder / "events.jsonl").open("a") as file:
        file.write('{"step": 4, "valid_')
    assert last_score(run.folder) == (2, event(2, True)["valid_loss"])
