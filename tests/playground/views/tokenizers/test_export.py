"""Taking the tokens along: three files of each column, made only when they are asked for."""

from __future__ import annotations

import json
import threading

import pytest
from streamlit.testing.v1 import AppTest

from playground.views.tokenizers import choosing, export
from playground.views.tokenizers.lab import Column
from zoo.tokenizers import Tokenizer, train_tokenizer

PART = """
from playground.views.tokenizers import export
from playground.views.tokenizers.lab import Column, Lab
export.draw(Lab("The cat sat", [Column("e:bpe", "*BPE*", "bpe"), Column("e:lost", "lost", "lost")]))
"""
BPE = train_tokenizer("bpe", ["The cat sat on the mat."] * 3, 300)


@pytest.fixture(autouse=True)
def trained(monkeypatch):
    def tokenizer(column):
        if column.kind != "bpe":
            raise ValueError("this one is not here; choose another")
        return BPE

    monkeypatch.setattr(choosing, "tokenizer", tokenizer)


def test_a_column_that_fails_says_so_and_the_others_have_their_files():
    page = AppTest.from_string(PART, default_timeout=60).run()
    assert not page.exception
    labels = [each.proto.label for each in page.get("download_button")]
    assert labels == ["Tokens, JSON", "Tokens, CSV", "tokenizer.json"]
    assert page.markdown[1].value == f"**\\*BPE\\*** · {len(BPE.encode('The cat sat').ids)} tokens"
    assert [each.value for each in page.error] == ["**lost**: This one is not here; choose another\\."]


def test_a_special_token_that_was_typed_is_said_to_be_text():
    assert not AppTest.from_string(PART, default_timeout=60).run().caption[0].value.startswith("A special token")
    page = AppTest.from_string(PART.replace("The cat sat", "cat<|endoftext|>"), default_timeout=60).run()
    assert page.caption[0].value.startswith("A special token stands in this text: `<|endoftext|>` of **\\*BPE\\***. It")


def test_the_files_read_back(tmp_path):
    column = Column("e:bpe", "BPE", "bpe")
    assert json.loads(export.tokens_json(column, "The cat"))["ids"] == BPE.encode("The cat").ids
    assert export.tokens_csv(column, "The cat").count("\n") == 1 + len(BPE.encode("The cat").ids)
    path = tmp_path / "tokenizer.json"
    path.write_text(export.tokenizer_json(column), encoding="utf-8")
    assert Tokenizer.load(path).hash == BPE.hash


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("stories:bpe", "stories-bpe"),
        ("hub:org/na me", "hub-org-na-me"),
        ("model:../../x", "model-..-..-x"),
        ("::", "tokenizer"),
    ],
)
def test_a_files_name_has_no_path_in_it(key, name):
    assert export.file_name(key) == name


def test_a_file_is_made_when_it_is_asked_for_and_a_failure_is_not_hidden():
    asked = []

    def make() -> str:
        asked.append(threading.current_thread())
        if len(asked) > 1:
            raise ValueError("gone")
        return "made"

    later = export.in_session(make)
    assert asked == []
    assert later() == "made"
    assert asked[0] is not threading.current_thread()
    with pytest.raises(ValueError, match="gone"):
        later()
