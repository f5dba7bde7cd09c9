"""How it got there, on the page: the piece of a clicked token, each merge, the walk, the lattice, and every failure."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import tokenizers
from streamlit.testing.v1 import AppTest
from tokenizers import decoders, models

from playground.text import number, quoted
from playground.views.tokenizers import choosing, columns, how
from playground.views.tokenizers.keys import key
from tests.playground.helpers import unpack
from zoo.tokenizers import Tokenizer, train_tokenizer
from zoo.tokenizers.explain import Lattice, Merges, Walk, explain

PART = """
import streamlit as st
from playground.views.tokenizers import how
from playground.views.tokenizers.lab import Column, Lab
columns = [Column("how:" + name, title, kind) for name, title, kind in st.session_state["the columns"]]
how.draw(Lab(st.session_state["the text"], columns))
"""
CORPUS = ["She walked and talked, he walks and talks. Walking is slow, talking is slower."] * 5
TRAINED = {
    kind: train_tokenizer(kind, CORPUS, 300) for kind in ("byte", "char", "word", "bpe", "bpe-char", "unigram")
} | {"wordpiece": train_tokenizer("wordpiece", CORPUS, 40)}
TEXT = "He walked and talked"


@pytest.fixture(autouse=True)
def trained(monkeypatch: pytest.MonkeyPatch) -> None:
    def tokenizer(column: Any) -> Tokenizer:
        if column.kind not in TRAINED:
            raise LookupError("this one is not <here>")
        return TRAINED[column.kind]

    monkeypatch.setattr(choosing, "tokenizer", tokenizer)


def drawn(text: str, *kinds: str, **state: Any) -> AppTest:
    """The part for these kinds; each is its own title, but for "kind=title"."""
    page = AppTest.from_string(PART, default_timeout=60)
    page.session_state["the text"] = text
    named = [(each, *reversed((each + "=" + each).split("=")[:2])) for each in kinds]
    page.session_state["the columns"] = [(name, title, kind) for name, title, kind in named]
    for name, value in state.items():
        page.session_state[name] = value
    return ran(page)


def ran(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception, page.exception
    return page


def pieces(page: AppTest) -> dict[str, tuple[list[str], list[int]]]:
    """Each row of pieces on the page: its key, its texts and which of them are lit."""
    heads = [unpack(each.proto.bytes)[0] for each in page.get("bidi_component")]
    return {head["key"]: (head["texts"], head["lit"]) for head in heads}


def words(page: AppTest) -> str:
    return "\n".join(each.value for each in (*page.markdown, *page.caption))


def click(page: AppTest, column: str, position: int) -> AppTest:
    page.session_state[columns.SELECTED] = (f"how:{column}", position)
    return ran(page)


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click()
    return ran(page)


@pytest.mark.parametrize("kind", TRAINED)
@pytest.mark.parametrize("text", [TEXT, " ", "x", "\0", "Zoë 👩‍💻\n你", "`*_[x](y)$"])
def test_every_kind_explains_every_text(kind: str, text: str) -> None:
    page = drawn(text, kind)
    assert not page.error
    found = explain(TRAINED[kind], text)
    for i, stage in enumerate(found.stages, start=1):
        assert pieces(page)[key("stage", str(i))][0] == stage.pieces
    if not found.words:
        assert "Nothing of this text reaches the model" in page.info[0].value
    else:
        assert len(page.selectbox(key=how.WORD).options) == len(found.words)


def test_each_merge_is_shown_in_order_by_button_and_slider() -> None:
    page = drawn(TEXT, "bpe")
    page.selectbox(key=how.WORD).set_value("2 · ␣walked")
    ran(page)
    word = explain(TRAINED["bpe"], TEXT).words[1]
    assert isinstance(word, Merges)
    assert pieces(page)[key("symbols")] == (word.start, [])
    for n, step in enumerate(word.steps, start=1):
        press(page, "Merge")
        assert pieces(page)[key("symbols")] == (step.symbols, [step.at])
        assert f"Merge {n}: {quoted(step.left)} and {quoted(step.right)}, rank {step.rank}" in words(page)
    assert pieces(page)[key("symbols")][0] == word.pieces
    assert f"The ids are {', '.join(map(str, word.ids))}." in words(page)
    press(press(page, "Merge"), "Back")
    assert pieces(page)[key("symbols")][0] == word.steps[-2].symbols
    page.slider(key=key("merge")).set_value(0)
    assert pieces(ran(page))[key("symbols")] == (word.start, [])


def test_another_piece_begins_before_its_first_merge() -> None:
    page = press(drawn(TEXT, "bpe"), "Merge")
    page.selectbox(key=how.WORD).set_value("4 · ␣talked")
    ran(page)
    assert page.slider(key=key("merge")).value == 0
    assert pieces(page)[key("symbols")][0] == list(" talked")


UNMERGED = "No two neighbours of this piece stand in the list of merges"


def of_characters(monkeypatch: pytest.MonkeyPatch, merges: list[tuple[str, str]], **settings: Any) -> None:
    """The kind "made": BPE of "a", "b" and their merges, which writes all else as bytes."""
    symbols = ["<unk>", "a", "b", *("".join(pair) for pair in merges), *(f"<0x{byte:02X}>" for byte in range(256))]
    vocab = {symbol: i for i, symbol in enumerate(dict.fromkeys(symbols))}
    raw = tokenizers.Tokenizer(models.BPE(vocab, merges, byte_fallback=True, unk_token="<unk>", **settings))
    raw.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    monkeypatch.setitem(TRAINED, "made", Tokenizer(raw))


def test_a_piece_without_merges_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    of_characters(monkeypatch, [("a", "b")])
    for text, shown in (("ba", ["b", "a"]), ("é", ["<0xC3>", "<0xA9>"])):
        page = drawn(text, "made")
        assert UNMERGED in words(page)
        assert pieces(page)[key("symbols")][0] == shown
    assert "one symbol from the start" in words(drawn("a", "made"))


def test_of_a_piece_too_long_to_list_nothing_is_said_of_its_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    of_characters(monkeypatch, [("a", "b")])
    page = drawn("ab" + "👩" * 60, "made")
    assert pieces(page)[key("symbols")][0][0] == "ab"
    assert UNMERGED not in words(page)
    assert "With 242 symbols it is too long to list its merges" in words(page)


def test_of_a_whole_word_that_the_vocabulary_has_nothing_is_said_of_its_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    of_characters(monkeypatch, [("a", "b")], ignore_merges=True)
    page = drawn("ab", "made")
    assert pieces(page)[key("symbols")][0] == ["ab"]
    assert "symbol" not in words(page)
    assert UNMERGED not in words(page)
    assert "The vocabulary has the whole word, and this tokenizer then needs no merges" in words(page)


def test_a_merge_becomes_what_its_chip_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "è è"
    monkeypatch.setitem(TRAINED, "accents", train_tokenizer("bpe", ["è à è à"] * 5, 300))
    word = explain(TRAINED["accents"], text).words[0]
    assert isinstance(word, Merges)
    assert (word.steps[0].left, word.steps[0].right) == ("<0xC3>", "<0xA8>")
    page = drawn(text, "accents", **{how.WORD: "1 · è"})
    (table,) = page.dataframe
    assert list(table.value["becomes"]) == [each.symbols[each.at] for each in word.steps]
    assert f"`<0xC3>` and `<0xA8>`, rank {word.steps[0].rank}, become `è`." in words(press(page, "Merge"))


def test_a_word_that_is_too_long_for_the_walk_is_not_said_to_have_been_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    page = drawn("a" * 101, "wordpiece")
    assert "A word of more than 100 characters is not even tried" in words(page)
    assert "first character" not in words(page)
    data = json.loads(TRAINED["wordpiece"].raw.to_str())
    data["model"]["max_input_chars_per_word"] = 1000
    monkeypatch.setitem(TRAINED, "long", Tokenizer(tokenizers.Tokenizer.from_str(json.dumps(data))))
    page = drawn("a" * 250, "long")
    assert len(pieces(page)[key("matches")][0]) == 250
    assert "With 250 characters it is too long to list all that was tried" in words(page)
    assert "unknown" not in words(page).partition("In the model")[2]
    assert "first character" not in words(page)


def test_a_character_that_turns_the_words_around_is_written_by_its_number() -> None:
    page = drawn("\u202ewalk\u200d", "char")
    assert page.selectbox(key=how.WORD).options == ["1 · <U+202E>walk<U+200D>"]
    assert "\u202e" not in words(page)
    assert "\u200d" not in words(page)


def test_a_click_opens_the_piece_that_holds_the_token() -> None:
    page = drawn(TEXT, "word", "bpe", "wordpiece")
    assert page.session_state[how.WHICH] == "how:bpe"  # a word is only looked up
    for kind in ("wordpiece", "bpe"):
        ids = TRAINED[kind].encode(TEXT).ids
        listed = explain(TRAINED[kind], TEXT).words
        owners = [place for place, word in enumerate(listed) for _ in word.ids]
        assert len(owners) == len(ids) > len(listed)
        for position in (0, len(ids) - 1, len(ids) // 2):
            click(page, kind, position)
            assert page.session_state[how.WHICH] == f"how:{kind}"
            assert page.selectbox(key=how.WORD).value.startswith(f"{owners[position] + 1} · ")


def test_after_a_click_the_reader_chooses_again() -> None:
    page = click(drawn(TEXT, "bpe", "wordpiece"), "wordpiece", 0)
    page.selectbox(key=how.WORD).set_value("4 · talked")
    assert ran(page).selectbox(key=how.WORD).value == "4 · talked"
    page.session_state[how.WHICH] = "how:bpe"
    ran(page)
    assert key("symbols") in pieces(page)


def test_a_token_behind_what_is_followed_is_told_and_not_mistaken_for_the_last_piece() -> None:
    text = "walked " * 1000
    page = drawn(text, "bpe")
    before = page.selectbox(key=how.WORD).value
    click(page, "bpe", 1500)
    assert "the first 2,000 of 7,000 characters" in words(page)
    assert [each.value[:55] for each in page.info] == ["Token 1,501, which you clicked, lies beyond the 200 pie"]
    assert page.selectbox(key=how.WORD).value == before
    click(page, "bpe", 3)
    assert not page.info
    assert page.selectbox(key=how.WORD).value != before


def test_two_tokenizers_of_one_title_are_kept_apart() -> None:
    page = drawn(TEXT, "bpe=mine", "wordpiece=mine")
    assert page.session_state[how.WHICH] == "how:bpe=mine"
    assert key("symbols") in pieces(page)
    click(page, "wordpiece=mine", 0)
    assert page.session_state[how.WHICH] == "how:wordpiece=mine"
    assert key("matches") in pieces(page)
    click(page, "bpe=mine", 1)
    assert key("symbols") in pieces(page)


def test_the_walk_tells_what_was_tried_and_found() -> None:
    page = drawn(TEXT, "wordpiece")
    word = next(each for each in explain(TRAINED["wordpiece"], TEXT).words if each.word == "walked")
    assert isinstance(word, Walk)
    assert len(word.matches) > 1
    page.selectbox(key=how.WORD).set_value("2 · walked")
    ran(page)
    assert pieces(page)[key("matches")][0] == word.pieces
    for n, match in enumerate(word.matches, start=1):
        line = next(each.value for each in page.markdown if each.value.startswith(f"{n}. From"))
        refused = [each.text for each in match.tries if not each.found]
        assert re.findall("~~`(.*?)`~~", line) == refused
        assert f"found **{quoted(TRAINED['wordpiece'].raw.id_to_token(match.id))}**, token {match.id}." in line


def test_an_unknown_word_is_said_to_be_unknown() -> None:
    page = drawn("你", "wordpiece")
    assert "The vocabulary has not even the first character, so the whole word becomes the unknown token\\." in words(
        page
    )
    page = drawn("你", "word")
    assert "is not in the vocabulary" in words(page)


def test_the_best_split_adds_up_to_its_score() -> None:
    known = "walked and talked, walks slow"
    page = drawn(known, "unigram")
    found = explain(TRAINED["unigram"], known).words
    assert sum(len(word.ids) for word in found) > len(found)
    scores = dict(json.loads(TRAINED["unigram"].raw.to_str())["model"]["vocab"])
    for i, word in enumerate(found):
        assert isinstance(word, Lattice)
        page.selectbox(key=how.WORD).set_value(how._name(i, word))
        ran(page)
        best = [word.edges[j] for j in word.best]
        total = sum(scores[edge.piece.replace(" ", "▁")] for edge in best)
        line = next(each.value for each in page.markdown if each.value.startswith("**Best split:**"))
        assert line.removesuffix(" (each is rounded to two decimals)").endswith(f"**{number(total)}**")
        assert all(quoted(edge.piece) in line for edge in best)
        assert pieces(page)[key("best")][0] == word.pieces
        if word.second is None:
            assert "no other way to split" in words(page)
        else:
            assert f"**{number(word.second_score)}**" in words(page)


def test_a_long_word_has_no_chart_and_the_page_says_so() -> None:
    page = drawn("walk" * 20, "unigram")
    assert "is left out: 80 characters" in words(page)
    assert not page.get("plotly_chart")


def test_a_tokenizer_that_fails_is_told_in_a_sentence_and_another_can_be_chosen() -> None:
    page = drawn(TEXT, "gone", "bpe")
    assert [each.value for each in page.error] == [r"This one is not \<here\>\."]
    page.session_state[how.WHICH] = "how:bpe"
    assert not ran(page).error
    assert key("symbols") in pieces(page)


def test_a_tokenizer_that_left_is_explained_no_more() -> None:
    page = click(drawn(TEXT, "bpe", "wordpiece"), "wordpiece", 0)
    page.session_state["the columns"] = [("bpe", "bpe", "bpe")]
    ran(page)
    assert page.session_state[how.WHICH] == "how:bpe"
    assert not page.error
