"""Who pays more: the chart holds what was counted, sorted; the sentence follows from it; errors stay with their own."""

from __future__ import annotations

import json

import pytest

from playground.views.tokenizers import choosing, fertility, fertility_words
from playground.views.tokenizers.fertility_words import MEASURES
from tests.playground.views.tokenizers.deciding import TRAINED, drawn, tables, tokenizer, words
from zoo.tokenizers.fertility import Share
from zoo.tokenizers.fertility import fertility as zoo_fertility
from zoo.tokenizers.presets import PARALLEL


@pytest.fixture(autouse=True)
def trained(monkeypatch):
    monkeypatch.setattr(choosing, "tokenizer", tokenizer)


def share(language: str, premium: float, unread: float = 0.0, words: int | None = 10) -> Share:
    tokens = round(20 * premium)
    return Share(language, tokens, premium, words, tokens / words if words else None, 3.0, 4.0, unread)


# --- the part on the page ----------------------------------------------------------------------


@pytest.mark.parametrize("name", MEASURES)
def test_the_chart_and_the_table_hold_what_the_library_counts(name):
    page = drawn("fertility", "", "bpe", "word")
    page.segmented_control(key=fertility.MEASURE).set_value(name).run()
    assert not page.exception
    traces = json.loads(page.get("plotly_chart")[0].proto.spec)["data"]
    (head, *lines) = tables(page)[0]
    assert len(traces) == len(head) - 1 == 2
    counted = {}
    for language, each in PARALLEL.items():
        tokens, english = (len(TRAINED["bpe"].raw.encode(text).ids) for text in (each.text, PARALLEL["English"].text))
        counted[language] = {
            "Against English": tokens / english,
            "Per word": tokens / len(each.text.split()) if each.spaces else None,
            "Per character": len(each.text) / tokens,
            "Tokens": tokens,
        }[name]
    known = {language: value for language, value in counted.items() if value is not None}
    assert dict(zip(traces[0]["y"], traces[0]["x"], strict=True)) == pytest.approx(known)
    assert traces[0]["x"] == sorted(known.values(), reverse=True)
    written = {line[0]: line[1] for line in lines}
    assert written == {lang: f"{value:,}" if name == "Tokens" else f"{value:.2f}" for lang, value in known.items()}
    assert all(line[2].endswith(" ✗") for line in lines if line[0] == "Thai")


def test_an_error_is_one_sentence_and_the_others_stay():
    page = drawn("fertility", "", "lost", "char")
    assert len(page.error) == 1
    assert len(page.get("plotly_chart")) == 1
    alone = drawn("fertility", "", "lost")
    assert len(alone.error) == 1
    assert not alone.get("plotly_chart")


def test_the_paragraph_can_be_read():
    page = drawn("fertility", "", "char")
    page.selectbox(key=fertility.LANGUAGE).set_value("Korean").run()
    assert page.text[0].value == PARALLEL["Korean"].text


def test_the_notice_is_on_the_page():
    assert "With **char \\*x\\***" in words(drawn("fertility", "", "char"))


# --- words -------------------------------------------------------------------------------------


def test_the_notice_names_the_dearest_and_the_cheapest():
    said = fertility_words.notice([("A", [share("English", 1), share("Thai", 4), share("Greek", 1.5)])])
    assert said == (
        "With **A**, Thai pays the most, 4.00 times the tokens of English, and Greek the least, 1.50 times."
    )


def test_what_is_not_read_does_not_count_as_cheap():
    said = fertility_words.notice([("A", [share("English", 1), share("Thai", 0.1, 0.9), share("Greek", 1.5)])])
    assert "Greek pays the most" in said
    assert "leaves more than a tenth of the text unread in 1 of 3 languages" in said
    none = fertility_words.notice([("A", [share("English", 1, 0.2), share("Thai", 0.1, 0.9)])])
    assert none == "**A** leaves more than a tenth of the text unread in all 2 languages (hollow marks)."


def test_against_english_that_is_not_read_nothing_is_said():
    said = fertility_words.notice([("A", [share("English", 1, 0.9), share("Thai", 9)])])
    assert said.startswith("**A** does not read the English that the others are measured against")
    assert "pays" not in said


def test_the_order_is_by_those_that_read_the_language():
    one = [share("English", 1), share("Thai", 2), share("Greek", 3), share("Hindi", 0.1, 1.0)]
    other = [share("English", 1), share("Thai", 9), share("Greek", 30, 0.5), share("Hindi", 9, 1.0)]
    languages, marks = fertility_words.marks([("A", one), ("B", other)], MEASURES["Against English"])
    assert languages == ["Thai", "Greek", "English", "Hindi"]
    assert marks[1].hollow == [False, True, False, True]
    assert marks[0].values == [2, 3, 1, 0.1]


def test_languages_without_spaces_have_no_tokens_per_word():
    languages, _ = fertility_words.marks(
        [("A", [share("English", 1), share("Thai", 2, words=None)])], MEASURES["Per word"]
    )
    assert languages == ["English"]


def test_why_vietnamese_has_no_tokens_per_word_is_said():
    shown, _ = fertility_words.marks([("A", zoo_fertility(TRAINED["char"]))], MEASURES["Per word"])
    assert "Vietnamese" not in shown
    assert "in Vietnamese it stands between syllables" in fertility_words.caption(MEASURES["Per word"])
