"""Timing against a peer: every contender once a round, and ratios of what ran in the same round.

A single time says much about the machine and its other work; the ratio of two times taken moments
apart says little about them. Used by `trace_cost` and `first_paint`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

Times = dict[str, list[float]]
"""What was timed -> its seconds, one a round."""


@dataclass(frozen=True)
class Ratio:
    """A contender's time over its peer's in the same round: the least, the median and the greatest."""

    least: float
    middle: float
    greatest: float


def turns(names: list[str], rounds: int) -> Iterator[list[str]]:
    """The order of each round: one further on every time, so that nobody always runs behind the same one.

    ["a", "b", "c"] -> ["a", "b", "c"], ["b", "c", "a"], …
    """
    for start in range(rounds):
        at = start % len(names)
        yield names[at:] + names[:at]


def interleave(
    calls: Mapping[str, Callable[[], object]],
    rounds: int,
    warm_up: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Times:
    """Seconds of each call, round by round, after `warm_up` rounds that are not counted.

    A call's result is let go after the clock has stopped.
    """
    times: Times = {name: [] for name in calls}
    for number, order in enumerate(turns(list(calls), warm_up + rounds)):
        for name in order:
            start = clock()
            result = calls[name]()
            seconds = clock() - start
            del result
            if number >= warm_up:
                times[name].append(seconds)
    return times


def ratio(times: Times, name: str, peer: str) -> Ratio:
    """How many times as long as `peer` the contender took, in pairs of one round."""
    pairs = [mine / other for mine, other in zip(times[name], times[peer], strict=True)]
    return Ratio(min(pairs), median(pairs), max(pairs))


def table(times: Times, peer: str) -> str:
    """A row for each contender: median milliseconds, and the ratio to `peer` as min, median, max."""
    width = max(len(name) for name in times)
    lines = [f"{'':{width}}  median ms   × min  × median   × max"]
    for name, seconds in times.items():
        r = ratio(times, name, peer)
        lines.append(
            f"{name:{width}}  {median(seconds) * 1000:9.1f}  {r.least:6.3f}  {r.middle:8.3f}  {r.greatest:6.3f}"
        )
    return "\n".join(lines)
