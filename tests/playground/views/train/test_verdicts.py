"""What is said of a run: only what its own figures carry."""

from __future__ import annotations

import pytest

from playground.views.train.history import History
from playground.views.train.verdicts import overfitting, way, why_not
from zoo.training import Yardsticks

SURE = {"ceiling": "", "unigram": "", "bigram": "", "floor": ""}
LANGUAGE = Yardsticks(ceiling=6.0, unigram=5.0, bigram=2.0, floor=1.0, tokens=100, about=SURE)
NO_FLOOR = LANGUAGE.model_copy(update={"floor": None})


def history(held_out: list[float], training: list[float] | None = None, every: int = 10) -> History:
    """A run scored every ten steps; its training loss at each step, by default the held-out one."""
    found = History("run")
    for number, loss in enumerate(held_out):
        event = {"step": number * every, "elapsed": 1.0, "loss": loss, "rate": 0, "tokens": 0, "tokens_per_second": 0}
        found.evaluations.append({**event, "valid_loss": loss, "bits_per_character": 1.0})
        found.last = event
    for step in range(1, (len(held_out) - 1) * every + 1):
        at = step / every
        low = int(at)
        source = training or held_out
        high = min(low + 1, len(source) - 1)
        found.steps.append(step)
        found.losses.append(source[low] + (source[high] - source[low]) * (at - low))
    return found


FALLING = [6.0, 3.0, 2.0, 1.6, 1.4, 1.3]
RISING = [6.0, 3.0, 2.0, 2.2, 2.5, 2.9]


def test_overfitting_is_named_with_its_figures():
    said = overfitting(history(RISING, training=[6.0, 3.0, 2.0, 1.0, 0.5, 0.2]))
    assert "overfitting" in said
    assert "2.000" in said
    assert "2.900" in said
    assert "step 20" in said


@pytest.mark.parametrize(
    "found",
    [
        history(FALLING),
        history(RISING),  # training loss rises too: that is divergence, not learning by heart
        history([6.0, 3.0, 2.0, 2.001, 2.002, 2.003], training=[6, 3, 2, 1, 0.5, 0.2]),  # hardly a rise
        history([6.0, 0.1, 3e-4, 5e-4, 7e-4, 9e-4], training=[6, 0.1, 3e-4, 2e-4, 1e-4, 1e-5]),  # near 0: none at all
        history([6.0, 3.0, 2.0, 2.5, 2.6, 1.9], training=[6, 3, 2, 1, 0.5, 0.2]),  # it came back down
        history([6.0, 2.0, 2.9]),  # too few figures
        History("nothing"),
    ],
    ids=["falling", "all rising", "hardly", "near zero", "back down", "too few", "none"],
)
def test_overfitting_is_not_claimed_where_it_is_not_measured(found):
    assert overfitting(found) == ""


def test_the_way_from_frequencies_to_the_floor_is_a_share_of_it():
    said = way(history([6.0, 3.0]), LANGUAGE, "word")
    assert "50.0 %" in said  # 3 lies half-way between 5 and 1
    assert "2.000 nats per word are missing" in said
    assert "Knowing only the word before would give 2.00" in said


def test_the_bigram_is_not_mentioned_once_it_is_passed():
    assert "before" not in way(history([6.0, 1.5]), LANGUAGE, "word")


def test_near_the_floor_it_says_so():
    assert "within 2.0 % of the floor" in way(history([6.0, 1.02]), LANGUAGE, "word")
    assert "missing" not in way(history([6.0, 1.02]), LANGUAGE, "word")


def test_worse_than_the_frequencies_is_said():
    assert "less than how frequent" in way(history([6.0, 5.5]), LANGUAGE, "word")


def test_without_a_floor_the_counted_pairs_are_the_yardstick():
    assert "0.50 nats per token better" in way(history([6.0, 1.5]), NO_FLOOR, "token")
    assert "not passed the counted pairs" in way(history([6.0, 2.5]), NO_FLOOR, "token")


def test_nothing_is_said_before_there_is_a_figure():
    assert way(History("run"), LANGUAGE, "word") == ""
    assert way(history([6.0]), None, "word") == ""


def test_the_reason_for_not_reaching_the_floor_is_read_from_the_run():
    assert "still falling" in why_not(history(FALLING), LANGUAGE)
    flat = [6.0, 3.0, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5]
    assert "more stories" in why_not(history(flat, training=[6, 3, 1.5, 1.4, 1.3, 1.2, 1.1, 1.0]), LANGUAGE)
    assert "stopped improving" in why_not(history(flat), LANGUAGE)


def test_no_reason_is_given_where_none_is_needed():
    assert why_not(history([6.0, 2.0, 1.2, 1.1, 1.02]), LANGUAGE) == ""
    assert why_not(history(FALLING), NO_FLOOR) == ""
    assert why_not(history(RISING, training=[6, 3, 2, 1, 0.5, 0.2]), LANGUAGE) == ""  # overfitting is said instead
