"""The measured statement says what was measured, whatever that is."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from playground.catalogue import Choice, Weights
from playground.views.twins.twin import HALFWAY, SEEDS, SHUFFLED, TRAINED, UNTRAINED, Board, Twin
from playground.views.twins.verdict import apart, verdict
from tests.playground.helpers import tiny_gpt
from zoo.evaluation import Score

LN_V = math.log(256)
NAMES = {UNTRAINED: "Random weights, seed 3", SHUFFLED: "Shuffled weights, seed 5", HALFWAY: "After 9 steps"}


@pytest.fixture(scope="module")
def board() -> Board:
    model = tiny_gpt()
    trace = model.trace("the cat")
    slots = (UNTRAINED, SHUFFLED, HALFWAY, TRAINED)
    twins = [Twin(slot, NAMES.get(slot, "Trained"), Weights("x"), model, trace) for slot in slots]
    return Board(Choice("x", "X"), tuple(twins), tuple(trace.ids))


def only(board: Board, *slots: str) -> Board:
    return replace(board, twins=tuple(twin for twin in board.twins if twin.slot in slots))


def losses(mean: float, spread: float = 0.5, count: int = 40, seed: int = 0) -> Score:
    """A score with this mean loss."""
    values = np.random.default_rng(seed).normal(size=count)
    values = values - values.mean() + mean if count == 1 else (values - values.mean()) / values.std() * spread + mean
    return Score(values, values, values, values > 0)


def told(board: Board, **means: Any) -> str:
    return verdict(board, {slot: losses(mean, seed=i) for i, (slot, mean) in enumerate(means.items())}, LN_V)


def test_the_order_is_the_measured_one(board):
    found = told(board, untrained=7.0, shuffled=2.0, halfway=9.0, trained=4.0)
    order = found.split("in nats per token: ")[1].split(". ")[0]
    assert [float(each) for each in re.findall(r"`([\d.]+)`", found)] == [2.0, 4.0, 5.55, 7.0, 9.0]
    places = [order.index(name) for name in ("shuffled", "trained `", "guessing", "random", "after")]
    assert places == sorted(places)


def test_that_the_shuffled_is_worse_is_said_with_the_figure(board):
    found = told(board, untrained=5.6, shuffled=6.5, halfway=3.0, trained=2.0)
    assert "costs it **4.50** nats" in found
    assert "So what was learned is in the values and where they stand" in found


def test_that_it_is_not_is_said_too(board):
    found = told(board, untrained=5.6, shuffled=2.0, halfway=3.0, trained=6.5)
    assert "**4.50** nats" in found
    assert "the training did not help" in found
    assert "So what was learned" not in found


def test_too_little_to_tell_is_no_difference(board):
    found = told(board, untrained=5.6, shuffled=2.01, halfway=3.0, trained=2.0)
    assert "too little to tell them apart" in found
    assert "So what was learned" not in found


def test_without_the_shuffled_twin_the_random_one_stands_in(board):
    found = told(only(board, UNTRAINED, TRAINED), untrained=5.6, trained=2.0)
    assert "The random twin has the same architecture" in found
    assert "**3.60** nats" in found


def test_where_nobody_was_trained_nothing_is_claimed_of_training(board):
    twins = tuple(
        replace(board.twins[0], slot=slot, name=f"Random weights, seed {i}") for i, slot in enumerate(SEEDS[:3])
    )
    found = told(replace(board, twins=twins), seed0=5.6, seed1=5.5, seed2=6.05)
    assert "furthest from guessing is 0.50 nats" in found
    assert "So what was learned" not in found


def test_the_standard_error_is_scipys():
    one, other = losses(3.0, seed=1).surprisal, losses(2.0, seed=2).surprisal
    mean, error = apart(one, other)
    assert mean == pytest.approx(1.0)
    assert error == pytest.approx(stats.sem(one - other))


def test_a_single_token_tells_nothing(board):
    found = verdict(only(board, SHUFFLED, TRAINED), {SHUFFLED: losses(9, count=1), TRAINED: losses(1, count=1)}, LN_V)
    assert "too little to tell them apart" in found
    assert "standard error" not in found
