"""When to choose which: every sentence follows from the figures beside it, and turns when they turn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from playground.views.tokenizers import choosing, when
from playground.views.tokenizers.lab import Column
from playground.views.tokenizers.table import WIDTH
from playground.views.tokenizers.when import claims, pieces, size, texts
from playground.views.tokenizers.when.seen import Seen
from tests.playground.views.tokenizers.deciding import TRAINED, drawn, tables, tokenizer, words
from zoo.tokenizers import train_tokenizer
from zoo.tokenizers.across import Cost, Number, across
from zoo.tokenizers.fertility import Share, fertility
from zoo.tokenizers.presets import PRESETS
from zoo.tokenizers.table import embedding_rows

FINE = Cost(100, 25, 4.0, 5, 0, True, [], [Number("12", [1, 1]), Number("34", [1, 1])])
SHARES = (Share("English", 10, 1.0, 5, 2.0, 4.0, 4.0, 0.0), Share("Thai", 30, 3.0, None, None, 2.0, 6.0, 0.0))


def made(
    title: str = "A", rows: int = 1000, shares: tuple[Share, ...] = SHARES, apart: bool = True, **changed: Cost
) -> Seen:
    costs = dict.fromkeys(PRESETS, FINE)
    return Seen(title, costs | {name.replace("_", " "): cost for name, cost in changed.items()}, shares, rows, apart)


def dearer(premium: float, unread: float = 0.0) -> tuple[Share, ...]:
    return (SHARES[0], replace(SHARES[1], premium=premium, unread_share=unread))


LOSSY = replace(FINE, lossless=False, lost=["spaces", "case"])
UNKNOWN = replace(FINE, lossless=False, lost=["unknown"], unread=50)


# --- each sentence, either way -----------------------------------------------------------------


def test_english_goes_to_the_longest_tokens_that_lose_nothing():
    short, long = made("A"), made("B", Plain_English=replace(FINE, characters_per_token=5.0))
    assert texts.long_english([short, long]).sentence == (
        "**B**: 1,024 of its tokens hold about 5,120 characters, 1.2 times as many as those of **A**."
    )
    lossy = made("B", Plain_English=replace(LOSSY, characters_per_token=5.0))
    assert texts.long_english([short, lossy]).sentence.startswith("**A**: 1,024 of its tokens hold about 4,096")
    assert texts.long_english([lossy]).sentence.startswith("None of these")
    assert texts.long_english([short, made("C")]).sentence == (
        "**A** and **C**: 1,024 of its tokens hold about 4,096 characters."
    )


def test_any_text_goes_to_what_brings_all_back():
    said = texts.anything([made("A"), made("B", Code=LOSSY, DNA=UNKNOWN)])
    assert said.sentence == (
        "**A** brings all 10 example texts back unchanged. **B** loses spaces and line breaks in 1, capital letters in "
        "1, what is unknown to it in 1 of them."
    )
    assert said.rows == [["A", "10 of 10", "none"], ["B", "8 of 10", "5.0 %"]]
    assert texts.anything([made("B", Code=LOSSY)]).sentence.startswith("None of these brings all")


def test_code_goes_to_what_keeps_the_indentation():
    said = texts.code([made("A"), made("B", Code=LOSSY)]).sentence
    assert "**A**: each token holds 4.00 characters" in said
    assert "**B** loses blanks, line breaks or signs of it: a model could not write code that runs with it." in said
    turned = texts.code([made("A", Code=UNKNOWN), made("B")]).sentence
    assert "**B**: each token holds 4.00" in turned
    assert "**A** loses" in turned
    assert "None of these gives the Python example back." in texts.code([made("A", Code=LOSSY)]).sentence


def test_languages_go_to_the_lowest_of_the_highest_prices():
    assert texts.languages([made("A"), made("B", shares=dearer(2.0))]).sentence.startswith(
        "**B**: of the languages in the chart, Thai pays the most, 2.00 times what English pays. With **A** "
        "Thai pays 3.00"
    )
    assert texts.languages([made("A"), made("B", shares=dearer(0.1, 0.9))]).sentence.startswith("**A**:")
    assert texts.languages([made("B", shares=dearer(0.1, 0.9))]).sentence.startswith("None of these reads all")


@pytest.mark.parametrize(
    ("numbers", "way", "said"),
    [
        ([Number("12", [1, 1])], "digit by digit", "**A** gives every digit a token of its own"),
        ([Number("12", [2]), Number("34", [2])], "in even pieces", "**A** puts up to 2 digits in a token, and cuts"),
        (
            [Number("12", [2]), Number("34", [1, 1])],
            "in changing pieces",
            "**A** cuts `12` not at all, but `34` into `3` + `4`: numbers of one length look different",
        ),
        ([Number("12", []), Number("34", [2])], "not read", "**A** does not know 1 of the 2 numbers"),
    ],
)
def test_arithmetic_looks_at_how_numbers_are_cut(numbers, way, said):
    claim = pieces.arithmetic([made(Numbers=replace(FINE, numbers=numbers))])
    assert said in claim.sentence
    assert claim.rows[0][1] == way
    assert ("None of these gives every digit" in claim.sentence) == (way != "digit by digit")


def test_letters_go_to_what_shows_them():
    letters = replace(FINE, single=25)
    single = made("B", Rare_words=letters, DNA=letters)
    said = pieces.letters([made("A"), single]).sentence
    assert said.startswith(
        "**B**: 100.0 % of the tokens of rare words and DNA are single characters. With **A** 20.0 %"
    )
    assert pieces.letters([made("A")]).sentence.startswith(
        "None of these shows letters by themselves. The nearest is **A**"
    )
    assert pieces.letters([made("A", DNA=UNKNOWN)]).sentence.startswith("None of these reads all")


def test_memory_goes_to_the_smallest_vocabulary_and_its_price_is_named():
    small = made("A", 768)
    large = made("B", 7680, Plain_English=replace(FINE, tokens=20))
    said = size.small([large, small], 64).sentence
    assert said == (
        "**A**: at width 64 the embedding has 49,152 parameters, as many as 1.00 transformer blocks (12 · 64² each). "
        "That of **B** has 491,520, as many as 10.00 blocks. The small vocabulary pays with longer texts: 25 tokens "
        "against 20 for the same English text."
    )
    wasted = size.small([small, made("B", 7680)], 64).sentence
    assert "The larger vocabulary saves nothing here: 25 tokens against 25" in wasted
    assert "That of" not in size.small([small], 64).sentence


def test_search_goes_to_what_forgets_capitals():
    assert size.search([made("A"), made("B", French=LOSSY)]).sentence.startswith("**B** takes capital letters away")
    assert size.search([made("A"), made("C")]).sentence == (
        "None of these takes capital letters or accents away: “The” and “the” are different tokens in each."
    )


def test_the_and_the_are_said_to_differ_only_where_they_do():
    said = size.search([made("A"), made("C", apart=False)]).sentence
    assert said == "None of these takes capital letters or accents away."


@pytest.mark.parametrize(("words", "apart"), [("The the cat", True), ("A cat", False)])
def test_two_words_that_are_both_unknown_are_the_same_to_it(monkeypatch, words, apart):
    monkeypatch.setitem(TRAINED, "small", train_tokenizer("word", [words], 300))
    assert when._seen(Column(f"small:{words}", "small", "small"), 64).the_apart == apart


# --- on the page -------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def trained(monkeypatch):
    monkeypatch.setattr(choosing, "tokenizer", tokenizer)


def test_the_page_says_what_follows_from_the_tokenizers_on_it():
    page = drawn("when", "", "bpe", "wordpiece", "char")
    seen = [
        Seen(f"{kind} *x*", across(TRAINED[kind]), fertility(TRAINED[kind]), embedding_rows(TRAINED[kind]), True)
        for kind in ("bpe", "wordpiece", "char")
    ]
    found = claims(seen, 768)
    assert len(found) == 8
    for claim, table in zip(found, tables(page), strict=True):
        assert claim.sentence in words(page)
        assert table == [claim.header, *claim.rows]


def test_the_width_of_the_table_counts():
    page = drawn("when", "", "bpe", "char", **{WIDTH.replace(".", "_"): 64})
    assert "at width 64 the embedding has" in words(page)


def test_an_error_is_one_sentence_and_the_others_stay():
    page = drawn("when", "", "bpe", "lost")
    assert len(page.error) == 1
    assert all(len(table) == 2 for table in tables(page))
    assert len(tables(page)) == 8
    assert not tables(drawn("when", "", "lost"))
