"""The budget, and the schedule that is fitted to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from zoo.training import Recipe


def test_the_schedule_climbs_and_then_falls_straight_to_zero() -> None:
    recipe = Recipe(steps=100, warm_up=0.2)
    assert recipe.schedule(0.0) == pytest.approx(0.001 / 0.201)
    assert recipe.schedule(0.1) == pytest.approx(0.101 / 0.201)
    assert recipe.schedule(0.2) == 1
    assert recipe.schedule(0.6) == pytest.approx(0.5)
    assert recipe.schedule(1.0) == 0


@given(spent=st.floats(0, 1), warm_up=st.floats(0, 0.99))
def test_the_factor_stays_within_zero_and_one(spent: float, warm_up: float) -> None:
    assert 0 <= Recipe(steps=1, warm_up=warm_up).schedule(spent) <= 1


def test_without_warm_up_it_starts_at_one() -> None:
    assert Recipe(steps=1, warm_up=0).schedule(0) == 1


def test_the_spent_share_of_each_kind_of_budget() -> None:
    assert Recipe(steps=8).spent(2, 1e9) == 0.25
    assert Recipe(seconds=8).spent(10**9, 2.0) == 0.25
    assert Recipe(steps=8).spent(9, 0) == Recipe(seconds=8).spent(0, 9.0) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"seconds": 1, "steps": 1},
        {"seconds": -1},
        {"seconds": float("inf")},
        {"seconds": float("nan")},
        {"steps": 0},
        {"steps": 1, "seed": -1},
        {"steps": 1, "seed": 2**32},
        {"steps": 1, "clip": float("inf")},
        {"steps": 1, "save_every": -1},
    ],
)
def test_what_cannot_be_trained_or_written_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Recipe(**fields)


def test_a_recipe_written_before_save_every_reads_as_thirty_seconds() -> None:
    assert Recipe.model_validate_json('{"seconds": 5100.0, "steps": null, "seed": 0}').save_every == 30
