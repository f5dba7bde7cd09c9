"""The walk of WordPiece: always the longest piece, and all that was tried before it was found."""

from __future__ import annotations

import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models

from zoo.tokenizers import Tokenizer
from zoo.tokenizers.explain import Match, Try, Walk, explain
from zoo.tokenizers.explain.wordpiece import LONGEST_WALK


def tokenizer_of(*pieces: str, **options) -> Tokenizer:
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys(["[UNK]", *pieces]))}
    return Tokenizer(tokenizers.Tokenizer(models.WordPiece(vocab=vocab, unk_token="[UNK]", **options)))


def only(tokenizer: Tokenizer, text: str) -> Walk:
    (word,) = explain(tokenizer, text).words
    assert isinstance(word, Walk)
    return word


def test_a_walk_worked_by_hand():
    word = only(tokenizer_of("un", "u", "##a", "##aff", "##able"), "unaffable")
    assert [(match.start, [each.text for each in match.tries], match.id) for match in word.matches] == [
        (0, ["unaffable"[:end] for end in range(9, 1, -1)], 1),
        (2, ["##affable", "##affabl", "##affab", "##affa", "##aff"], 4),
        (5, ["##able"], 5),
    ]
    assert all(
        [each.found for each in match.tries] == [False] * (len(match.tries) - 1) + [True] for match in word.matches
    )
    assert (word.pieces, word.span, word.note) == (["un", "##aff", "##able"], (0, 9), "")


def test_one_dead_end_makes_the_whole_word_unknown():
    word = only(tokenizer_of("a", "##b"), "abc")
    assert word.matches[-1] == Match(2, [Try("##c", False)], 0)
    assert [match.id for match in word.matches] == [1, 2, 0]
    assert (word.pieces, word.word) == (["[UNK]"], "abc")
    assert "no piece to go on with" in word.note
    assert "not even the first character" in only(tokenizer_of("a"), "ba").note


@settings(max_examples=200)
@given(
    pieces=st.lists(st.text("abc", min_size=1, max_size=3), max_size=8),
    inside=st.lists(st.text("abc", min_size=1, max_size=3), max_size=8),
    text=st.text("abc", min_size=1, max_size=12),
)
def test_each_match_is_the_longest(pieces, inside, text):
    vocab = {*pieces, *(f"##{piece}" for piece in inside)}
    tokenizer = tokenizer_of(*sorted(vocab))
    word = only(tokenizer, text)
    for match in word.matches:
        mark = "##" if match.start else ""
        fitting = [end for end in range(match.start + 1, len(text) + 1) if mark + text[match.start : end] in vocab]
        assert match.tries[-1].found == bool(fitting)
        assert len(match.tries) == len(text) - (max(fitting) if fitting else match.start + 1) + 1
        assert match.tries[-1].text == mark + text[match.start : max(fitting, default=match.start + 1)]
    assert word.ids == tokenizer.encode(text).ids


def test_a_word_that_is_too_long_is_unknown_untried():
    tokenizer = tokenizer_of("a", "##a", max_input_chars_per_word=5)
    assert len(only(tokenizer, "aaaaa").ids) == 5
    word = only(tokenizer, "aaaaaa")
    assert (word.matches, word.pieces) == ([], ["[UNK]"])
    assert word.note == "A word of more than 5 characters is not even tried: all of it is unknown."


def test_a_long_walk_is_not_listed():
    tokenizer = tokenizer_of("a", "##a", max_input_chars_per_word=10_000)
    assert len(only(tokenizer, "a" * LONGEST_WALK).matches) == LONGEST_WALK
    word = only(tokenizer, "a" * (LONGEST_WALK + 1))
    assert word.matches == []
    assert len(word.ids) == LONGEST_WALK + 1
    assert "too long to list" in word.note


def test_another_mark_for_what_is_inside():
    word = only(tokenizer_of("a", "@b", continuing_subword_prefix="@"), "ab")
    assert [match.tries[-1].text for match in word.matches] == ["a", "@b"]
