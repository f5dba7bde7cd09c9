"""Our own BPE trainer: worked by hand, recounted from nothing at each step, and equal to the library's."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zoo.data import open_corpus
from zoo.tokenizers import train_tokenizer
from zoo.tokenizers.learn import KIND_OF, Candidate, Learned, Level, Step, count_words, learn, library_merges

LEVELS: tuple[Level, ...] = ("byte", "character")
NASTY = [
    "naïve cafe\u0301 café, ΑΒΓ αβγ ΣΟΦΟΣ σοφός.\r\n\tÜber die Brücke! ",
    "日本語の文章は空白がない。日本語の単語。 مرحبا بالعالم، مرحبا! שלום עולם שלום",
    "👩\u200d👩\u200d👧 👩\u200d👧 🇩🇪🇫🇷 한국어 한국 ᄒ\u1161\u11ab \ufeff\u2028\u00a0\u3000 \x00\x00 <|endoftext|> ▁Ġ ",
    "aaaa aaaaa aaaaaaa abababab babab\n\n\n    def f(x): return x  # 12345 12345.6789e-10",
    "",
    "a" * 300 + "ACGTTGCA" * 40 + "\U0010ffff\uffff",
]
WORDS = st.lists(st.text("ab ", max_size=24), max_size=4)
ANY = st.lists(st.text(max_size=40), max_size=3)


# --- by hand -----------------------------------------------------------------------------------


def test_a_small_text_worked_by_hand():
    # words "ab", " ab", " abc"; ids: the separator, unknown, then " " 2, a 3, b 4, c 5
    learned = learn(["ab ab abc"], 10, "character")
    assert learned.words == {"ab": 1, " ab": 1, " abc": 1}
    assert learned.vocabulary[2:] == [" ", "a", "b", "c", "ab", " ab", " abc"]
    assert learned.start == 6
    first = [Candidate(3, 4, 3), Candidate(2, 3, 2), Candidate(4, 5, 1)]
    second = [Candidate(2, 6, 2), Candidate(6, 5, 1)]
    assert learned.steps == [
        Step(3, 4, 3, 6, first, tied=0, different=3, before=9, after=6),
        Step(2, 6, 2, 7, second, tied=0, different=2, before=6, after=4),
        Step(7, 5, 1, 8, [Candidate(7, 5, 1)], tied=0, different=1, before=4, after=3),
    ]
    assert [learned.cut(" abc", done) for done in range(4)] == [[2, 3, 4, 5], [2, 6, 5], [7, 5], [8]]


def test_of_equal_counts_the_lowest_ids_are_merged():
    step = learn(["xy ab"], 1, "character").steps[0]  # ids: " " 2, a 3, b 4, x 5, y 6
    assert step.candidates == [Candidate(2, 3, 1), Candidate(3, 4, 1), Candidate(5, 6, 1)]
    assert (step.left, step.right, step.tied) == (2, 3, 2)
    of_one_left = learn(["ac ab"], 9, "character").steps[1]  # after " a": ids a 3, b 4, c 5, " a" 6
    assert (of_one_left.left, of_one_left.right) == (3, 5)
    assert learn(["ac\nab"], 1, "character").steps[0].candidates == [Candidate(3, 4, 1), Candidate(3, 5, 1)]


def test_what_overlaps_is_merged_once():
    learned = learn(["aaab"], 1, "character")  # a 2, b 3
    step = learned.steps[0]
    assert (step.count, step.before - step.after) == (2, 1)
    assert learned.cut("aaab", 1) == [4, 2, 3]


def test_the_bytes_of_a_character_are_merged_too():
    learned = learn(["é é é"], 1, "byte")
    assert learned.start == 257
    assert (learned.steps[0].count, learned.steps[0].before) == (3, 8)
    assert learned.tokenizer().piece(257) == "é"


@pytest.mark.parametrize("level", LEVELS)
def test_where_there_is_nothing_to_merge_nothing_is(level):
    assert learn([], 5, level).steps == learn(["", "\n", "a"], 5, level).steps == []
    assert learn(["aaaa"], 0, level).steps == []


def test_the_words_are_those_of_our_tokenizers():
    assert count_words(["a\n\n"], "byte") == {"a": 1, "ĊĊ": 1}  # as GPT-2: a run of blanks is a word
    assert count_words(["a\n\n"], "character") == {"a": 1, "\n": 2}


def test_a_refusal_is_one_sentence():
    with pytest.raises(ValueError, match="0 or more, not -1"):
        learn(["a"], -1)
    with pytest.raises(ValueError, match="unknown level 'word'; choose one of byte, character"):
        learn(["a"], 1, "word")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not valid Unicode at character 1"):
        learn(["a\ud800"], 1)


# --- against counting anew ---------------------------------------------------------------------


def recounted(learned: Learned, done: int) -> tuple[Counter[tuple[int, int]], int]:
    """Pairs and tokens after so many steps, counted from nothing."""
    cut = [(learned.cut(word, done), often) for word, often in learned.words.items()]
    pairs: Counter[tuple[int, int]] = Counter()
    for ids, often in cut:
        for pair in pairwise(ids):
            pairs[pair] += often
    return pairs, sum(len(ids) * often for ids, often in cut)


@settings(max_examples=60)
@example(texts=NASTY, level="byte")
@given(texts=st.one_of(WORDS, ANY), level=st.sampled_from(LEVELS))
def test_at_each_step_all_that_is_told_is_what_counting_anew_gives(texts, level):
    learned = learn(texts, 25, level, most=4)
    for done, step in enumerate(learned.steps):
        pairs, tokens = recounted(learned, done)
        ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
        assert step.candidates == [Candidate(*pair, n) for pair, n in ordered[:4]]
        assert Candidate(step.left, step.right, step.count) == step.candidates[0]
        assert (step.before, step.different) == (tokens, len(pairs))
        assert step.tied == sum(n == step.count for n in pairs.values()) - 1
        assert step.after == recounted(learned, done + 1)[1]
        assert step.token == learned.start + done
    assert len(learned.steps) == 25 or not recounted(learned, 25)[0]


# --- against the library -----------------------------------------------------------------------


def assert_equal_to_the_library(texts: list[str], merges: int, level: Level) -> Learned:
    learned = learn(texts, merges, level)
    assert learned.merges == library_merges(texts, merges, level)
    return learned


@pytest.mark.parametrize("level", LEVELS)
def test_the_merges_of_the_glass_box_are_the_librarys(level):
    texts = [*open_corpus("glass-box:stories=400").train]
    assert len(assert_equal_to_the_library(texts, 2000, level).steps) > 300


@pytest.mark.parametrize("level", LEVELS)
def test_the_merges_of_a_megabyte_of_shakespeare_are_the_librarys(level, shared: Path):
    text = (shared / "data" / "tinyshakespeare.txt").read_text(encoding="utf-8")
    learned = assert_equal_to_the_library([text], 250, level)
    assert len(learned.steps) == 250
    assert learned.steps[0].before == len(text)  # one byte a character


@pytest.mark.parametrize("level", LEVELS)
def test_the_merges_of_a_nasty_text_are_the_librarys(level):
    learned = assert_equal_to_the_library(NASTY, 1000, level)
    assert 100 < len(learned.steps) < 1000  # all that there were
    assert all(len(learned.cut(word, 1000)) == 1 for word in learned.words)


@given(texts=st.one_of(WORDS, ANY), merges=st.integers(0, 40), level=st.sampled_from(LEVELS))
def test_the_merges_of_any_text_are_the_librarys(texts, merges, level):
    assert_equal_to_the_library(texts, merges, level)


@pytest.mark.parametrize("level", LEVELS)
def test_what_was_learned_is_the_librarys_tokenizer(level):
    learned = learn(NASTY, 60, level)
    ours, library = learned.tokenizer(), train_tokenizer(KIND_OF[level], NASTY, len(learned.vocabulary))
    assert ours.raw.get_vocab() == library.raw.get_vocab()
    for text in [*NASTY, "something else, 日本 and £"]:
        assert ours.encode(text) == library.encode(text)


@pytest.mark.parametrize("level", LEVELS)
def test_a_word_is_cut_as_the_tokenizer_cuts_it(level):
    learned = learn(NASTY, 60, level)
    tokenizer = learned.tokenizer()
    for text in NASTY:
        cut = [i for word in _in_order(text, level) for i in learned.cut(word, 60)]
        assert cut == tokenizer.encode(text).ids


def _in_order(text: str, level: Level) -> list[str]:
    cutter = train_tokenizer(KIND_OF[level], [], 257).raw.pre_tokenizer
    assert cutter is not None
    words = [word for word, _ in cutter.pre_tokenize_str(text)]
    assert Counter(words) == count_words([text], level)
    return words
