"""The round trip: lossless exactly where the text comes back, and what was lost is named by its sort."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tokenizers import Tokenizer as Raw
from tokenizers import decoders, models, pre_tokenizers

from zoo.tokenizers import KINDS, Tokenizer, train_tokenizer
from zoo.tokenizers.losses import SORTS, losses
from zoo.tokenizers.presets import PRESETS
from zoo.tokenizers.round_trip import COMPARED, RoundTrip, common, round_trip
from zoo.tokenizers.unknown import left_out, unknown_id, unknown_name, unknown_spans, unread

CORPUS = ["The cat sat on the mat, near the café.\n", "le garçon a mangé ici", "abcdefghijklmnopqrstuvwxyz ABCDE 12"]
TRAINED = {kind: train_tokenizer(kind, CORPUS, 320) for kind in KINDS}
ODD = [
    "",
    " ",
    "\x00",
    "\n\r\n\t ",
    "e\u0301 \u0301",
    "ﬁx ① ａ",
    "\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "<|unknown|> <|endoftext|>",
    "שלום עולם",
    "The cat" * 50,
    *(preset.text for preset in PRESETS.values()),
]


def odd(test):
    for text in ODD:
        test = example(text=text)(test)
    return test


# --- whether -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["char", "byte", "bpe"])
@odd
@settings(max_examples=120)
@given(text=st.text())
def test_what_claims_to_lose_nothing_loses_nothing(kind, text):
    assert round_trip(TRAINED[kind], text=text).lossless


@pytest.mark.parametrize("kind", KINDS)
@odd
@settings(max_examples=80)
@given(text=st.text(st.sampled_from("aBcé \nＡ①的\u200d\u0301\x00!12")) | st.text())
def test_lossless_is_exactly_that_the_text_comes_back(kind, text):
    tokenizer = TRAINED[kind]
    back = tokenizer.decode(tokenizer.raw.encode(text, add_special_tokens=False).ids)
    found = round_trip(tokenizer, text=text)
    assert found.lossless == (back == text)
    assert bool(found.losses) == (not found.lossless)
    assert {each.sort for each in found.losses} <= {*SORTS}
    assert all(each.count > 0 and 0 <= each.at <= len(text) for each in found.losses)
    if found.at is not None:
        assert text[: found.at] == back[: found.at]
        assert text[found.at : found.at + 1] != back[found.at : found.at + 1]
        assert text[found.at :].startswith(found.stood)
        assert back[found.at :].startswith(found.came)


@settings(max_examples=100)
@given(st.text(st.sampled_from("ab")), st.text(st.sampled_from("ab")))
def test_the_common_start(one, other):
    expected = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    assert common(one, other) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_lone_surrogate_is_one_sentence(kind):
    with pytest.raises(ValueError, match="not valid Unicode at character 1"):
        round_trip(TRAINED[kind], text="a\ud800")


def test_it_travels_as_json():
    found = round_trip(TRAINED["wordpiece"], text="The Café")
    adapter = TypeAdapter(RoundTrip)
    assert adapter.validate_json(adapter.dump_json(found)) == found


# --- what was lost -----------------------------------------------------------------------------


def sorts(text: str, back: str) -> dict[str, int]:
    return {each.sort: each.count for each in losses(text, back, [], [], "")}


@pytest.mark.parametrize(
    ("text", "back", "expected"),
    [
        ("The Cat sat", "the cat sat", {"case": 2}),
        ("un été à Nice", "un ete a Nice", {"accents": 2}),
        ("École", "ecole", {"case": 1, "accents": 1}),
        ("a  b\nc", "a b c", {"spaces": 2}),
        ("don't", "don ' t", {"spaces": 2}),
        (" a ", "a", {"spaces": 2}),
        ("ﬁn １２", "fin 12", {"form": 2}),
        ("e\u0301", "é", {"form": 1}),
        ("한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8", {"form": 1}),
        ("one two three", "one three", {"left out": 1}),
        ("a\u200db", "ab", {"left out": 1}),
        ("one two", "one 2", {"other": 1}),
        ("same", "same", {}),
    ],
)
def test_each_sort_of_loss(text, back, expected):
    assert sorts(text, back) == expected


@settings(max_examples=100)
@given(st.lists(st.sampled_from(["Tree", "house", "Éva", "sea", "12", "Rome"]), min_size=1, max_size=600))
def test_capitals_are_counted_in_long_texts_too(words):
    text = " ".join(words)
    capital = sum(word[0].isupper() for word in words)
    assert sorts(text, text.lower()).get("case", 0) == capital


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["cat", "zebra", "mat", "quagga"]), min_size=1, max_size=300))
def test_unknown_words_are_counted_exactly(words):
    knows = train_tokenizer("word", ["cat cat mat"] * 3, 20)
    text = " ".join(["cat", *words])
    found = {each.sort: each for each in round_trip(knows, text=text).losses}
    strange = sum(word in ("zebra", "quagga") for word in words)
    assert {sort: each.count for sort, each in found.items()} == ({"unknown": strange} if strange else {})
    if strange:
        assert found["unknown"].stood.strip() in ("zebra", "quagga")
        assert text[found["unknown"].at :].startswith(found["unknown"].stood)


def test_wordpiece_loses_what_berts_way_loses():
    found = {
        each.sort: each.count for each in round_trip(TRAINED["wordpiece"], text="The CAT ate\n at  the Café ☃").losses
    }
    assert found == {"case": 3, "accents": 1, "spaces": 2, "unknown": 1}


def test_a_model_without_a_token_for_the_unknown_leaves_out():
    raw = Raw(models.BPE(vocab={"a": 0, "b": 1}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    raw.decoder = decoders.Fuse()
    tokenizer = Tokenizer(raw)
    text = "ab日本a"
    assert unknown_id(tokenizer) is None
    assert left_out(tokenizer, text) == [2, 3]
    assert unread(tokenizer, text, tokenizer.encode(text)) == 2
    assert [(each.sort, each.count, each.at) for each in round_trip(tokenizer, text=text).losses] == [
        ("left out", 2, 2)
    ]


def test_the_unknown_is_that_of_the_model():
    for kind, expected in [("word", "<|unknown|>"), ("wordpiece", "<|unknown|>"), ("unigram", "<|unknown|>")]:
        tokenizer = TRAINED[kind]
        assert unknown_name(tokenizer) == expected
        assert tokenizer.raw.id_to_token(unknown_id(tokenizer)) == expected
        encoding = tokenizer.encode("☃")
        assert unknown_id(tokenizer) in encoding.ids
        assert unknown_spans(tokenizer, encoding) == [(0, 1)]
    assert [unknown_id(TRAINED[kind]) for kind in ("char", "byte", "bpe")] == [None] * 3


# --- long texts --------------------------------------------------------------------------------


def test_of_a_long_text_all_is_compared_and_the_losses_are_counted_where_they_begin():
    text = "the cat sat on the mat, near the café.\n" * 1000 + "The end"
    found = round_trip(train_tokenizer("bpe-char", [text], 200), text=text + "☃")
    assert found.at == len(text)
    assert found.looked_from > len(text) - 150
    assert found.looked_to == len(text) + 1
    assert [(each.sort, each.count, each.at) for each in found.losses] == [("unknown", 1, len(text))]
    early = round_trip(TRAINED["wordpiece"], text="The cat  sat\n" * 10_000)
    assert (early.looked_from, early.looked_to) == (0, COMPARED)
    assert {each.sort for each in early.losses} == {"case", "spaces"}


@pytest.mark.parametrize("text", ["x" * 200_000, "? " * 100_000, "ab?" * 60_000, "你好" * 100_000, "\n" * 200_000])
@pytest.mark.parametrize("kind", ["wordpiece", "unigram", "bpe-char"])
def test_monotonous_texts_are_answered(kind, text):
    found = round_trip(TRAINED[kind], text=text)
    assert found.lossless or found.losses
