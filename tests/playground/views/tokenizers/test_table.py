"""The table to decide by: its figures are counted anew, the notice follows from them, an error stays with its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from playground.views.tokenizers import choosing, table, table_words
from playground.views.tokenizers.table_words import Line
from tests.playground.views.tokenizers.deciding import TRAINED, drawn, tables, tokenizer, words
from zoo.tokenizers.presets import PRESETS
from zoo.tokenizers.table import Row, row

TEXT = "The quick brown fox\njumps over 12 zebras ☃!"


@pytest.fixture(autouse=True)
def trained(monkeypatch):
    monkeypatch.setattr(choosing, "tokenizer", tokenizer)


def test_the_figures_are_those_of_the_library():
    main = {line[0]: line[1:] for line in tables(drawn("table", TEXT, *TRAINED))[0]}
    for place, each in enumerate(TRAINED.values()):
        ids = each.raw.encode(TEXT, add_special_tokens=False).ids
        back = each.raw.decode(ids, skip_special_tokens=False)
        assert main["Tokens"][place] == str(len(ids))
        assert main["Characters per token"][place] == f"{len(TEXT) / len(ids):.2f}"
        assert main["Bytes per token"][place] == f"{len(TEXT.encode()) / len(ids):.2f}"
        assert main["Comes back"][place] == ("yes" if back == TEXT else "no")
        assert main["Vocabulary"][place] == str(each.raw.get_vocab_size())
        assert main["Embedding at width 768"][place] == f"{each.raw.get_vocab_size() * 768:,}"
        assert float(main["MB encoded per second"][place]) > 0


def test_another_width_costs_another_embedding():
    page = drawn("table", TEXT, "bpe")
    page.select_slider(key=table.WIDTH).set_value(4096).run()
    main = {line[0]: line[1:] for line in tables(page)[0]}
    assert main["Embedding at width 4,096"] == [f"{TRAINED['bpe'].vocab_size * 4096 / 1e6:.1f} M"]


def test_a_width_that_is_none_of_these_is_not_taken():
    assert "Embedding at width 768" in str(
        tables(drawn("table", TEXT, "bpe", **{table.WIDTH.replace(".", "_"): 10**9}))
    )


@pytest.mark.parametrize("kinds", [("bpe", "lost", "char"), ("lost",)])
def test_an_error_is_one_sentence_and_the_others_stay(kinds):
    page = drawn("table", TEXT, *kinds)
    assert [each.value for each in page.error] == [
        "**lost \\*x\\***: The process took longer than 5 seconds; choose \\<another\\>\\."
    ]
    assert len(tables(page)) == (2 if "bpe" in kinds else 0)
    if "bpe" in kinds:
        assert [line[2] for line in tables(page)[0][1:]] == ["–"] * 8


def test_the_matrix_is_counted_anew_and_its_marks_are_true():
    kinds = list(TRAINED)
    (head, *lines) = tables(drawn("table", TEXT, *kinds))[1]
    assert head[1:] == [f"{kind} \\*x\\*" for kind in kinds]
    assert [line[0] for line in lines] == list(PRESETS)
    for name, *found in lines:
        text = PRESETS[name].text
        for kind, cell in zip(kinds, found, strict=True):
            other = row(TRAINED[kind], text=text, width=1)
            mark = " ✗" if other.unread else "" if other.round_trip.lossless else " ≈"
            assert cell == f"{len(text) / other.tokens:.2f}{mark}"


def test_what_is_lost_is_told():
    said = words(drawn("table", "The Fox sat", "wordpiece", "bpe"))
    assert "The first difference is at character 1: `The␣Fox␣sat` stood there, and `the␣fox␣sat` came back." in said
    assert "capital letters in 2 places (such as `The` → `the`)" in said
    assert "**bpe \\*x\\***: the tokens give the text back, character by character." in said


def test_a_long_text_is_cut_and_that_is_said():
    text = "the fox jumps over the lazy dog. " * 4000
    page = drawn("table", text, "bpe")
    assert "Measured on the first 50,000 of 132,000 characters, the speed on the first 20,000." in words(page)
    tokens = len(TRAINED["bpe"].encode(text[:50_000]).ids)
    assert tables(page)[0][1] == ["Tokens", f"{tokens:,}"]


def test_what_cannot_be_encoded_is_one_sentence():
    page = drawn("table", "a\ud800", "bpe", "char")
    assert len(page.error) == 2
    assert all("The text is not valid Unicode" in each.value for each in page.error)
    assert len(tables(page)) == 1  # the presets


# --- words -------------------------------------------------------------------------------------


def made(title: str, tokens: int, unread: int = 0, lossless: bool = True) -> Line:
    found: Row = row(TRAINED["char"], text="some text" * 10, width=8)
    trip = replace(found.round_trip, lossless=lossless)
    return Line(
        title,
        replace(found, tokens=tokens, characters_per_token=90 / tokens, unread=unread, round_trip=trip),
        1.0,
    )


def nothing(title: str) -> Line:
    """WordPiece of a text of blanks."""
    return Line(title, row(TRAINED["wordpiece"], text="  ", width=8), 1.0)


def test_what_makes_no_token_is_not_said_to_read_the_text():
    assert table_words.notice([nothing("B")]) == "**B** makes no token of it."


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([made("A", 10), made("B", 25)], "**A** needs the fewest tokens, 10; **B** needs 2.5 times as many"),
        ([made("A", 25), made("B", 10)], "**B** needs the fewest tokens, 10; **A** needs 2.5 times as many"),
        ([made("A", 10), made("B", 10)], "**A** and **B** need equally many tokens for this text: 10."),
        ([made("A", 10), made("B", 5, 9, False)], "**A** alone gives this text back unchanged, with 10 tokens."),
        ([made("A", 10, 45, False)], "**A** does not read 50.0 % of the characters, so its figures say little."),
        ([made("A", 10, 1, False)], "**A** does not read 1.1 % of the characters."),
        ([made("A", 10, 0, False), made("B", 9, 0, False)], "None of these tokenizers gives this text back unchanged."),
        ([made("A", 10), made("B", 9, 0, False)], "**B** reads all of it, but not as it was written"),
        ([made("A", 10), made("B", 1, 90, False)], "**B** reads nothing of this text."),
        ([made("A", 10), nothing("B")], "**B** makes no token of it."),
        ([nothing("B")], "**B** makes no token of it."),
        ([Line("A", None, None)], "There is nothing to count"),
    ],
)
def test_the_notice_follows_from_the_figures(lines, expected):
    assert expected in table_words.notice(lines)


def test_the_best_is_among_those_that_lose_nothing():
    found = table_words.main([made("A", 10), made("B", 5, 0, False), made("C", 20)], 8).rows[1]
    assert found == ["Characters per token", "**9.00**", "18.00", "4.50"]
    assert table_words.longest([None, 2.0, 3.0, 3.0]) == {2, 3}
    assert table_words.longest([2.0]) == table_words.longest([None, None]) == set()


@pytest.mark.parametrize(("ratio", "expected"), [(2.5, "2.5 times"), (1.02, "1.020 times")])
def test_a_small_difference_is_not_rounded_away(ratio, expected):
    assert table_words.times(ratio) == expected


def test_two_of_one_name_stay_apart():
    page = AppTest.from_string(
        "from playground.views.tokenizers.grid import Grid, grid\n"
        "grid(Grid(['', 'A', 'A'], [['x', '1', '2']]), alt='two')"
    ).run()
    assert tables(page) == [[["", "A", "A (2)"], ["x", "1", "2"]]]


def test_the_legend_says_how_the_speed_is_measured():
    assert "the median of repeated encodings of this text" in table_words.LEGEND
    assert "a new text is slower" in table_words.LEGEND
