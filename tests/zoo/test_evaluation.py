"""Surprisal, entropy, calibration and neighbours, against torch, scikit-learn and hand-worked numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics.pairwise import cosine_similarity
from torch.nn import functional as F

from zoo.evaluation import Score, calibration, joined, neighbours, score


def random_logits(time: int, vocab: int, seed: int = 0, spread: float = 3.0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(time, vocab)) * spread).astype(np.float32)


def made(confidence: list[float], right: list[bool]) -> Score:
    zeros = np.zeros(len(right))
    return Score(zeros, zeros, np.array(confidence), np.array(right))


# --- a text's score --------------------------------------------------------------------------


@given(st.integers(2, 20), st.integers(1, 60), st.integers(0, 1000), st.sampled_from([0.0, 1.0, 30.0]))
def test_the_surprisal_is_torchs_cross_entropy(time, vocab, seed, spread):
    logits = random_logits(time, vocab, seed, spread)
    ids = np.random.default_rng(seed).integers(0, vocab, time).tolist()
    found = score(logits, ids)
    wide, targets = torch.from_numpy(logits).double()[:-1], torch.tensor(ids[1:])
    np.testing.assert_allclose(found.surprisal, F.cross_entropy(wide, targets, reduction="none"), atol=1e-9)
    assert found.loss == pytest.approx(float(F.cross_entropy(wide, targets)), abs=1e-9)


@given(st.integers(2, 12), st.integers(1, 60), st.integers(0, 1000), st.sampled_from([0.0, 1.0, 300.0]))
def test_the_entropy_is_torchs_and_within_its_bounds(time, vocab, seed, spread):
    logits = random_logits(time, vocab, seed, spread)
    found = score(logits, [0] * time)
    wanted = torch.distributions.Categorical(logits=torch.from_numpy(logits).double()).entropy()
    np.testing.assert_allclose(found.entropy, wanted[:-1], atol=1e-9)
    assert (found.entropy >= -1e-12).all()
    assert (found.entropy <= math.log(vocab) + 1e-9).all()


def test_a_fair_die_by_hand():
    found = score(np.zeros((3, 6), np.float32), [5, 0, 3])
    np.testing.assert_allclose(found.surprisal, [math.log(6)] * 2)
    np.testing.assert_allclose(found.entropy, [math.log(6)] * 2)
    np.testing.assert_allclose(found.confidence, [1 / 6] * 2)
    assert found.right.tolist() == [True, False]  # of equals the first is taken


def test_row_t_is_about_the_token_after_it():
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [1.0, 1.0, 1.0]]))
    found = score(logits, [2, 0, 2])
    np.testing.assert_allclose(found.surprisal, [math.log(2), math.log(8)])
    np.testing.assert_allclose(found.confidence, [0.5, 0.75])
    assert found.right.tolist() == [True, False]


@pytest.mark.parametrize("time", [0, 1])
def test_where_nothing_is_predicted_there_is_no_score(time):
    with pytest.raises(ValueError, match="at least two tokens"):
        score(np.zeros((time, 4)), [0] * time)


def test_a_row_for_each_id_is_asked_for():
    with pytest.raises(ValueError, match="3 rows of logits but 2 ids"):
        score(np.zeros((3, 4)), [0, 1])


def test_texts_are_joined_in_order():
    parts = [score(random_logits(4, 9, seed), [1, 2, 3, 4]) for seed in range(3)]
    whole = joined(parts)
    assert len(whole) == 9
    assert whole.loss == pytest.approx(np.mean([part.loss for part in parts]))
    np.testing.assert_array_equal(whole.surprisal[3:6], parts[1].surprisal)


# --- calibration -----------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80), st.integers(1, 12))
def test_the_bins_are_scikit_learns(pairs, bins):
    confidence, right = [p for p, _ in pairs], [r for _, r in pairs]
    found = calibration(made(confidence, right), bins)
    y_true = np.array(right, dtype=int)
    accuracy, mean = calibration_curve(y_true, np.array(confidence), n_bins=bins, pos_label=1)
    filled = found.counts > 0
    np.testing.assert_allclose(found.accuracy[filled], accuracy)
    np.testing.assert_allclose(found.confidence[filled], mean)
    assert found.counts.sum() == len(pairs)
    assert np.isnan(found.accuracy[~filled]).all()


def test_the_gap_by_hand():
    found = calibration(made([0.9, 0.9, 0.9, 0.9, 0.15], [True, True, True, False, False]))
    assert found.counts[8] == 4  # 0.9 is the upper edge of its bin
    assert found.gap == pytest.approx((4 * 0.15 + 1 * 0.15) / 5)


def test_who_is_right_as_often_as_he_says_has_no_gap():
    assert calibration(made([0.75] * 4, [True, True, True, False])).gap == pytest.approx(0)


@pytest.mark.parametrize(("found", "bins"), [(made([], []), 10), (made([0.5], [True]), 0)])
def test_nothing_to_sort_is_refused(found, bins):
    with pytest.raises(ValueError, match="at least one bin and one predicted token"):
        calibration(found, bins)


# --- neighbours ------------------------------------------------------------------------------


@given(st.integers(2, 40), st.integers(1, 8), st.integers(0, 500))
def test_the_neighbours_are_scikit_learns(vocab, width, seed):
    table = np.random.default_rng(seed).normal(size=(vocab, width))
    token = seed % vocab
    wanted = cosine_similarity(table)[token]
    found = neighbours(table, token, 5)
    assert [each.cosine for each in found] == pytest.approx(sorted(np.delete(wanted, token), reverse=True)[:5])
    assert [each.cosine for each in found] == pytest.approx([wanted[each.id] for each in found])
    assert token not in [each.id for each in found]


def test_directions_by_hand():
    table = np.array([[2.0, 0.0], [0.0, 5.0], [-1.0, 0.0], [3.0, 3.0], [0.0, 0.0]])
    found = neighbours(table, 0, 9)
    assert [each.id for each in found] == [3, 1, 2]  # 45°, 90°, 180°; a row of zeros points nowhere
    assert [each.cosine for each in found] == pytest.approx([math.sqrt(0.5), 0.0, -1.0])


def test_a_token_without_a_direction_or_a_row_is_told():
    with pytest.raises(ValueError, match="all zeros"):
        neighbours(np.zeros((3, 2)), 1, 5)
    with pytest.raises(ValueError, match="none for token 3"):
        neighbours(np.ones((3, 2)), 3, 5)
