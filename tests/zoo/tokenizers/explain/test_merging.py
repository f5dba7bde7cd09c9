"""Merges: by rank and from the left, as a slow search by hand does them, and a long word in stretches."""

from __future__ import annotations

from itertools import pairwise

import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, normalizers, pre_tokenizers

from zoo.tokenizers import Tokenizer, train_tokenizer
from zoo.tokenizers.explain import Merges, explain
from zoo.tokenizers.explain.byte_pair import BytePair
from zoo.tokenizers.explain.merging import LONGEST_STRETCH, LONGEST_WORD


def tokenizer_of(merges: list[tuple[str, str]], chars: str, **options) -> Tokenizer:
    names = dict.fromkeys([*chars, *options.pop("more", []), *(left + right for left, right in merges)])
    raw = tokenizers.Tokenizer(models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=merges, **options))
    return Tokenizer(raw)


def only(tokenizer: Tokenizer, text: str) -> Merges:
    (word,) = explain(tokenizer, text).words
    assert isinstance(word, Merges)
    return word


def by_hand(symbols: list[str], merges: list[tuple[str, str]]) -> list[tuple[int, int, list[str]]]:
    """Rank, place and symbols of each merge, found by looking through everything each time."""
    steps = []
    while found := [(merges.index(pair), at) for at, pair in enumerate(pairwise(symbols)) if pair in merges]:
        rank, at = min(found)
        symbols = [*symbols[:at], symbols[at] + symbols[at + 1], *symbols[at + 2 :]]
        steps.append((rank, at, symbols))
    return steps


def test_a_word_worked_by_hand():
    word = only(tokenizer_of([("l", "o"), ("e", "r"), ("lo", "w"), ("low", "er")], "lower"), "lower")
    assert word.start == ["l", "o", "w", "e", "r"]
    assert [(step.rank, step.left, step.right, step.at, step.symbols) for step in word.steps] == [
        (0, "l", "o", 0, ["lo", "w", "e", "r"]),
        (1, "e", "r", 2, ["lo", "w", "er"]),
        (2, "lo", "w", 0, ["low", "er"]),
        (3, "low", "er", 0, ["lower"]),
    ]
    assert (word.word, word.span, word.pieces, word.note) == ("lower", (0, 5), ["lower"], "")


@st.composite
def merge_lists(draw):
    symbols, merges = list("abc"), []
    for left, right in draw(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=15)):
        pair = symbols[left % len(symbols)], symbols[right % len(symbols)]
        if "".join(pair) not in symbols:  # a symbol that can come about in two ways has ranks of its own rules
            merges.append(pair)
            symbols.append("".join(pair))
    return merges


@settings(max_examples=300)
@example([("a", "a")], "aaaaa")
@given(merges=merge_lists(), text=st.text("abc", min_size=1, max_size=25))
def test_each_step_is_that_of_a_slow_search(merges, text):
    word = only(tokenizer_of(merges, "abc"), text)
    assert [(step.rank, step.at, step.symbols) for step in word.steps] == by_hand(list(text), merges)
    for step in word.steps:
        assert step.symbols[step.at] == step.left + step.right
        assert merges[step.rank] == (step.left, step.right)
    assert (word.steps[-1].symbols if word.steps else word.start) == word.pieces


def test_older_files_write_a_merge_as_one_text():
    new = BytePair.read(
        {"vocab": {"a": 0, "##b": 1, "ab": 2}, "merges": [["a", "##b"]], "continuing_subword_prefix": "##"}
    )
    old = BytePair.read({"vocab": {"a": 0, "##b": 1, "ab": 2}, "merges": ["a ##b"], "continuing_subword_prefix": "##"})
    assert new == old
    assert old.ids("ab") == [2]


def test_bytes_of_a_character_are_merged_too():
    tokenizer = train_tokenizer("bpe", ["\u00e9 \u00e9 \u00e9"], 259)
    word = only(tokenizer, "\u00e9")
    assert word.start == ["<0xC3>", "<0xA9>"]
    assert [step.symbols for step in word.steps] == [["\u00e9"]]
    assert word.word == "\u00e9"


def test_notes_say_what_became_of_unknown_characters():
    in_bytes = [f"<0x{byte:02X}>" for byte in range(128)]
    assert only(tokenizer_of([], "a"), "ab").note == "Characters that the vocabulary lacks are left out."
    unknown = {"more": ["<unk>"], "unk_token": "<unk>"}
    assert only(tokenizer_of([], "a", **unknown), "ab").note.endswith("lacks become the unknown token.")
    half = {"more": ["<unk>", *in_bytes], "unk_token": "<unk>", "byte_fallback": True}
    assert only(tokenizer_of([], "a", **half), "ab").note.endswith("lacks are written as their bytes.")
    assert only(tokenizer_of([], "a", **half), "b\u00e9").note.endswith("even as bytes become the unknown token.")
    assert only(tokenizer_of([], "a", **half), "aa").note == ""


def test_a_word_that_the_vocabulary_has_needs_no_merges_where_the_tokenizer_says_so():
    word = only(tokenizer_of([("a", "b")], "abc", more=["abc"], ignore_merges=True), "abc")
    assert (word.start, word.steps, word.pieces) == (["abc"], [], ["abc"])
    assert "has the whole word" in word.note
    assert only(tokenizer_of([("a", "b")], "abc", more=["abc"]), "abc").pieces == ["ab", "c"]


# --- long words ---

SPACED = [("\u2581", "t"), ("h", "e"), ("\u2581t", "he"), ("a", "t"), ("c", "at")]


def spaced(**options) -> Tokenizer:
    """A tokenizer that takes the whole text as one word."""
    tokenizer = tokenizer_of(SPACED, "\u2581thecasm.", **options)
    tokenizer.raw.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.raw.decoder = decoders.Replace("\u2581", " ")
    return tokenizer


def test_a_long_word_is_shown_in_stretches():
    text = "the cat sat. " * 30
    tokenizer = spaced()
    found = explain(tokenizer, text, most=1000)
    assert found.total_words == len(found.words) > 80
    assert [word.word for word in found.words[:4]] == ["the", " cat", " sat.", " the"]
    assert [step.symbols for step in found.words[3].steps] == [[" t", "h", "e"], [" t", "he"], [" the"]]
    assert "".join(text[start:end] for start, end in (word.span for word in found.words)) == text
    assert [text[start:end] for start, end in (word.span for word in found.words)] == [
        word.word for word in found.words
    ]
    assert [i for word in found.words for i in word.ids] == tokenizer.encode(text).ids
    assert found.words[1].note == f"Stretch 2 of {found.total_words} of a very long word; no merge crosses its ends."


def test_a_word_just_short_enough_is_shown_whole():
    text = ("the cat " * 25)[:LONGEST_WORD]
    assert len(text) == LONGEST_WORD
    assert len(explain(spaced(), text).words) == 1
    assert len(explain(spaced(), text + "s").words) > 20


def test_stretches_without_spaces_are_of_some_length():
    text = "\u00e9at" * 200
    found = explain(train_tokenizer("char", [text], 300), text, most=1000).words
    assert "".join(word.word for word in found) == text
    assert {len(word.word.encode()) for word in found[:-1]} == {LONGEST_STRETCH}


def test_bytes_over_several_tokens_are_read_together():
    raw = tokenizers.Tokenizer(
        models.BPE(vocab={c: i for i, c in enumerate(pre_tokenizers.ByteLevel.alphabet())}, merges=[])
    )
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    text = "\u00e9" * 150
    found = explain(Tokenizer(raw), text).words
    assert [word.word for word in found] == ["\u00e9" * 16] * 9 + ["\u00e9" * 6]
    assert [word.span for word in found] == [(start, min(start + 16, 150)) for start in range(0, 150, 16)]
    assert found[0].start[:2] == ["<0xC3>", "<0xA9>"]


def test_a_token_that_is_too_long_has_no_steps_but_its_ids():
    merges = [("a" * 2**n, "a" * 2**n) for n in range(8)]
    (word,) = explain(tokenizer_of(merges, "a"), "a" * 256).words
    assert word.pieces == ["a" * 256]
    assert word.steps == []
    assert "With 256 symbols it is too long to list its merges." in word.note


def test_the_text_around_a_long_word_keeps_its_place():
    tokenizer = spaced()
    tokenizer.raw.pre_tokenizer = pre_tokenizers.Split(".", "isolated")
    text = "cat." + "the cat " * 40 + ".sat"
    found = explain(tokenizer, text, most=1000).words
    assert [text[start:end] for start, end in (word.span for word in found)] == [word.word for word in found]
    assert "".join(word.word for word in found) == text
    assert [i for word in found for i in word.ids] == tokenizer.encode(text).ids
