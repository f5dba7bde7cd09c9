"""The right answer on a model's tokens: the language's own probabilities, none lost and none made up."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tokenizers
from tokenizers import Regex
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from zoo.compare.exact import compared, divergence, impossible, right_answer, tokens_of
from zoo.data.glass_box import DEFAULT, END
from zoo.tokenizers import UNKNOWN, Tokenizer, train_tokenizer

STORIES = DEFAULT.stories(300, 1)
WORDS = train_tokenizer("word", [story.text for story in STORIES], 5000)


def test_each_word_is_one_token():
    for story in STORIES[:5]:
        ids = tokens_of(DEFAULT, WORDS, [*story.words, END])
        assert len(ids) == len(story.words) + 1
        assert ids[-1] == WORDS.end_of_text


@pytest.mark.parametrize("length", [1, 5, 30, None])
def test_all_of_the_probability_is_there(length):
    words = STORIES[0].words[:length]
    found = right_answer(DEFAULT, WORDS, words)
    assert sum(found.values()) == pytest.approx(1)
    exact = DEFAULT.next_words(words)
    best = max(exact, key=lambda word: exact[word])
    assert max(found.values()) == pytest.approx(exact[best])


def test_a_tokenizer_of_pieces_is_refused():
    with pytest.raises(ValueError, match="not the language's words"):
        right_answer(DEFAULT, train_tokenizer("byte", []), STORIES[0].words[:3])


def test_as_many_tokens_as_words_are_not_enough():
    """“It rained .” has three words, and is cut into three pieces of four characters."""
    raw = tokenizers.Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    raw.pre_tokenizer = Split(Regex(".{1,4}"), "isolated")
    assert len(Tokenizer(raw).encode(DEFAULT.join(["It", "rained", "."])).ids) == 3
    with pytest.raises(ValueError, match="the tokens of M are not the language's words"):
        tokens_of(DEFAULT, Tokenizer(raw), ["It", "rained", "."], "M")


def test_words_that_the_tokenizer_never_saw_are_its_unknown_token():
    few = train_tokenizer("word", ["It rained."], 5000)
    snowed, rained = (tokens_of(DEFAULT, few, ["It", word, "."]) for word in ("snowed", "rained"))
    assert snowed[1] == few.raw.token_to_id(UNKNOWN) != rained[1]


def test_divergence_is_zero_where_both_agree_and_positive_elsewhere():
    exact = {0: 0.5, 2: 0.5}
    assert divergence(exact, np.array([0.5, 0.0, 0.5])) == pytest.approx(0)
    assert divergence(exact, np.array([0.25, 0.5, 0.25])) == pytest.approx(math.log(2))
    assert math.isfinite(divergence(exact, np.array([1.0, 0.0, 0.0])))


def test_what_cannot_stand_here_is_what_is_left_over():
    assert impossible({0: 0.5, 2: 0.5}, np.array([0.25, 0.5, 0.25])) == pytest.approx(0.5)


def test_the_words_shown_are_the_likeliest_of_both():
    probs = np.array([0.0, 0.6, 0.1, 0.3, 0.0])
    assert compared({0: 0.9, 2: 0.1}, probs, most=4) == [0, 2, 1, 3]
    assert compared({0: 1.0}, probs, most=2) == [0, 1]
    assert len(compared({token: 0.2 for token in range(5)}, probs, most=3)) == 3
