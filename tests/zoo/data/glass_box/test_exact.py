"""The exact distribution against a million sampled words, read once for all tests of this file."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pytest

from zoo.data.glass_box import DEFAULT, END

STORIES = 12_000
BEGINNING = 8
"""Words of a story whose followers are counted prefix by prefix."""
DEVIATIONS = 4.5
"""Standard deviations that chance may do: one in 150,000."""


@dataclass
class Reading:
    """What was seen while reading many stories word by word."""

    words: int = 0
    worst_sum: float = 0.0
    worst_log_prob: float = 0.0
    surprises: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    expected: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    variance: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    observed: Counter[int] = field(default_factory=Counter)
    followers: defaultdict[tuple[str, ...], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


@pytest.fixture(scope="module")
def reading() -> Reading:
    seen = Reading()
    for story in DEFAULT.stories(STORIES, seed=20):
        reader, surprise = DEFAULT.reader(), 0.0
        for position, word in enumerate([*story.words, END]):
            ways = reader.ways()
            if len(ways) > 1:
                probs: defaultdict[str, float] = defaultdict(float)
                for weight, way in ways:
                    probs[way.word] += weight * way.prob
                _count(seen, probs, word)
            if position < BEGINNING:
                seen.followers[story.words[:position]][word] += 1
            surprise += reader.feed(word)
        seen.words += len(story.words) + 1
        seen.lengths.append(len(story.words) + 1)
        seen.surprises.append(surprise)
        seen.worst_log_prob = max(seen.worst_log_prob, abs(surprise + story.log_prob))
    return seen


@lru_cache(maxsize=100_000)
def _slot(prob: float) -> int:
    return round(3 * math.log(prob / (1 - prob)))


def _count(seen: Reading, probs: dict[str, float], word: str) -> None:
    """Bins of a factor of about 1.4 in the odds, so that those near 1 are as fine as those near 0."""
    seen.worst_sum = max(seen.worst_sum, abs(sum(probs.values()) - 1))
    for each, prob in probs.items():
        if prob > 1 - 1e-9:
            assert each == word  # what is certain needs no bin
            continue
        slot = _slot(prob)
        seen.expected[slot] += prob
        seen.variance[slot] += prob * (1 - prob)
        seen.observed[slot] += each == word


def test_a_million_words_come_as_often_as_they_should(reading: Reading) -> None:
    assert reading.words > 1_000_000
    assert len(reading.expected) > 15  # from the rare to the likely
    for slot, expected in reading.expected.items():
        deviation = (reading.observed[slot] - expected) / math.sqrt(reading.variance[slot])
        assert abs(deviation) < DEVIATIONS, (
            f"odds of about e^{slot / 3:.1f}: {reading.observed[slot]} for {expected:.0f}"
        )


def test_every_frequent_prefix_has_its_own_distribution_right(reading: Reading) -> None:
    checked = 0
    for prefix, followers in reading.followers.items():
        total = followers.total()
        exact = DEFAULT.next_words(prefix) if total >= 120 else {}
        if len(exact) < 2:
            continue
        assert set(followers) <= set(exact)
        assert min(exact.values()) * total > 1
        chi_square = sum((followers[word] - total * p) ** 2 / (total * p) for word, p in exact.items())
        freedom = len(exact) - 1
        assert chi_square < freedom + DEVIATIONS * math.sqrt(2 * freedom) + DEVIATIONS**2 / 2, prefix
        checked += 1
    assert checked > 10


def test_the_probabilities_sum_to_one_after_every_word(reading: Reading) -> None:
    assert reading.worst_sum < 1e-12


def test_the_filter_gives_a_story_the_probability_of_the_decisions_that_made_it(reading: Reading) -> None:
    """So no story could have been made in another way, and the entropy of decisions is that of words."""
    assert reading.worst_log_prob < 1e-9


def test_the_entropy_rate_is_the_mean_surprisal(reading: Reading) -> None:
    surprises, lengths = np.array(reading.surprises), np.array(reading.lengths)
    assert abs(surprises.mean() - DEFAULT.measure.entropy) < DEVIATIONS * surprises.std() / math.sqrt(STORIES)
    assert abs(lengths.mean() - DEFAULT.measure.words) < DEVIATIONS * lengths.std() / math.sqrt(STORIES)
    rest = surprises - DEFAULT.entropy_rate * lengths  # of mean 0 where the ratio is right
    assert abs(rest.mean()) < DEVIATIONS * rest.std() / math.sqrt(STORIES)
    assert rest.std() / math.sqrt(STORIES) / DEFAULT.measure.words < 0.001  # and the test is a sharp one
