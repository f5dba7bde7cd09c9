"""Training, watched: what the part shows at each step is what was counted, and it can say that the library differs."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from playground.figures.style import RIGHT
from playground.text import visible
from playground.views.tokenizers import watched, watched_words
from tests.playground.helpers import unpack
from zoo.tokenizers.learn import learn, library_merges

PART = """
import streamlit as st
from playground.views.tokenizers import watched
from playground.views.tokenizers.lab import Lab
watched.draw(Lab(st.session_state["text of the page"], []))
"""


def drawn(text: str = "", source: str = watched.SMALL, small: str | None = None, level: str = "Bytes") -> AppTest:
    page = AppTest.from_string(PART, default_timeout=60)
    page.session_state["text of the page"] = text
    page.session_state[watched.SOURCE] = source
    page.session_state[watched.LEVEL] = level
    if small is not None:
        page.session_state[watched.WRITTEN] = small
    return faultless(page.run())


def faultless(page: AppTest) -> AppTest:
    assert not page.exception, page.exception
    assert not page.error, [each.value for each in page.error]
    return page


def at(page: AppTest, done: int) -> AppTest:
    return faultless(page.slider(key=watched.DONE).set_value(done).run())


def press(page: AppTest, name: str) -> AppTest:
    return faultless(page.button(key=f"tokenizers.watched.{name}").click().run())


def lists(page: AppTest) -> list[list[dict]]:
    """The rows of the words, and those of the vocabulary."""
    found = [each.proto.bytes for each in page.get("bidi_component") if each.proto.component_name.endswith("words")]
    assert len(found) == 2
    return [unpack(raw)[0]["rows"] for raw in found]


def chart(page: AppTest) -> dict:
    (found,) = page.get("plotly_chart")
    return json.loads(found.proto.spec)


def texts(page: AppTest) -> str:
    return "\n".join(each.value for each in [*page.markdown, *page.caption])


# --- the page ----------------------------------------------------------------------------------


def test_each_step_shows_the_words_and_pairs_that_were_counted():
    page = drawn()
    learned = learn([watched.TEXT], watched.MOST)
    names = learned.tokenizer()
    for done in (0, 1, 9, len(learned.steps)):
        words, vocabulary = lists(at(page, done))
        assert [row["ids"] for row in words] == [learned.cut(word, done) for word in learned.words]
        assert [row["label"] for row in words] == [f"{n} ×" for n in learned.words.values()]
        assert ["".join(row["pieces"]) for row in words] == [word.replace("Ġ", " ") for word in learned.words]
        new = learned.steps[done - 1].token if done else -1
        assert all(row["lit"] == [i for i, each in enumerate(row["ids"]) if each == new] for row in words)
        assert any(row["lit"] for row in words) == (done > 0)
        assert [row["ids"] for row in vocabulary[:-1]] == [[step.token] for step in reversed(learned.steps[:done])]
        assert "".join(vocabulary[-1]["pieces"]) == "".join(sorted(set(watched.TEXT) - {" "})) + " "
        step = learned.steps[max(done - 1, 0)]
        (bars,) = chart(page)["data"]
        assert bars["x"] == [each.count for each in step.candidates]
        assert [place for place, colour in enumerate(bars["marker"]["color"]) if colour == RIGHT] == [0][: bool(done)]
        left, right = (visible(names.piece(each)) for each in (step.left, step.right))
        assert bars["customdata"][0] == f"{left} + {right}"


def test_the_buttons_step_forward_and_back():
    page = drawn()
    back, merge = "tokenizers.watched.back", "tokenizers.watched.merge"
    assert page.button(key=back).disabled
    page = press(press(page, "merge"), "merge")
    assert page.slider(key=watched.DONE).value == 2
    assert "**Step 2.** `al` and `k` stand side by side **8 times**" in texts(page)
    assert press(page, "back").slider(key=watched.DONE).value == 1
    page = at(page, page.slider(key=watched.DONE).max)
    assert page.button(key=merge).disabled
    assert not page.button(key=back).disabled


def test_another_text_begins_at_its_beginning():
    page = at(drawn(), 5)
    page = faultless(page.text_area(key=watched.WRITTEN).set_value("no nonsense").run())
    assert page.slider(key=watched.DONE).value == 0
    assert "**Before the first step**" in texts(page)


def test_the_text_above_is_learned_from_as_far_as_the_page_says():
    whole = "word another1 " * 2000
    page = drawn(whole, watched.ABOVE, level="Characters")
    assert "Learned from the first 20,000 of 28,000 characters." in texts(page)
    words, _ = lists(page)
    learned = learn([whole[:20_000]], watched.MOST, "character")
    assert [row["label"] for row in words] == [f"{n:,} ×" for n in learned.words.values()]


def test_of_many_words_those_with_the_new_token_come_first():
    text = " ".join(f"{a}{b}" for a in "qwertyuiop" for b in "asdfghjkl") + " zx zx"
    page = at(drawn(text, watched.ABOVE, level="Characters"), 1)
    words, _ = lists(page)
    assert len(words) == watched.WORDS
    lit = [bool(row["lit"]) for row in words]
    assert lit == sorted(lit, reverse=True)
    assert any(lit)
    different = len(learn([text], 1, "character").words)
    assert f"40 of {different} different words: those with the new token first" in texts(page)


def test_a_very_long_word_is_cut_honestly():
    page = at(drawn("ab" * 5000, watched.ABOVE), 1)
    words, _ = lists(page)
    assert (len(words[0]["ids"]), words[0]["note"]) == (40, "the first 40 of 5,000 tokens")
    page = at(page, page.slider(key=watched.DONE).max)
    assert lists(page)[0][0]["pieces"] == ["ab" * 20 + "… (10,000 characters)"]


@pytest.mark.parametrize("text", ["", " ", "a", "\n"])
def test_where_there_is_nothing_to_merge_it_says_so(text):
    page = drawn(small=text)
    assert [each.value for each in page.info] == [
        "No two symbols stand side by side here: write a word of two letters or more."
    ]


@pytest.mark.parametrize("text", ["ab", "<b>$x$</b> | `a` **b** \0\t\r\n", "👩\u200d👧 日本 " * 3])
def test_any_text_can_be_watched_to_its_end(text):
    page = press(drawn(text, watched.ABOVE), "merge")
    assert page.success[0].value.startswith("The library's trainer chose the same")


def test_where_the_library_chooses_otherwise_the_page_says_so(monkeypatch):
    def otherwise(texts, merges, level):
        return [*library_merges(texts, merges, level)[:3], ("x", "y")]

    monkeypatch.setattr(watched, "library_merges", otherwise)
    watched._learned.clear()
    page = drawn()
    watched._learned.clear()
    assert not page.success
    assert "The first difference is merge 4" in page.warning[0].value


# --- what is said ------------------------------------------------------------------------------


def said(text: str, done: int) -> str:
    learned = learn([text], 50, "character")
    return watched_words.said(learned, learned.tokenizer(), done)


def test_a_merge_is_told_with_its_count_and_its_id():
    assert said("ab ab abc", 1) == (
        "**Step 1.** `a` and `b` stand side by side **3 times**, more often than any other pair; "
        "together they become token **6**, `ab`."
    )


def test_a_tie_is_told_with_the_rule_that_broke_it():
    told = said("xy ab", 1)
    assert "**once**, and no other pair more often" in told
    assert "2 other pairs are just as frequent" in told
    assert "(here 2 and 3)" in told
    assert "One other pair is just as frequent" in said("xy\nab", 0)
    assert "just as frequent" not in said("ab ab abc", 0)


def test_an_overlap_is_told():
    assert "Where they overlap only one of them can be merged, so 1 pair became one token." in said("aaab", 1)
    assert "overlap" not in said("ab ab abc", 1)


def test_the_notice_tells_of_counts_of_one_only_where_there_are_some():
    some, none = learn(["ab ab abc"], 9, "character"), learn(["ab ab abc"], 2, "character")
    assert "From step 3 on no pair occurs twice" in watched_words.notice(some, 9)
    assert "each word is one token" in watched_words.notice(some, 9)
    assert watched_words.notice(none, 2) == (
        "**Notice.** The pair that is merged first stands side by side 3 times, "
        "the one that is merged in step 2 only twice."
    )


def test_the_comparison_names_the_first_difference():
    ours = [("a", "b"), ("ab", "c")]
    assert watched_words.compared(ours, ours) == (
        True,
        "The library's trainer chose the same 2 merges, in the same order.",
    )
    same, text = watched_words.compared(ours, [("a", "b"), ("b", "c")])
    assert not same
    assert text.endswith("merge 2: `ab` + `c` (here) and `b` + `c` (the library's trainer).")
    assert watched_words.compared(ours, ours[:1])[1].endswith("`ab` + `c` (here) and none (the library's trainer).")


def test_the_text_gets_shorter_by_what_was_merged():
    learned = learn(["ab ab abc"], 9, "character")
    assert watched_words.shorter(learned, 0, 9) == "The text: 9 characters, **9 tokens**."
    assert watched_words.shorter(learned, 1, 9) == "The text: 9 tokens at first, **6 now** (1.50 characters per token)."
    assert "9 tokens at first, 6 before this step, **4 now**" in watched_words.shorter(learned, 2, 9)


def test_what_the_vocabulary_began_with():
    assert watched_words.beginning(learn(["ab ab"], 1, "character")) == "3 characters and 2 special tokens"
    assert watched_words.beginning(learn(["ab ab"], 1, "byte")) == "256 bytes and 1 special token"
