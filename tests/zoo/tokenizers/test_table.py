"""The figures to decide by, against their own counts; and the costs on the presets and in each language."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tokenizers import Tokenizer as Raw
from tokenizers import models

from zoo.tokenizers import KINDS, Tokenizer, train_tokenizer
from zoo.tokenizers.across import Cost, across, cost
from zoo.tokenizers.fertility import Share, fertility
from zoo.tokenizers.presets import PARALLEL, PRESETS
from zoo.tokenizers.table import Row, embedding_rows, row, speed

CORPUS = [PRESETS["Plain English"].text, PARALLEL["French"].text, "0123456789"]
TRAINED = {kind: train_tokenizer(kind, CORPUS, 330) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(text=st.text(st.characters(codec="utf-8")) | st.text(st.sampled_from("the fox 12é☃ \n")))
def test_a_row_is_counted_anew(kind, text):
    tokenizer, found = TRAINED[kind], row(TRAINED[kind], text=text, width=48)
    names = tokenizer.raw.encode(text, add_special_tokens=False).tokens
    unknown = names.count("<|unknown|>") if kind in ("word", "bpe-char", "wordpiece", "unigram") else 0
    if kind == "unigram":  # names what stands in the text
        unknown = tokenizer.encode(text).pieces.count("<|unknown|>")
    assert (found.tokens, found.characters, found.bytes) == (len(names), len(text), len(text.encode()))
    assert found.unknown == unknown
    if names:
        assert found.characters_per_token == pytest.approx(len(text) / len(names))
        assert found.bytes_per_token == pytest.approx(len(text.encode()) / len(names))
        assert found.unknown_share == pytest.approx(unknown / len(names))
    else:
        assert (found.characters_per_token, found.bytes_per_token, found.unknown_share) == (None, None, 0)
    assert found.round_trip.lossless == (tokenizer.decode(tokenizer.encode(text).ids) == text)
    assert found.unread <= len(text)
    assert found.unread == 0 or not found.round_trip.lossless
    assert found.vocab_size == len(tokenizer.raw.get_vocab())
    assert found.embedding_parameters == found.vocab_size * 48


def test_the_embedding_has_a_row_for_ids_that_were_skipped():
    tokenizer = Tokenizer(Raw(models.WordLevel({"a": 0, "b": 9}, unk_token="a")))
    assert (tokenizer.vocab_size, embedding_rows(tokenizer)) == (2, 10)
    assert row(tokenizer, text="a", width=3).embedding_parameters == 30


def test_a_strange_character_is_unread_and_a_blank_is_not():
    found = row(TRAINED["wordpiece"], text="the ☃☃ fox\n", width=1)
    assert (found.unread, found.unknown) == (2, 2 if found.tokens == 4 else 1)


def test_the_speed_is_measured_and_of_nothing_it_is_none():
    assert speed(TRAINED["bpe"], text="the quick brown fox " * 50) > 0
    assert speed(TRAINED["bpe"], text="") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_lone_surrogate_is_one_sentence(kind):
    for ask in (lambda: row(TRAINED[kind], text="\ud800", width=1), lambda: speed(TRAINED[kind], text="\ud800")):
        with pytest.raises(ValueError, match="not valid Unicode"):
            ask()


# --- presets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_costs_on_the_presets_agree_with_the_table(kind):
    found = across(TRAINED[kind])
    assert list(found) == list(PRESETS)
    for name, each in found.items():
        other = row(TRAINED[kind], text=PRESETS[name].text, width=1)
        assert (each.tokens, each.characters, each.unread) == (other.tokens, other.characters, other.unread)
        assert each.characters_per_token == other.characters_per_token
        assert each.lossless == other.round_trip.lossless == (not each.lost)
        assert [number.digits for number in each.numbers] == re.findall(r"[0-9]+", PRESETS[name].text)


def test_characters_stand_alone_where_each_is_a_token():
    assert cost(TRAINED["char"], "the fox").single == 7
    assert cost(TRAINED["char"], "日").single == 0  # three tokens share it
    assert cost(TRAINED["bpe"], "the fox").single < 7
    assert cost(train_tokenizer("word", ["the fox"] * 3, 20), "the fox").single == 0


def test_numbers_are_cut_as_the_pieces_say():
    tokenizer = train_tokenizer("bpe", ["123 123 123 1000 1000"], 262)
    for digits in ("123", "1000", "9"):
        (found,) = cost(tokenizer, f"x {digits}!").numbers
        pieces = [len(re.sub("[^0-9]", "", piece)) for piece in tokenizer.encode(f"x {digits}!").pieces]
        assert found.pieces == [n for n in pieces if n]
        assert sum(found.pieces) == len(digits)
    (strange,) = cost(train_tokenizer("word", ["only words"], 20), "only 7").numbers
    assert strange.pieces == []


# --- languages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_fertility_is_counted_anew(kind):
    found = fertility(TRAINED[kind])
    assert [each.language for each in found] == list(PARALLEL)
    english = len(TRAINED[kind].encode_batch([PARALLEL["English"].text])[0])
    for each in found:
        text = PARALLEL[each.language].text
        tokens = len(TRAINED[kind].encode_batch([text])[0])
        assert each.tokens == tokens
        assert each.premium == pytest.approx(tokens / english)
        assert each.characters_per_token == pytest.approx(len(text) / tokens)
        assert each.bytes_per_token == pytest.approx(len(text.encode()) / tokens)
        assert each.tokens_per_word == (tokens / len(text.split()) if PARALLEL[each.language].spaces else None)
        assert 0 <= each.unread_share <= 1


def test_by_bytes_the_price_is_that_of_utf8():
    english = len(PARALLEL["English"].text.encode())
    for each in fertility(TRAINED["byte"]):
        assert each.premium == pytest.approx(len(PARALLEL[each.language].text.encode()) / english)
        assert each.unread_share == 0


def test_what_is_not_read_is_said():
    chinese = next(each for each in fertility(TRAINED["word"]) if each.language == "Chinese")
    assert chinese.premium < 0.5
    assert chinese.unread_share > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_the_answers_travel_as_json(kind):
    for form, answer in [
        (Row, row(TRAINED[kind], text="The café ☃", width=8)),
        (dict[str, Cost], across(TRAINED[kind])),
        (list[Share], fertility(TRAINED[kind])),
    ]:
        adapter = TypeAdapter(form)
        assert adapter.validate_json(adapter.dump_json(answer)) == answer
