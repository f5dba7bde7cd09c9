"""The box of the text: a long text leaves it, comes back to be edited, and makes room for another."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from playground.views.tokenizers import text
from tests.playground.helpers import press

PART = """
import streamlit as st
from playground.views.tokenizers import text
st.session_state["the text"] = text.draw()
"""
LONG = "The cat sat. " * (text.PARKED // 13 + 1)


def written(what: str) -> AppTest:
    page = AppTest.from_string(PART, default_timeout=60).run()
    page.text_area(key=text.WRITTEN).set_value(what).run()
    assert not page.exception, page.exception
    return page


def test_a_long_text_leaves_the_box_and_is_the_text_all_the_same():
    page = written(LONG)
    assert page.session_state["the text"] == LONG
    assert not page.text_area
    assert f"**Your text**, {len(LONG):,} characters." in [each.value for each in page.markdown]
    assert page.run().session_state["the text"] == LONG


def test_it_comes_back_to_be_edited_and_leaves_again():
    page = press(written(LONG), "Edit it")
    assert page.text_area(key=text.WRITTEN).value == LONG
    page.text_area(key=text.WRITTEN).set_value(LONG + "!").run()
    assert page.session_state["the text"] == LONG + "!"
    assert not page.text_area
    press(page, "Write another")
    assert page.session_state["the text"] == page.text_area(key=text.WRITTEN).value == ""


def test_a_short_text_stays_in_the_box():
    page = written("a" * text.PARKED)
    assert page.text_area(key=text.WRITTEN).value == page.session_state["the text"] == "a" * text.PARKED
