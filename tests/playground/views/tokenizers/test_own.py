"""The reader's own tokenizers: trained, loaded and fetched in a session, and every failure told."""

from __future__ import annotations

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

from playground import guarded
from playground.views.tokenizers import own
from playground.views.tokenizers.keys import key
from tests.playground.helpers import press
from zoo.pretrained.tokenizers import LARGEST, SMALLEST, hub
from zoo.tokenizers import Tokenizer, train_tokenizer

PART = """
import streamlit as st
from playground.views.tokenizers import own
from playground.views.tokenizers.lab import Lab
own.draw(Lab(st.session_state["text of the page"], []))
st.session_state["seen"] = own.offers()
"""
TEXT = "The cat sat on the mat, and the dog sat on the log. " * 5
STRANGE = train_tokenizer("bpe", [TEXT], 300).raw.to_str().encode()
CHOSEN = key("chosen")


@pytest.fixture(autouse=True)
def no_process_left():
    yield
    guarded._POOL.close()


def drawn(text: str = TEXT, **state: object) -> AppTest:
    page = AppTest.from_string(PART, default_timeout=60)
    page.session_state["text of the page"] = text
    for name, value in state.items():
        page.session_state[name] = value
    page.run()
    assert not page.exception, page.exception
    return page


def test_one_trained_on_the_text_stands_on_the_page():
    page = drawn()
    page.selectbox(own.KIND).set_value("wordpiece").run()
    page.slider(own.SIZE).set_value(400).run()
    press(page, "Train it")
    (column,) = page.session_state["seen"]
    assert column.key.startswith("own:wordpiece:400:")
    assert not column.foreign
    assert column.kind == "wordpiece"
    assert page.session_state[CHOSEN] == [column.key]
    held = page.session_state[key("own", "held")][column.key]
    assert held.tokenizer.hash == train_tokenizer("wordpiece", [TEXT], 400).hash
    assert json.loads(held.content)["model"]["type"] == "WordPiece"
    assert len(page.get("download_button")) == 1
    assert "stands on the page now" in page.success[0].value
    press(page, "Forget")
    assert page.session_state["seen"] == []


def test_a_text_of_a_few_characters_is_not_trained_on():
    page = drawn("too short")
    assert "20 characters or more" in page.info[0].value
    assert "Train it" not in [button.label for button in page.button]


def test_what_cannot_be_trained_is_told():
    page = drawn("".join(chr(0x4E00 + n) for n in range(900)))
    page.selectbox(own.KIND).set_value("unigram").run()
    page.slider(own.SIZE).set_value(300).run()
    press(page, "Train it")
    assert "too many different characters" in page.error[0].value
    assert page.session_state["seen"] == []


def test_a_tokenizer_of_the_hub_is_fetched_and_foreign(monkeypatch):
    monkeypatch.setattr(hub, "fetch", lambda name: STRANGE)
    page = drawn()
    page.text_input(own.HUB).set_value(" org/name ").run()
    press(page, "Fetch its tokenizer")
    (column,) = page.session_state["seen"]
    assert (column.key, column.title, column.kind, column.foreign) == ("hub:org/name", "org/name", "BPE", True)


def test_a_hub_that_cannot_be_had_is_told(monkeypatch):
    def fail(name):
        raise ValueError("The Hub (example.org) cannot be reached from here: choose a tokenizer that is installed.")

    monkeypatch.setattr(hub, "fetch", fail)
    page = press(drawn(), "Fetch its tokenizer")
    assert "cannot be reached" in page.error[0].value.replace("\\", "")
    assert page.session_state["seen"] == []


def test_an_address_brings_its_hub_tokenizers(monkeypatch):
    asked = []
    monkeypatch.setattr(hub, "fetch", lambda name: asked.append(name) or STRANGE)
    script = PART.replace("own.draw", 'own.fetch(["hub:a/b", "hub:c/d", "hub:e/f"])\nown.draw')
    page = AppTest.from_string(script, default_timeout=60)
    page.session_state["text of the page"] = TEXT
    page.run()
    assert not page.exception, page.exception
    assert asked == ["a/b", "c/d"]
    assert [column.key for column in page.session_state["seen"]] == ["hub:c/d", "hub:a/b"]


def test_a_file_is_checked_in_a_process_of_its_own():
    found = own.loaded(STRANGE, "tokenizer.json")
    assert found.column.foreign
    assert found.column.key.startswith("file:")
    assert found.tokenizer is None
    assert len(guarded._POOL._idle) == 1
    with pytest.raises(ValueError, match="not JSON"):
        own.loaded(b"{", "tokenizer.json")


@pytest.mark.parametrize("kind", own.LEARNING)
def test_each_kind_is_trained_within_the_sizes(kind):
    for size in (-5, 10**9):
        trained = own.train(TEXT, kind, size)
        assert isinstance(trained.tokenizer, Tokenizer)
        assert trained.tokenizer.vocab_size <= (SMALLEST if size < 0 else LARGEST)


def test_the_key_tells_texts_apart():
    assert own.train(TEXT, "bpe", 300).column.key != own.train(TEXT + "!", "bpe", 300).column.key
    assert own.train(TEXT, "bpe", 300).column == own.train(TEXT, "bpe", 300).column


@pytest.mark.parametrize("text", ["short", "\ud800" * 30])
def test_a_text_that_teaches_nothing_is_refused(text):
    with pytest.raises(ValueError, match=r"write|type"):
        own.train(text, "bpe", 300)


def test_texts_are_cut_only_in_very_long_words():
    long = "ACGT" * 1000
    assert own._cut(TEXT * 50) == [TEXT * 50]
    assert own._cut("") == [""]
    for text in (long, "a " + long + " b", " " * 5000, long + "\n" * 3000):
        assert "".join(own._cut(text)) == text
        runs = [run for piece in own._cut(text) for run in re.findall(r"\S+|\s+", piece)]
        assert max(map(len, runs)) == own.LONGEST_WORD


def test_no_more_than_some_are_kept_and_the_page_never_has_more_than_four():
    page = drawn(**{CHOSEN: ["a", "b", "c", "d"]})
    for size in range(300, 332, 4):
        page.slider(own.SIZE).set_value(size).run()
        press(page, "Train it")
    seen = [column.key for column in page.session_state["seen"]]
    assert len(seen) == own.KEPT
    assert seen[0].startswith("own:bpe:328:")
    assert len(page.session_state[CHOSEN]) == 4
    assert page.session_state[CHOSEN][-1] == seen[0]


def test_what_the_session_lacks_is_said():
    page = AppTest.from_string(
        "from playground.views.tokenizers import own\nfor f in (own.tokenizer_of, own.content_of):\n"
        "    try:\n        f('own:bpe:300:0')\n    except LookupError as error:\n        import streamlit as st\n"
        "        st.write(str(error))\n"
    ).run()
    assert [each.value.startswith("this session") for each in page.markdown] == [True, True]
