"""The lattice of Unigram: all pieces that fit, and the two best ways through them, against every way there is."""

from __future__ import annotations

import itertools

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import models

from zoo.tokenizers import Tokenizer
from zoo.tokenizers.explain import Lattice, explain
from zoo.tokenizers.explain.unigram import LONGEST_LATTICE, PENALTY

BYTES = {f"<0x{byte:02X}>": -9.0 for byte in range(256)}


def tokenizer_of(pieces: dict[str, float], byte_fallback: bool = False) -> Tokenizer:
    vocab = {"<unk>": 0.0} | pieces
    return Tokenizer(tokenizers.Tokenizer(models.Unigram(list(vocab.items()), 0, byte_fallback)))


def only(tokenizer: Tokenizer, text: str) -> Lattice:
    (word,) = explain(tokenizer, text).words
    assert isinstance(word, Lattice)
    return word


def all_ways(text: str, pieces: dict[str, float]) -> dict[tuple[str, ...], float]:
    """The score of every way to cut a text into known pieces and unknown characters."""
    lowest = min(0.0, *pieces.values())
    known = {char: lowest - PENALTY for char in text if char not in pieces} | pieces
    ways = {}
    for cuts in itertools.product([False, True], repeat=len(text) - 1):
        ends = [i + 1 for i, cut in enumerate(cuts) if cut]
        way = tuple(text[start:end] for start, end in itertools.pairwise([0, *ends, len(text)]))
        if all(piece in known for piece in way):
            ways[way] = sum(known[piece] for piece in way)
    return ways


def test_a_lattice_worked_by_hand():
    pieces = {"a": -1.0, "b": -2.0, "ab": -2.5, "c": -1.5, "bc": -4.0}
    word = only(tokenizer_of(pieces), "abc")
    assert [(edge.start, edge.end, edge.piece, edge.id, edge.score) for edge in word.edges] == [
        (0, 1, "a", 1, -1.0),
        (0, 2, "ab", 3, -2.5),
        (1, 2, "b", 2, -2.0),
        (1, 3, "bc", 5, -4.0),
        (2, 3, "c", 4, -1.5),
    ]
    assert (word.best, word.best_score) == ([1, 4], -4.0)
    assert (word.second, word.second_score) == ([0, 2, 4], -4.5)
    assert (word.pieces, word.word, word.span, word.note) == (["ab", "c"], "abc", (0, 3), "")


SCORES = st.floats(-20, 0, width=16) | st.sampled_from([-1.0, -2.0, -3.0])


@settings(max_examples=300)
@example({"a": -1.0, "aa": -2.0, "aaa": -3.0}, "aaaa")
@given(
    pieces=st.dictionaries(st.text("abc", min_size=1, max_size=4), SCORES, min_size=1, max_size=12),
    text=st.text("abcd", min_size=1, max_size=8),
)
def test_no_way_is_better(pieces, text):
    tokenizer = tokenizer_of(pieces)
    word = only(tokenizer, text)
    ways = all_ways(text, pieces)
    taken = [
        tuple(text[word.edges[i].start : word.edges[i].end] for i in way) for way in (word.best, word.second or [])
    ]
    assert word.ids == tokenizer.encode(text).ids
    assert word.best_score == pytest.approx(sum(word.edges[i].score for i in word.best))
    assert word.best_score == pytest.approx(max(ways.values())) == ways[taken[0]]
    if all(word.edges[i].id for i in word.best):  # none is unknown
        assert [word.edges[i].id for i in word.best] == word.ids
    others = [score for way, score in ways.items() if way != taken[0]]
    if not others:
        assert word.second is word.second_score is None
    else:
        assert taken[1] != taken[0]
        assert word.second_score == pytest.approx(max(others)) == pytest.approx(ways[taken[1]])
        assert word.second_score == pytest.approx(sum(word.edges[i].score for i in word.second))
    listed = {(edge.start, edge.end) for edge in word.edges}
    fits = itertools.combinations(range(len(text) + 1), 2)
    known = {*pieces, *text}
    assert listed == {(start, end) for start, end in fits if text[start:end] in known}


def test_of_ways_with_one_score_the_first_found_is_taken():
    word = only(tokenizer_of({"a": -1.0, "aa": -2.0}), "aa")
    assert word.best_score == word.second_score == -2.0
    assert (word.best, word.second) == ([1], [0, 2])
    assert word.pieces == tokenizer_of({"a": -1.0, "aa": -2.0}).encode("aa").pieces == ["aa"]


def test_unknown_characters_side_by_side_are_one_token():
    word = only(tokenizer_of({"a": -1.0}), "axya")
    assert [(edge.piece, edge.score) for edge in word.edges[1:3]] == [("<unk>", -11.0)] * 2
    assert word.best == [0, 1, 2, 3]
    assert word.pieces == ["a", "<unk>", "a"]
    assert word.second is word.second_score is None
    assert word.note == "Characters that the vocabulary lacks are unknown; those side by side become one token."


def test_unknown_characters_can_be_a_piece_together():
    raw = tokenizers.Tokenizer(models.Unigram([("<unk>", 60.0), ("xy", 50.0)], 0, False))
    word = only(Tokenizer(raw), "xy")
    assert (word.best_score, word.second_score) == (80.0, 50.0)
    assert [word.edges[i].piece for i in word.best] == ["<unk>", "<unk>"]
    assert word.pieces == ["xy"] == Tokenizer(raw).encode("xy").pieces


def test_what_the_vocabulary_lacks_is_written_in_bytes_where_it_has_them():
    word = only(tokenizer_of({"a": -1.0} | BYTES, byte_fallback=True), "a\u00e9")
    assert word.pieces == ["a", "<0xC3>", "<0xA9>"]
    assert word.note == "What the vocabulary lacks is written as its bytes."
    assert only(tokenizer_of({"a": -1.0} | BYTES), "a\u00e9").pieces == ["a", "<unk>"]
    some = {"a": -1.0} | dict(list(BYTES.items())[:190])
    assert only(tokenizer_of(some, byte_fallback=True), "a\u00e9").pieces == ["a", "<unk>"]


def test_a_long_word_keeps_its_score_without_its_lattice():
    tokenizer = tokenizer_of({"a": -1.0, "aa": -1.5})
    assert only(tokenizer, "a" * LONGEST_LATTICE).second is not None
    word = only(tokenizer, "a" * (LONGEST_LATTICE + 2))
    assert (word.edges, word.best, word.second, word.second_score) == ([], [], None, None)
    assert word.best_score == -1.5 * (LONGEST_LATTICE + 2) / 2
    assert len(word.ids) == LONGEST_LATTICE // 2 + 1
    assert "too long to list" in word.note
