"""The columns' data: what is in no token, what a token stands for, one text one colour, and checked events."""

from __future__ import annotations

import pytest

from playground.components.columns import Shown, hue, is_event, prepare, right_to_left
from tests.playground.helpers import unpack
from zoo.tokenizers import train_tokenizer
from zoo.tokenizers.cut import cut

CORPUS = ["The cat sat on the mat, and the cats sat. Café."] * 3
TEXT = "The  cats 你 sat. "
TRAINED = {kind: train_tokenizer(kind, CORPUS, 300) for kind in ("bpe", "wordpiece", "unigram", "byte")}


def shown(kind: str, text: str = TEXT, most: int = 400) -> Shown:
    return Shown(kind, kind.title(), cut(TRAINED[kind], text=text, most=most))


def columns(*kinds: str, text: str = TEXT, most: int = 400) -> list[dict]:
    return unpack(prepare(text, [shown(kind, text, most) for kind in kinds], "k", None, 0))[0]["columns"]


@pytest.mark.parametrize("kind", list(TRAINED))
@pytest.mark.parametrize("most", [3, 400])
def test_tokens_and_gaps_together_are_the_shown_text(kind, most):
    (told,) = columns(kind, most=most)
    text, before = "", 0
    for gap, (start, end) in zip(told["gaps"], told["spans"], strict=False):
        text += gap + TEXT[max(start, before) : end]
        before = end
    whole = len(told["ids"]) == told["total"]
    assert len(told["gaps"]) == len(told["ids"]) + whole
    assert text + (told["gaps"][-1] if whole else "") == (TEXT if whole else TEXT[:before])


def test_what_wordpiece_drops_and_rewrites_is_told():
    (told,) = columns("wordpiece")
    assert told["names"][0] == "the"
    assert told["sources"][0] == "The"
    assert told["gaps"][:2] == ["", "  "]
    assert told["gaps"][-1] == " "
    unknown = told["unknown"].index(True)
    assert (told["sources"][unknown], told["total_unknown"]) == ("你", 1)


def test_a_split_character_comes_with_its_bytes():
    (told,) = columns("byte", text="a你")
    assert told["parts"][0] == ["a"]
    assert [part for parts in told["parts"][1:] for part in parts] == [
        {"text": "", "bytes": [byte], "char": "你", "first": at, "of": 3} for at, byte in enumerate("你".encode())
    ]


def test_one_text_has_one_colour_in_all_columns_and_one_id_one_within_each():
    found: dict[bytes, set[float]] = {}
    for kind, told in zip(TRAINED, columns(*TRAINED, text=TEXT * 3), strict=True):
        one = cut(TRAINED[kind], text=TEXT * 3)
        assert len(set(zip(one.ids, told["hues"], strict=True))) == len(set(one.ids))
        for written, colour in zip(one.bytes, told["hues"], strict=True):
            found.setdefault(bytes.fromhex(written), set()).add(colour)
    assert all(len(colours) == 1 for colours in found.values())
    assert len({colour for colours in found.values() for colour in colours}) > len(found) * 0.8
    assert hue(b"cat".hex()) != hue(b" cat".hex())


def test_boundaries_that_not_all_have_are_marked():
    one, other = columns("bpe", "byte", text="cats")
    assert one["marks"] == [False] * len(one["ids"])
    cuts = {start for start, _ in cut(TRAINED["bpe"], text="cats").spans}
    assert other["marks"] == [at not in cuts for at in range(4)]


def test_a_column_that_failed_keeps_to_itself():
    failed = Shown("hub:a/b", "a/b", None, "The Hub did not answer.")
    head, _ = unpack(prepare(TEXT, [shown("bpe"), failed], "k", ("bpe", 1), 400))
    assert head["columns"][1] == {"key": "hub:a/b", "title": "a/b", "error": "The Hub did not answer."}
    assert head["columns"][0] == columns("bpe")[0]
    assert (head["selected"], head["more"]) == (["bpe", 1], 400)


def test_a_token_for_a_whole_book_shows_the_beginning_of_it():
    (told,) = columns("wordpiece", text="x" * 5000)
    assert (told["unknown"], told["total"]) == ([True], 1)
    assert len(told["sources"][0]) < 200


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ({"column": "bpe", "at": 0}, True),
        ({"column": "bpe", "at": 999}, False),
        ({"column": "bpe", "at": -1}, False),
        ({"column": "bpe", "at": True}, False),
        ({"column": "bpe", "at": "0"}, False),
        ({"column": "other", "at": 0}, False),
        ({"column": ["bpe"], "at": 0}, False),
        ({"column": "bpe"}, False),
        ({"more": True}, True),
        ({"more": 99}, False),
        ({"more": True, "at": 0}, False),
        (None, False),
        ("more", False),
    ],
)
def test_only_what_is_on_the_page_can_be_chosen(value, valid):
    assert is_event(value, [shown("bpe")], 400) == valid
    assert not is_event({"more": True}, [shown("bpe")], 0)


@pytest.mark.parametrize(("text", "expected"), [("cat 你", False), ("سلام", True), ("a שלום", True), ("", False)])
def test_text_from_right_to_left_is_recognised(text, expected):
    assert right_to_left(text) == expected
