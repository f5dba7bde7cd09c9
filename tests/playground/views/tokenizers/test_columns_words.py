"""What is to be noticed in the columns: true of the text and the tokenizers in hand, and worked out by hand here."""

from __future__ import annotations

import pytest

from playground.components.columns import Shown
from playground.views.tokenizers.columns_words import notice, special
from zoo.tokenizers import train_tokenizer
from zoo.tokenizers.cut import cut

CORPUS = ["The cat sat on the mat. Cafe, café, cat, sat!"] * 3
TRAINED = {
    kind: train_tokenizer(kind, CORPUS, 300) for kind in ("byte", "char", "word", "bpe-char", "wordpiece", "unigram")
}


def said(text: str, *kinds: str, most: int = 400) -> str:
    return notice(text, [Shown(kind, kind, cut(TRAINED[kind], text=text, most=most)) for kind in kinds])


@pytest.mark.parametrize(
    ("text", "kinds", "sentence"),
    [
        ("cats", ["byte", "char"], "The 2 tokenizers agree on all 3 boundaries."),
        ("ca", ["byte", "char"], "The 2 tokenizers agree on the one boundary."),
        ("cat cat", ["word", "byte"], "The 2 tokenizers agree on 1 of the 6 boundaries that any of them has."),
        ("sat cat", ["wordpiece", "word"], "The 2 tokenizers agree on the one boundary."),
        ("The", ["wordpiece"], "wordpiece drops the capital of `The`."),
        ("café", ["wordpiece"], "wordpiece drops the accent of `café`."),
        ("CAFÉ", ["wordpiece"], "wordpiece drops capital and accent of `CAFÉ`."),
        ("ｃat", ["unigram"], "unigram writes `c` for `ｃ`."),
        ("The 你 sat", ["byte", "word"], "1 of the 3 tokens of word means “unknown”, the first of them for `␣你`."),
        ("你 你", ["word"], "Every token of word means “unknown”, the first of them for `你`."),
        ("cafe\u0301", ["unigram"], "unigram writes `e\u0301` with 1 character, where the text has 2."),
        ("cat 你", ["byte"], "byte spreads the 3 bytes of `你` over 3 tokens."),
        ("cat  sat", ["wordpiece"], "2 blanks are in no token of wordpiece."),
        ("cat\0 sat", ["wordpiece"], "2 characters are in no token of wordpiece."),
        ("cat cat", ["byte", "word"], "byte makes 3.5 times as many tokens of this text as word."),
    ],
)
def test_what_is_said(text, kinds, sentence):
    assert sentence in said(text, *kinds)


def test_what_is_not_so_is_not_said():
    words = said("cat sat", "byte", "char")
    assert words == "The 2 tokenizers agree on all 6 boundaries."
    assert said("The", "word") == ""
    assert said("", "word", "byte") == ""
    assert notice("cat", [Shown("a", "a", None, "It failed.")]) == ""


def test_of_a_long_text_only_what_is_shown_is_compared_and_that_is_said():
    words = said("cat " * 500, "byte", "char", most=10)
    assert words.startswith("The 2 tokenizers agree on all 9 boundaries in the first 10 characters, which all of them")


def test_who_makes_more_tokens_never_makes_one_times_as_many():
    tokens = train_tokenizer("byte", []), TRAINED["char"]
    text = "cat " * 30 + "é"
    shown = [Shown(name, name, cut(each, text=text)) for name, each in zip("ab", tokens, strict=True)]
    assert "a makes 1.008 times as many tokens of this text as b." in notice(text, shown)


def test_blanks_are_counted_in_what_is_shown_and_that_is_said():
    assert "2 blanks of the first 11 characters are in no token of wordpiece." in said(
        "cat sat cat sat cat", "wordpiece", most=3
    )


def test_a_split_character_at_the_end_of_what_is_shown_is_not_counted():
    assert "spreads" not in said("cat 你", "byte", most=5)


def test_names_are_text_and_nothing_else():
    words = notice("The", [Shown("k", "*a*", cut(TRAINED["wordpiece"], text="The"))])
    assert words == "\\*a\\* drops the capital of `The`."


def test_each_special_token_is_named_with_its_tokenizers_and_many_are_counted():
    assert special([("A", []), ("B", [])]) == ""
    said = special([("A", ["<s>"]), ("*B*", ["<s>", "<e>"])])
    assert said.startswith(
        "Special tokens stand in this text: `<s>` of **A** and **\\*B\\***; `<e>` of **\\*B\\***. They"
    )
    assert "; and 2 more. They" in special([("A", list("abcde"))])
