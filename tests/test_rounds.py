"""The benchmarks' own arithmetic, on a clock that is told what to say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.benchmarks.rounds import interleave, ratio, table, turns


class Clock:
    """Stands still, unless somebody takes time."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def taking(self, *seconds: float) -> Callable[[], None]:
        """A call that takes these times, one after the other, again and again."""
        calls = iter(seconds * 10)

        def call() -> None:
            self.now += next(calls)

        return call


def test_everyone_runs_once_a_round_and_nobody_always_first() -> None:
    orders = list(turns(["a", "b", "c"], 4))
    assert orders == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]


def test_the_rounds_that_warm_up_are_not_counted() -> None:
    clock = Clock()
    times = interleave({"peer": clock.taking(9, 1, 2), "ours": clock.taking(9, 3, 4)}, 2, warm_up=1, clock=clock)
    assert times == {"peer": [1, 2], "ours": [3, 4]}


def test_a_ratio_is_of_what_ran_in_one_round() -> None:
    found = ratio({"peer": [1.0, 10.0, 100.0], "ours": [2.0, 10.0, 150.0]}, "ours", "peer")
    assert (found.least, found.middle, found.greatest) == pytest.approx((1.0, 1.5, 2.0))


def test_the_table_has_medians_in_milliseconds_and_ratios() -> None:
    rows = [line.split() for line in table({"peer": [1.0, 2.0, 3.0], "ours": [2.0, 2.0, 9.0]}, "peer").splitlines()]
    assert rows[1:] == [["peer", "2000.0", "1.000", "1.000", "1.000"], ["ours", "2000.0", "1.000", "2.000", "3.000"]]
