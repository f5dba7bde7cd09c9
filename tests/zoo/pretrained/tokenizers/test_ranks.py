"""Merges from ranks: joining by rank, written out below, gives the tokens that the library gets from the merges."""

from __future__ import annotations

from itertools import pairwise

import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, trainers

from zoo.pretrained.tokenizers.ranks import merges_of


def by_rank(text: str, ranks: dict[str, float]) -> list[str]:
    """tiktoken's way and SentencePiece's: the neighbours that make the lowest piece, the leftmost of equals."""
    parts = list(text)
    while True:
        known = [(ranks[a + b], i) for i, (a, b) in enumerate(pairwise(parts)) if a + b in ranks]
        if not known:
            return parts
        _, at = min(known)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]


def by_merges(text: str, ranks: dict[str, float]) -> list[str]:
    vocab = {piece: i for i, piece in enumerate(ranks)}
    raw = tokenizers.Tokenizer(models.BPE(vocab=vocab, merges=merges_of(ranks)[0]))
    return raw.encode(text).tokens


@settings(max_examples=60)
@given(st.lists(st.text("abc", min_size=2, max_size=30), min_size=1, max_size=4), st.text("abc", max_size=40))
def test_trained_merges_are_found_again(texts, other):
    raw = tokenizers.Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(vocab_size=40, initial_alphabet=list("abc"), show_progress=False)
    raw.train_from_iterator(texts, trainer)
    ranks = {piece: float(i) for piece, i in sorted(raw.get_vocab().items(), key=lambda entry: entry[1])}
    merges, unmade = merges_of(ranks)
    assert unmade == []
    assert len(merges) == len(ranks) - 3
    for text in (*texts, other):
        assert by_merges(text, ranks) == by_rank(text, ranks)


def test_a_piece_that_no_merge_makes_is_named():
    ranks = {"a": 0.0, "b": 1.0, "c": 2.0, "bc": 3.0, "abc": 4.0, "aab": 5.0}
    assert merges_of(ranks) == ([("b", "c"), ("a", "bc")], ["aab"])


def test_runs_that_share_a_rank_are_joined_from_the_left():
    lengths = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16)  # those of Mistral's spaces: no 15
    ranks = {"_": 9.0, "a": 0.0, "_a": 1.0} | {"_" * n: 9.0 for n in lengths}
    for n in range(200):
        for text in ("_" * n, "a" + "_" * n + "a"):
            assert by_merges(text, ranks) == by_rank(text, ranks), n
