"""N-gram models against hand-worked counts, and against what any language model must be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.ngram import count_ngrams

A, B, C, D = range(4)
ABABAC = np.array([A, B, A, B, A, C], dtype=np.int32)


def test_unigram_by_hand() -> None:
    # counts a 3, b 2, c 1, d 0 of 6; seen once: 1, seen twice: 1, so the discount is 1 / (1 + 2) = 1/3;
    # what is taken from three tokens, 3 · 1/3 of 6, is shared by all four evenly: 1/6 · 1/4
    shared = 1 / 6 / 4
    expected = [(3 - 1 / 3) / 6 + shared, (2 - 1 / 3) / 6 + shared, (1 - 1 / 3) / 6 + shared, shared]
    np.testing.assert_allclose(count_ngrams(ABABAC, 4, 1).distribution([]), expected, rtol=1e-12)


def test_bigram_by_hand() -> None:
    # bigrams ab 2, ba 2, ac 1: seen once 1, twice 2, discount 1 / (1 + 4) = 1/5
    # a, b, c each end one different bigram: continuation counts 1, 1, 1, all "once": discount 1 → uniform, 1/4 each
    model = count_ngrams(ABABAC, 4, 2)
    np.testing.assert_allclose(model.distribution([]), [1 / 4] * 4, rtol=1e-12)
    back_off = (1 / 5) * 2 / 3 * (1 / 4)  # two different tokens followed a, three times in all
    after_a = [back_off, (2 - 1 / 5) / 3 + back_off, (1 - 1 / 5) / 3 + back_off, back_off]
    np.testing.assert_allclose(model.distribution([A]), after_a, rtol=1e-12)
    np.testing.assert_allclose(model.distribution([C]), [1 / 4] * 4, rtol=1e-12)  # nothing ever followed c


def test_shorter_orders_count_different_places() -> None:
    # "d" is the most frequent token, yet it only ever follows "c"; "b" follows a, c and d, each time once
    stream = np.array([C, D, C, D, C, D, C, D, B, C, B, A, B, A], dtype=np.int32)
    bigram, unigram = count_ngrams(stream, 4, 2), count_ngrams(stream, 4, 1)
    assert unigram.distribution([])[D] > unigram.distribution([])[B]
    assert bigram.distribution([])[D] < bigram.distribution([])[B]


def test_size_is_the_number_of_different_grams() -> None:
    # a, b, c; then ab, ba, ac; then aba, bab, bac
    assert [count_ngrams(ABABAC, 4, order).size for order in (1, 2, 3)] == [3, 6, 9]


@given(
    st.lists(st.integers(0, 5), min_size=3, max_size=60),
    st.integers(1, 3),
    st.lists(st.integers(0, 5), max_size=4),
)
def test_every_distribution_sums_to_one_and_leaves_nothing_out(ids: list[int], order: int, context: list[int]) -> None:
    probs = count_ngrams(np.array(ids), 6, order).distribution(context)
    assert probs.shape == (6,)
    assert math.isclose(probs.sum(), 1, rel_tol=1e-9)
    assert (probs > 0).all()


@given(st.lists(st.integers(0, 5), min_size=3, max_size=40), st.lists(st.integers(0, 5), max_size=12))
def test_log_probs_are_read_off_the_distributions(train: list[int], stream: list[int]) -> None:
    model = count_ngrams(np.array(train), 6, 3)
    one_by_one = [math.log(model.distribution(stream[:i])[token]) for i, token in enumerate(stream)]
    np.testing.assert_allclose(model.log_probs(np.array(stream, dtype=np.int32)), one_by_one, rtol=1e-9)


def test_trigram_beats_bigram_beats_unigram_where_order_matters() -> None:
    # two tokens are added, modulo 7; one in ten is noise: two tokens of context are needed to know the third
    random, ids = np.random.default_rng(0), [1, 2]
    for _ in range(4000):
        ids.append(int(random.integers(7)) if random.random() < 0.1 else (ids[-2] + ids[-1]) % 7)
    train, held_out = np.array(ids[:3000]), np.array(ids[3000:])
    unigram, bigram, trigram = (-count_ngrams(train, 7, n).log_probs(held_out).mean() for n in (1, 2, 3))
    exact = -(0.9 + 0.1 / 7) * math.log(0.9 + 0.1 / 7) - 6 * (0.1 / 7) * math.log(0.1 / 7)
    assert exact - 0.05 < trigram < exact + 0.15  # the entropy of the rule itself: no model can do better
    assert trigram + 0.5 < bigram < unigram + 0.05


def test_ids_of_another_vocabulary_are_refused() -> None:
    with pytest.raises(ValueError, match="another tokenizer"):
        count_ngrams(np.array([0, 4]), 4, 1)
    with pytest.raises(ValueError, match="another tokenizer"):
        count_ngrams(ABABAC, 4, 1).log_probs(np.array([-1]))


def test_orders_that_cannot_be_counted_are_refused() -> None:
    with pytest.raises(ValueError, match="longer text"):
        count_ngrams(np.array([0, 1]), 4, 3)
    with pytest.raises(ValueError, match="too many to number"):
        count_ngrams(ABABAC, 2**22, 3)
    with pytest.raises(ValueError, match="one row"):
        count_ngrams(ABABAC.reshape(2, 3), 4, 1)
