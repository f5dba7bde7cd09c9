"""From logits to a draw: numbers worked by hand, transformers' own filters, and a thousand draws against theory."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from zoo.sampling import Sampling, draw, keep, softmax, stages

# exp of these is 4, 2, 1, 1: the sum is 8, and the probabilities are 4/8, 2/8, 1/8, 1/8.
LOGITS = np.log([4.0, 2.0, 1.0, 1.0])
PROBS = np.array([0.5, 0.25, 0.125, 0.125])
CHI_SQUARE_3 = 16.27  # one honest sample in a thousand lies above, at 3 degrees of freedom

logit_arrays = arrays(np.float64, st.integers(1, 12), elements=st.floats(-50, 50))


def test_softmax_worked_by_hand():
    np.testing.assert_allclose(softmax(LOGITS), PROBS, rtol=1e-15)


def test_softmax_works_along_the_last_axis():
    table = np.stack([LOGITS, LOGITS[::-1]])
    np.testing.assert_allclose(softmax(table), [PROBS, PROBS[::-1]], rtol=1e-15)


@given(logit_arrays, st.floats(-1e3, 1e3))
def test_adding_a_number_to_every_logit_changes_no_probability(logits, shift):
    np.testing.assert_allclose(softmax(logits + shift), softmax(logits), rtol=1e-9, atol=1e-12)


def test_softmax_survives_logits_that_exp_cannot_hold():
    np.testing.assert_array_equal(softmax(np.array([5000.0, 5000.0, -5000.0])), [0.5, 0.5, 0.0])


@pytest.mark.parametrize(
    ("temperature", "powers"),
    [
        (1.0, [4, 2, 1, 1]),
        (2.0, [2, math.sqrt(2), 1, 1]),  # exp(ln 4 / 2) = √4
        (0.5, [16, 4, 1, 1]),  # exp(ln 4 · 2) = 4²
    ],
)
def test_temperature_worked_by_hand(temperature, powers):
    found = stages(LOGITS, Sampling(temperature=temperature))
    np.testing.assert_allclose(found.scaled, LOGITS / temperature, rtol=1e-15)
    np.testing.assert_allclose(found.probs, np.array(powers) / sum(powers), rtol=1e-12)
    np.testing.assert_allclose(found.final, found.probs, rtol=1e-15)
    assert found.kept.all()


def test_temperature_0_takes_the_most_probable_token_and_of_equals_the_first():
    found = stages(np.array([1.0, 3.0, 3.0, 2.0]), Sampling(temperature=0, top_k=3, top_p=0.5))
    np.testing.assert_array_equal(found.final, [0, 1, 0, 0])
    np.testing.assert_array_equal(found.kept, [False, True, False, False])
    assert {draw(found.final, seed, 5) for seed in range(50)} == {1}


@given(logit_arrays, st.floats(0.05, 10))
def test_temperature_never_changes_the_order(logits, temperature):
    probs = stages(logits, Sampling(temperature=temperature)).probs
    assert (np.diff(probs[np.argsort(logits)]) >= 0).all()


def test_a_lower_temperature_makes_the_likeliest_token_likelier():
    first = [stages(LOGITS, Sampling(temperature=t)).probs[0] for t in (0.1, 0.5, 1, 2, 10)]
    assert first == sorted(first, reverse=True)
    assert len(set(first)) == 5


def test_a_temperature_next_to_0_is_as_sure_as_0_and_leaves_equals_equal():
    found = stages(np.array([1.0, 3.0, 3.0, -2.0]), Sampling(temperature=1e-308))
    np.testing.assert_array_equal(found.final, [0, 0.5, 0.5, 0])


def test_top_k_worked_by_hand():
    # 4/8 and 2/8 stay; together 6/8, so they become 4/6 and 2/6.
    found = stages(LOGITS, Sampling(top_k=2))
    np.testing.assert_array_equal(found.kept, [True, True, False, False])
    np.testing.assert_allclose(found.final, [4 / 6, 2 / 6, 0, 0], rtol=1e-12)
    np.testing.assert_allclose(found.probs, PROBS, rtol=1e-15)  # before the filter: over the full vocabulary


def test_top_k_keeps_exactly_k_where_tokens_are_equal_and_prefers_the_lower_id():
    np.testing.assert_array_equal(keep(PROBS, Sampling(top_k=3)), [True, True, True, False])
    np.testing.assert_array_equal(keep(np.full(4, 0.25), Sampling(top_k=2)), [True, True, False, False])


@pytest.mark.parametrize("k", [0, 4, 5, 1000])
def test_a_top_k_of_none_or_of_more_than_there_are_keeps_all(k):
    assert keep(PROBS, Sampling(top_k=k)).all()


@pytest.mark.parametrize(
    ("top_p", "kept"),
    [
        (0.01, 1),  # never none: the first token is always kept
        (0.5, 1),  # the first alone reaches 1/2
        (0.501, 2),  # it does not reach 0.501: the token that crosses stays in
        (0.75, 2),
        (0.751, 3),
        (0.876, 4),
        (1.0, 4),
    ],
)
def test_top_p_includes_the_token_that_crosses(top_p, kept):
    np.testing.assert_array_equal(keep(PROBS, Sampling(top_p=top_p)), np.arange(4) < kept)


def test_top_p_worked_by_hand():
    # 4/8 + 2/8 cross 0.6; scaled to sum to 1 they are 4/6 and 2/6.
    np.testing.assert_allclose(stages(LOGITS, Sampling(top_p=0.6)).final, [4 / 6, 2 / 6, 0, 0], rtol=1e-12)


def test_top_p_counts_shares_of_what_top_k_left():
    # Alone, 0.6 keeps two (1/2 < 0.6). After top-k = 2 the first has 4/6 = 0.667, which reaches 0.6.
    np.testing.assert_array_equal(keep(PROBS, Sampling(top_p=0.6, top_k=2)), [True, False, False, False])


samplings = st.builds(
    Sampling, temperature=st.floats(0, 10), top_k=st.integers(0, 14), top_p=st.floats(0.01, 1, exclude_min=True)
)


@given(logit_arrays, samplings, st.integers(0, 2**31 - 1))
def test_the_final_distribution_sums_to_1_is_never_empty_and_keeps_the_ratios(logits, sampling, seed):
    found = stages(logits, sampling)
    assert found.final.sum() == pytest.approx(1, abs=1e-12)
    assert found.kept.any()
    assert (found.final[~found.kept] == 0).all()
    mass = found.probs[found.kept].sum()
    np.testing.assert_allclose(found.final[found.kept] * mass, found.probs[found.kept], rtol=1e-9, atol=1e-300)
    if not found.kept.all():
        assert found.probs[found.kept].min() >= found.probs[~found.kept].max()
    assert found.final[draw(found.final, seed, 3)] > 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=0.7),
        Sampling(top_k=7),
        Sampling(top_p=0.8),
        Sampling(temperature=1.7, top_k=20, top_p=0.9),
        Sampling(temperature=0.3, top_k=3, top_p=0.35),
    ],
    ids=str,
)
def test_the_same_tokens_and_probabilities_as_transformers(sampling, seed):
    logits = np.random.default_rng(seed).normal(0, 3, 60)
    warped = TemperatureLogitsWarper(sampling.temperature)(None, torch.from_numpy(logits)[None])
    if sampling.top_k:
        warped = TopKLogitsWarper(sampling.top_k)(None, warped)
    if sampling.top_p < 1:
        warped = TopPLogitsWarper(sampling.top_p)(None, warped)
    found = stages(logits, sampling)
    np.testing.assert_array_equal(found.kept, torch.isfinite(warped[0]).numpy())
    np.testing.assert_allclose(found.final, warped[0].softmax(-1).numpy(), rtol=1e-12, atol=1e-15)


def test_half_precision_logits_are_worked_on_in_float64():
    found = stages(LOGITS.astype(np.float16), Sampling())
    assert found.final.dtype == np.float64
    np.testing.assert_allclose(found.final, PROBS, rtol=2e-3)


def chi_square(draws: list[int], theory: np.ndarray) -> float:
    """Σ (counted − expected)² / expected (Pearson 1900)."""
    counted = np.bincount(draws, minlength=len(theory))
    expected = theory * len(draws)
    return float(((counted - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("along", ["seeds", "places"])
def test_a_thousand_draws_follow_the_distribution(along):
    draws = [draw(PROBS, *((n, 7) if along == "seeds" else (7, n))) for n in range(1000)]
    assert chi_square(draws, PROBS) < CHI_SQUARE_3
    assert chi_square(draws, np.array([0.4, 0.35, 0.125, 0.125])) > CHI_SQUARE_3  # it would show


def test_a_draw_is_decided_by_its_seed_and_its_place():
    even = np.full(1000, 1e-3)
    assert [draw(even, 3, n) for n in range(20)] == [draw(even, 3, n) for n in range(20)]
    assert len({draw(even, 3, n) for n in range(20)}) > 15
    assert len({draw(even, n, 3) for n in range(20)}) > 15


def test_a_token_without_probability_is_never_drawn():
    final = np.array([0, 0.5, 0, 0, 0.5, 0])
    assert {draw(final, seed, 0) for seed in range(300)} == {1, 4}


class _Always:
    """A generator that gives one number: the ends of the interval that real ones reach once in a lifetime."""

    def __init__(self, value: float) -> None:
        self.value = value

    def random(self) -> float:
        return self.value


@pytest.mark.parametrize(("uniform", "token"), [(0.0, 1), (0.5, 3), (np.nextafter(1, 0), 3)])
def test_the_ends_of_the_interval_fall_on_tokens_with_probability(uniform, token, monkeypatch):
    monkeypatch.setattr(np.random, "default_rng", lambda _: _Always(uniform))
    assert draw(np.array([0, 0.5, 0, 0.5, 0]), 0, 0) == token


def test_a_sum_a_little_off_1_still_ends_on_the_last_token_with_probability(monkeypatch):
    monkeypatch.setattr(np.random, "default_rng", lambda _: _Always(np.nextafter(1, 0)))
    assert draw(np.array([*([0.1] * 10), 0.0]), 0, 0) == 9  # ten tenths add up to 0.9999999999999999


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("temperature", -0.1),
        ("temperature", 10.1),
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("top_k", -1),
        ("top_p", 0.0),
        ("top_p", 1.01),
        ("top_p", math.nan),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(setting, value):
    with pytest.raises(ValueError, match=setting):
        Sampling(**{setting: value})
