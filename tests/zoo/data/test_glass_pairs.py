"""The two languages: one reading a sentence, one translation, and an alignment that means what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import product

import pytest

from zoo.data import open_corpus
from zoo.data.glass_box.tables import DAYS, HOMES, PETS
from zoo.data.glass_pairs import DEFAULT, GlassPairs, Pair, lexicon
from zoo.data.glass_pairs.draw import Inside
from zoo.data.glass_pairs.grammar import MARKS, grammar, is_symbol
from zoo.data.glass_pairs.pairs import FAR, gaps
from zoo.data.glass_pairs.parse import Parse
from zoo.data.glass_pairs.rules import START
from zoo.tokenizers import UNKNOWN, train_tokenizer


@pytest.fixture(scope="module")
def drawn() -> list[Pair]:
    return DEFAULT.pairs(3000, seed=7)


BY_HAND = [
    ("Mia slept.", "Mia nolem ko.", "0 1 1 2", "- - 0 -"),
    (
        "The dog did not see a little red kite.",
        "Vafi li felura roska tifa okem ki yem.",
        "1 0 8 7 6 4 2 3 9",
        "- 1 - 8 8 - 1 - -",
    ),
    (
        "When my girls sang, the hat of the sailor was blue.",
        "Selo maru lirem ku mir, mazuro lo es shola la lunda ka.",
        "2 1 3 3 0 4 9 8 7 6 5 11 10 12",
        "- 2 - 2 - - - 9 - - 6 6 6 -",
    ),
    (
        "Tom and the hen will be happy because Ben gave a cake to the boy who waited.",
        "Ben dimo lo sen padem ko ti suma kipem ko naro, Tom en koki li zelu vu.",
        "8 14 13 15 16 16 12 11 9 9 7 7 0 1 3 2 6 4+5 17",
        "- - 14 - - 14 - - - 8 - - - - - 3 0+3 0+3 -",
    ),
]
"""English, Lirumo, where each Lirumo word comes from, and which nouns it agrees with."""


@pytest.mark.parametrize(("english", "lirumo", "alignment", "agreement"), BY_HAND)
def test_sentences_translated_by_hand(english: str, lirumo: str, alignment: str, agreement: str) -> None:
    pair = DEFAULT.translate(DEFAULT.split(english))
    assert pair.text == f"{english}\t{lirumo}"
    assert pair.alignment == _positions(alignment)
    assert pair.agreement == _positions(agreement)


def _positions(text: str) -> tuple[tuple[int, ...], ...]:
    """ "0 4+5 -" -> ((0,), (4, 5), ())"""
    return tuple(tuple(int(at) for at in each.split("+") if at != "-") for each in text.split())


def test_what_is_drawn_is_read_back(drawn: list[Pair]) -> None:
    for pair in drawn:
        assert DEFAULT.translate(pair.source) == pair
        assert tuple(DEFAULT.split(pair.source_text)) == pair.source
        assert tuple(DEFAULT.split(pair.target_text)) == pair.target


def test_every_target_word_comes_from_words_that_mean_it(drawn: list[Pair]) -> None:
    for pair in drawn:
        assert len(pair.target) == len(pair.alignment) == len(pair.agreement)
        for word, sources in zip(_small(pair.target), pair.alignment, strict=True):
            assert sources
            source = _small(pair.source)
            assert all(word in DEFAULT.meanings[source[at]] for at in sources)


def test_every_english_word_but_a_is_said(drawn: list[Pair]) -> None:
    for pair in drawn:
        said = {at for sources in pair.alignment for at in sources}
        source = _small(pair.source)
        for at in set(range(len(source))) - said:
            assert source[at] == "a" or (source[at] == "," and source[at - 1] in DAYS.words(""))


def test_words_mean_what_the_dictionary_says() -> None:
    rows = [line.split() for text in (*lexicon.NOUNS.values(), *lexicon.VERBS.values()) for line in text.split("\n")]
    for english, other, said in filter(None, rows):
        assert said in DEFAULT.meanings[english] & DEFAULT.meanings[other]
    assert DEFAULT.meanings["happy"] == {"zelo", "zeli", "zelu"}  # no thing is happy
    assert DEFAULT.meanings["a"] == frozenset()


def test_agreement_agrees(drawn: list[Pair]) -> None:
    vowel = {name: "o" for name in lexicon.NAMES}
    for kind, text in lexicon.NOUNS.items():
        for one, many, _ in (line.split() for line in text.strip().splitlines()):
            vowel |= {one: lexicon.VOWELS[kind], many: "u"}
    stems = ["l", "mar", "k", "v"]
    stems += [row.split()[1][:-1] for key in ("Mood", "Size", "Colour") for row in lexicon.WORDS[key].split(",")]
    agreeing = {stem + end for stem in stems for end in "oiau"}
    for pair in drawn:
        source = _small(pair.source)
        for word, nouns in zip(_small(pair.target), pair.agreement, strict=True):
            assert bool(nouns) == (word in agreeing)
            vowels = [vowel[source[at]] for at in nouns]
            assert not vowels or word[-1] == (vowels[0] if len(vowels) == 1 else "u")


def _small(words: tuple[str, ...]) -> list[str]:
    """As the dictionary has them."""
    first = words[0] if words[0] in lexicon.NAMES else words[0].lower()
    return [first, *words[1:]]


def test_no_sentence_can_be_made_in_two_ways() -> None:
    """With one word a list, every sentence of up to seven words: as many different ones as ways to make one."""
    every = Inside(grammar(), lambda rule: 1, lambda entries: 1)
    for length in range(2, 8):
        sentences = _all_sentences(START, length, 1)
        assert len(sentences) == every.phrase(START, length) == len(set(sentences)) > 0
    for sentence in sentences[::100]:
        assert len(Parse(grammar(), sentence).trees()) == 1


def test_the_number_of_sentences_is_exact() -> None:
    every = _all_sentences(START, 3, 100)
    assert DEFAULT.count(3) == len(every) == len(set(every))
    assert DEFAULT.count(6) > 10**6
    assert DEFAULT.count(30) > 10**30
    assert DEFAULT.count(1) == 0


@cache
def _all_sentences(symbol: str, length: int, most: int) -> list[tuple[str, ...]]:
    """By plain enumeration, from at most so many words of each list."""
    if not is_symbol(symbol):
        return [(symbol,)] if length == (symbol not in MARKS) else []
    if symbol in grammar().words:
        return [(entry.english,) for entry in grammar().words[symbol][:most]] if length == 1 else []
    found = []
    for rule in grammar().rules[symbol]:
        for lengths in _splits([item in MARKS for item in rule.english], length):
            parts = [_all_sentences(item, each, most) for item, each in zip(rule.english, lengths, strict=True)]
            found += [tuple(word for part in each for word in part) for each in product(*parts)]
    return found


def _splits(marks: list[bool], length: int) -> Iterator[tuple[int, ...]]:
    if not marks:
        if length == 0:
            yield ()
        return
    for here in [0] if marks[0] else range(1, length + 1):
        yield from ((here, *rest) for rest in _splits(marks[1:], length - here))


def test_all_lengths_are_as_likely() -> None:
    pairs = DEFAULT.pairs(5600, seed=1)
    found = Counter(pair.length for pair in pairs)
    assert set(found) == set(range(3, 31))
    assert 130 < min(found.values()) <= max(found.values()) < 280  # 200 each, give or take
    assert all(pair.length == sum(word not in (",", ".") for word in pair.source) for pair in pairs)


@pytest.mark.parametrize("length", [3, 4, 17, 30, 60])
def test_sentences_of_a_length(length: int) -> None:
    for part in ("train", "valid"):
        pairs = DEFAULT.pairs(5, seed=0, length=range(length, length + 1), part=part)
        assert [pair.length for pair in pairs] == [length] * 5
        assert {DEFAULT.part_of(pair.source) for pair in pairs} == {part}


def test_each_word_is_common_enough_to_be_learned() -> None:
    pairs = DEFAULT.pairs(10_000, seed=0)
    for side, vocabulary in zip(("source", "target"), DEFAULT.vocabulary, strict=True):
        counts = Counter(word for pair in pairs for word in _small(getattr(pair, side)))
        assert set(counts) == set(vocabulary)
        assert min(counts.values()) >= 75


def test_the_same_seed_draws_the_same() -> None:
    first = DEFAULT.pairs(50, seed=3)
    assert GlassPairs().pairs(80, seed=3)[:50] == first
    assert DEFAULT.pairs(50, seed=4) != first
    assert DEFAULT.example() == GlassPairs().example()
    assert max(gaps(DEFAULT.translate(DEFAULT.split(DEFAULT.example())))) >= FAR


def test_other_lengths_are_other_languages_to_a_run() -> None:
    assert GlassPairs().fingerprint == DEFAULT.fingerprint != GlassPairs(3, 12).fingerprint
    assert max(pair.length for pair in GlassPairs(3, 12).pairs(100, 0)) == 12
    for shortest, longest in [(2, 10), (10, 9), (3, 61)]:
        with pytest.raises(ValueError, match="no sentences have"):
            GlassPairs(shortest, longest)
    for length in (range(2, 5), range(5, 5), range(60, 62)):
        with pytest.raises(ValueError, match="ask for sentences of 3 to 60 words"):
            DEFAULT.pairs(1, 0, length)


def test_a_capital_at_the_beginning_may_be_left_out() -> None:
    for typed, said in [("the dog slept.", "Vafi li nolem ki."), ("mia slept.", "Mia nolem ko.")]:
        assert DEFAULT.translate(DEFAULT.split(typed)).target_text == said
    for typed in ("the dog slept.", "The dog slept."):
        assert DEFAULT.part_of(DEFAULT.split(typed)) == DEFAULT.part_of(["The", "dog", "slept", "."])


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("The dog.", "cannot say '.' as word 3: there could be 'and', 'brought'"),
        ("The ball slept.", "cannot say 'slept' as word 3: there could be 'and', 'of', 'that', 'was', 'will'"),
        ("Mia saw a zebra.", "have no word 'zebra' \\(word 4\\)"),
        ("Mia slept", "is not finished: as word 3 there could be ','"),
        ("", "is not finished: as word 1 there could be 'Anna'"),
        ("Mia slept. Tom sang.", "ends at word 3, but more follows: translate one sentence"),
        ("Mia and Tom was happy.", "cannot say 'was' as word 4"),
        ("Mia said that Tom will sing.", "cannot say 'will' as word 5"),
    ],
)
def test_what_is_not_of_the_grammar_is_refused_with_its_place(typed: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        DEFAULT.translate(DEFAULT.split(typed))
    assert "\n" not in str(caught.value)


def test_the_second_language_has_no_english_words_but_names() -> None:
    english, lirumo = map(set, DEFAULT.vocabulary)
    assert english & lirumo == {*lexicon.NAMES, ",", "."}
    assert {word for word in lirumo if not word.isascii()} == set()
    said = [entry.target for symbol, entries in grammar().words.items() if "many" not in symbol for entry in entries]
    assert len(said) - len(set(said)) == sum(len(text.strip().splitlines()) for text in lexicon.VERBS.values())


def test_it_speaks_of_what_the_glass_box_tells_of() -> None:
    english = set(DEFAULT.vocabulary[0])
    assert {*PETS.words(""), *HOMES.words(""), *DAYS.words("")} <= english
    follow_a = [key for key in grammar().words if key in ("Mood", "Size", "Colour") or key.startswith("Noun")]
    assert all(entry.english[0] not in "aeiou" for key in follow_a for entry in grammar().words[key])  # no "an"


def test_every_spelling_is_a_token(drawn: list[Pair]) -> None:
    tokenizer = train_tokenizer("word", DEFAULT.spellings, 4096)
    assert tokenizer.vocab_size == len(DEFAULT.spellings) + 2
    for pair in drawn[:300]:
        for side in (pair.source_text, pair.target_text):
            pieces = tokenizer.encode(side).pieces
            assert UNKNOWN not in pieces
            assert [piece.strip() for piece in pieces] == DEFAULT.split(side)


def test_what_is_held_out_is_in_no_training_part() -> None:
    first, other = open_corpus("glass-box-pairs:pairs=4000,longest=4"), open_corpus("glass-box-pairs:pairs=4000,seed=9")
    assert first.train != other.train
    assert first.valid != other.valid
    valid = {*first.valid, *other.valid}
    assert not valid & {*first.train, *other.train}
    for text in [*first.train[:200], *first.valid[:200]]:
        source, _, target = text.partition("\t")
        assert DEFAULT.translate(DEFAULT.split(source)).target_text == target
