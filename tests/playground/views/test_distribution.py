"""The distribution over the next token: who is shown, at which rank, and how sure the model is."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from playground.views.controls import Subject
from playground.views.distribution import TOP, notice, top_rows
from tests.playground.helpers import subject_of, tiny_gpt


@pytest.fixture(scope="module")
def subject() -> Subject:
    return subject_of(tiny_gpt())


def with_logits(subject: Subject, logits: list[float]) -> Subject:
    """The subject with one row of other logits."""
    row = np.array([logits], np.float32)
    powers = np.exp(row - row.max())
    return replace(subject, trace=replace(subject.trace, steps={"logits": [row], "probs": [powers / powers.sum()]}))


def test_the_most_probable_tokens_come_in_order(subject):
    rows = top_rows(subject.trace, 2, subject, None)
    probs, logits = subject.trace["probs"][2], subject.trace["logits"][2]
    assert [row.id for row in rows] == list(np.argsort(-logits, kind="stable")[:TOP])
    assert [row.rank for row in rows] == list(range(1, TOP + 1))
    assert [(row.logit, row.prob) for row in rows] == [(logits[row.id], probs[row.id]) for row in rows]
    assert [row.piece for row in rows] == [subject.piece(row.id) for row in rows]


def test_the_token_that_was_taken_is_always_among_them_at_its_true_rank(subject):
    logits = subject.trace["logits"][2]
    order = [int(i) for i in np.argsort(-logits, kind="stable")]
    for rank in (1, TOP, TOP + 1, 100, len(order)):
        rows = top_rows(subject.trace, 2, subject, order[rank - 1])
        assert {row.id: row.rank for row in rows}[order[rank - 1]] == rank
        assert len(rows) == TOP + (rank > TOP)
        assert len({row.id for row in rows}) == len(rows)


@pytest.mark.parametrize("size", [1, 3, 9, 10, 11])
@pytest.mark.parametrize("taken", [None, 0])
def test_a_small_vocabulary_is_shown_whole(subject, size, taken):
    few = with_logits(subject, [float(i) for i in range(size)])
    rows = top_rows(few.trace, 0, few, taken)
    assert [row.rank for row in rows] == [*range(1, min(size, TOP) + 1), *([11] if (size, taken) == (11, 0) else [])]


def numbers(sentence: str) -> list[float]:
    """The numbers of a sentence."""
    return [float(each.replace(",", "")) for each in re.findall(r"\d[\d,]*\.?\d*", sentence)]


@pytest.mark.parametrize(
    ("probs", "choices", "entropy"),
    [
        ([0.25] * 4, 4.0, 1.39),  # ln 4 = 1.386
        ([0.125] * 8 + [0.0] * 8, 8.0, 2.08),  # ln 8 = 2.079
        ([1.0, 0.0, 0.0], 1.0, 0.0),
        ([0.5, 0.25, 0.125, 0.125], 3.4, 1.21),  # 1.75 bits · ln 2 = 1.213; 2^1.75 = 3.364
    ],
)
def test_the_uncertainty_is_the_exponential_of_the_entropy(probs, choices, entropy):
    found = numbers(notice(np.array(probs, np.float32)))
    assert choices in found
    assert entropy in found
    assert float(len(probs)) in found
    assert round(float(np.log(len(probs))), 2) in found


def test_a_sure_a_narrowed_and_a_guessing_model_are_told_apart():
    sure, narrowed, guessing = np.eye(64)[0], np.array([0.125] * 8 + [0] * 56), np.full(64, 1 / 64)
    words = {re.sub(r"[\d.,]+", "", notice(each)) for each in (sure, narrowed, guessing)}
    assert len(words) == 3
