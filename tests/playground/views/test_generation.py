"""What is said of the draw is true of the distribution that is drawn from."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from playground.text import percent
from playground.views.controls import Subject
from playground.views.generation import _drawn_from
from tests.playground.helpers import subject_of, tiny_gpt
from zoo.sampling import Sampling


@pytest.fixture(scope="module")
def subject() -> Subject:
    """Four tokens with probabilities 1/2, 1/4, 1/8, 1/8."""
    whole = subject_of(tiny_gpt())
    return replace(whole, trace=replace(whole.trace, steps={"logits": [np.log([[4.0, 2.0, 1.0, 1.0]])]}))


@pytest.mark.parametrize(
    ("sampling", "kept", "likeliest", "lost"),
    [
        (Sampling(), 4, 0.5, None),
        (Sampling(top_k=2), 2, 4 / 6, 0.25),  # 1/8 + 1/8 are shared out
        (Sampling(top_p=0.8), 3, 4 / 7, 0.125),  # 1/2 + 1/4 + 1/8 cross 0.8
        (Sampling(temperature=0.5, top_k=1), 1, 1.0, 6 / 22),  # 16, 4, 1, 1: six of 22 are left out
    ],
)
def test_how_many_are_kept_what_the_others_had_and_what_the_likeliest_has(subject, sampling, kept, likeliest, lost):
    sentence = _drawn_from(subject, sampling)
    assert percent(likeliest) in sentence
    if lost is not None:
        assert percent(lost) in sentence
        assert str(4 - kept) in re.findall(r"\d+", sentence)
    assert str(kept) in re.findall(r"\d+", sentence)


def test_at_temperature_0_nothing_is_drawn(subject):
    assert "%" not in _drawn_from(subject, Sampling(temperature=0))
