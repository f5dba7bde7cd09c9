"""The files of a text's tokens: read back, they are the tokens; and a spreadsheet has nothing to run in them."""

from __future__ import annotations

import csv
import hashlib
import io
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zoo.tokenizers import KINDS, Tokenizer, train_tokenizer
from zoo.tokenizers.listing import COLUMNS, as_csv, as_json, as_tokenizer_json

TRAINED = {kind: train_tokenizer(kind, ["The cat sat on the mat. =1+1 @SUM"], 300) for kind in KINDS}
NASTY = "=cmd|' /C calc'!A0 @SUM(1) +1 -1\t\r\n\"quoted\", 'x' \0 你 ＝"
TEXTS = st.text(alphabet=st.one_of(st.sampled_from("=+-@\t\r\n\"', the"), st.characters(exclude_categories=["Cs"])))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=40)
@given(text=TEXTS)
@example(text=NASTY)
@example(text="")
def test_what_is_read_back_is_the_librarys_encoding(kind, text):
    tokenizer = TRAINED[kind]
    expected = tokenizer.encode(text)
    data = json.loads(as_json(tokenizer, text=text, key="a:b"))
    assert (data["ids"], data["pieces"], data["tokens"]) == (expected.ids, expected.pieces, len(expected.ids))
    assert (data["tokenizer"], data["sha256"]) == ("a:b", tokenizer.hash)
    assert (data["characters"], data["text_sha256"]) == (len(text), hashlib.sha256(text.encode()).hexdigest())

    table = rows(as_csv(tokenizer, text=text, key="a:b"))
    assert [int(row["id"]) for row in table] == expected.ids
    assert [json.loads(row["piece"]) for row in table] == expected.pieces
    assert [row["bytes"].removeprefix("0x") for row in table] == data["bytes"]
    assert [[int(row["start"]), int(row["end"])] for row in table] == data["spans"]
    for row in table[:1]:
        assert (json.loads(row["tokenizer"]), row["sha256"]) == ("a:b", tokenizer.hash)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=40)
@given(text=TEXTS)
@example(text=NASTY)
def test_no_cell_begins_as_a_formula_does(kind, text):
    file = as_csv(TRAINED[kind], text=text, key="=evil()")
    for row in csv.reader(io.StringIO(file, newline="")):
        assert len(row) == len(COLUMNS)
        assert not [cell for cell in row if cell.startswith(tuple("=+-@\t\r＝＋－＠'"))]


@pytest.mark.parametrize("kind", ["byte", "char", "bpe"])
def test_of_a_lossless_tokenizer_the_bytes_are_the_text(kind):
    data = json.loads(as_json(TRAINED[kind], text=NASTY, key="k"))
    assert bytes.fromhex("".join(data["bytes"])).decode() == NASTY
    assert TRAINED[kind].decode(data["ids"]) == NASTY


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_of_the_tokenizer_is_the_tokenizer(kind, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(as_tokenizer_json(TRAINED[kind]), encoding="utf-8")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == TRAINED[kind].hash
    assert Tokenizer.load(path).encode(NASTY) == TRAINED[kind].encode(NASTY)
