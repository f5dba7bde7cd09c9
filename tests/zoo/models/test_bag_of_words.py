"""The bag of words against counts made by scikit-learn and by NumPy, and its blindness to order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.feature_extraction.text import CountVectorizer

from zoo.models.bag_of_words import BagOfWords, BagOfWordsPlugin, Config
from zoo.trace.record import record_trace

VOCAB = 11
TEXTS = st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=20)


def build(**values: int) -> BagOfWords:
    torch.manual_seed(0)
    return BagOfWordsPlugin().build(Config(**{"width": 8, **values}), VOCAB).eval()


def test_logits_are_the_counts_of_scikit_learn_times_the_matrices() -> None:
    words = "the dog saw the cat and the cat ran".split()
    so_far = [" ".join(words[: t + 1]) for t in range(len(words))]
    vectorizer = CountVectorizer(vocabulary=sorted(set(words)))
    counts = vectorizer.fit_transform(so_far).toarray()  # (time, 6 different words)
    ids = torch.tensor([[vectorizer.vocabulary_[word] for word in words]])
    model = build()
    table, head = (each.weight.detach().double().numpy() for each in (model.embed, model.unembed))
    mean = counts / np.arange(1, len(words) + 1)[:, None] @ table[: counts.shape[1]]
    expected = mean @ head.T + model.unembed.bias.detach().numpy()
    np.testing.assert_allclose(model(ids)[0].detach(), expected, rtol=1e-4, atol=1e-6)


@given(TEXTS)
def test_the_recorded_counts_are_bincounts(ids: list[int]) -> None:
    steps = record_trace(build(), torch.tensor([ids]), names={}).steps
    expected = np.stack([np.bincount(ids[: t + 1], minlength=VOCAB) for t in range(len(ids))])
    np.testing.assert_array_equal(steps["bag.counts"][0][0], expected)
    np.testing.assert_allclose(steps["bag.shares"][0][0].sum(-1), 1, rtol=1e-6)


@given(TEXTS, st.randoms(use_true_random=False))
def test_the_order_of_the_words_before_does_not_matter(ids: list[int], random: object) -> None:
    shuffled = list(ids)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    model = build()
    torch.testing.assert_close(model(torch.tensor([ids]))[0, -1], model(torch.tensor([shuffled]))[0, -1])


def test_the_mean_is_that_of_the_words_vectors() -> None:
    model, ids = build(), torch.tensor([[3, 1, 3, 7]])
    mean = record_trace(model, ids, names={}).steps["bag.mean"][0][0]
    for t in range(4):
        torch.testing.assert_close(mean[t], model.embed(ids[0, : t + 1]).mean(0).detach())


def test_a_word_taken_out_of_the_bag_changes_the_answer() -> None:
    model, ids = build(), torch.tensor([[3, 1, 3, 7]])
    without = record_trace(
        model, ids, names={}, edits={"bag.counts": lambda counts: counts.index_fill(-1, torch.tensor([1]), 0)}
    )
    torch.testing.assert_close(without.output[0, -1], model(torch.tensor([[3, 3, 7]]))[0, -1].detach())


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 4"):
        build(context=4)(torch.zeros(1, 5, dtype=torch.long))


@pytest.mark.parametrize("values", [{"width": 7}, {"width": 1025}, {"context": 1}])
def test_values_out_of_bounds_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Config(**values)
