"""The whole page as the app draws it: the address becomes a view and back, and no text or tokenizer breaks it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from playground import engine, guarded
from playground.views import tokenizers
from playground.views.tokenizers import choosing, table, text
from playground.views.tokenizers.keys import HOW, PART
from tests.playground.helpers import faultless, make_run, sent
from zoo.pretrained.tokenizers import hub, open_tokenizer
from zoo.tokenizers import train_tokenizer
from zoo.tokenizers.presets import PRESETS

PAGE = "pages/tokenizers.py"
FIRST = next(iter(PRESETS))
Visit = Callable[..., AppTest]


@pytest.fixture
def visit(open_page: Callable[..., AppTest]) -> Visit:
    """(**query) -> the page at this address."""
    return lambda **query: open_page(PAGE, **query)


def shown(app: AppTest) -> dict[str, dict[str, Any]]:
    """The columns that the browser gets, by their keys, in order."""
    return {each["key"]: each for each in sent(app, "columns")[0]["columns"]}


def address(app: AppTest) -> dict[str, str]:
    return {name: values[0] if isinstance(values, list) else values for name, values in app.query_params.items()}


def words(app: AppTest) -> str:
    return "\n".join(each.value for each in (*app.markdown, *app.caption))


# The address -----------------------------------------------------------------------------------


def test_a_first_visitor_meets_the_first_example_in_three_tokenizers(visit: Visit) -> None:
    app = faultless(visit())
    assert list(shown(app)) == list(choosing.FIRST)
    assert app.text_area(key=text.WRITTEN).value == PRESETS[FIRST].text
    assert app.selectbox(key=text.EXAMPLE).value == FIRST
    assert address(app) == {}
    for name, told in shown(app).items():
        assert told["ids"] == open_tokenizer(name).encode(PRESETS[FIRST].text).ids


def test_an_address_becomes_a_view_and_stays_the_same(visit: Visit) -> None:
    asked = {
        "tokenizers": "stories:unigram,stories:bpe",
        "text": "Zoë 👩‍💻\nשלום",
        "part": "Take it with you",
    }
    app = faultless(visit(**asked))
    assert list(shown(app)) == ["stories:unigram", "stories:bpe"]
    assert app.text_area(key=text.WRITTEN).value == asked["text"]
    assert app.selectbox(key=text.EXAMPLE).value == text.OWN
    assert app.session_state[PART] == asked["part"]
    assert address(app) == asked


def test_the_address_names_an_example(visit: Visit) -> None:
    app = faultless(visit(example="Chinese", tokenizers="gpt2"))
    assert shown(app)["gpt2"]["ids"] == open_tokenizer("gpt2").encode(PRESETS["Chinese"].text).ids
    assert address(app) == {"example": "Chinese", "tokenizers": "gpt2"}
    app.selectbox(key=text.EXAMPLE).set_value(FIRST).run()
    assert app.text_area(key=text.WRITTEN).value == PRESETS[FIRST].text
    assert address(app) == {"tokenizers": "gpt2"}


def test_what_the_address_names_and_nobody_has_is_told_and_left_out(visit: Visit) -> None:
    app = faultless(visit(tokenizers="gpt2,own:bpe:512:*x*,glass-box:bpe:7", part="No such part", example="None"))
    assert list(shown(app)) == ["gpt2"]
    assert any("2 tokenizers" in each.value and r"own\:bpe\:512\:\*x\*" in each.value for each in app.warning)
    assert app.session_state[PART] == HOW
    assert app.text_area(key=text.WRITTEN).value == PRESETS[FIRST].text
    assert address(app) == {"tokenizers": "gpt2"}


@pytest.mark.parametrize("asked", ["nothing,of,this", ",,,", "../../etc/passwd", "glass-box:bpe:99999999999999"])
def test_where_nobody_has_any_of_it_the_first_ones_stand_there(visit: Visit, asked: str) -> None:
    assert list(shown(faultless(visit(tokenizers=asked)))) == list(choosing.FIRST)


def test_no_more_than_four_and_none_twice(visit: Visit) -> None:
    app = faultless(visit(tokenizers="byte,stories:byte,stories:byte,gpt2,stories:word,stories:bpe,stories:char"))
    found = list(shown(app))
    assert len(found) == len(set(found)) <= choosing.MOST
    assert found[0] == "stories:byte"


def test_a_tokenizer_of_the_hub_is_fetched_for_the_address_and_stands_in_its_place(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = train_tokenizer("bpe", [PRESETS[FIRST].text], 300).raw.to_str().encode()
    monkeypatch.setattr(hub, "fetch", lambda name: content)
    try:
        app = faultless(visit(tokenizers="hub:some/model,stories:bpe", text="The cat"))
    finally:
        guarded._POOL.close()
    assert list(shown(app)) == ["hub:some/model", "stories:bpe"]
    assert not app.warning
    assert address(app)["tokenizers"] == "hub:some/model,stories:bpe"


def test_a_hub_that_is_not_there_is_told_once_and_the_rest_stands(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(name: str) -> bytes:
        raise ValueError("the Hub cannot be reached")

    monkeypatch.setattr(hub, "fetch", gone)
    app = visit(tokenizers="hub:some/model,stories:bpe")
    assert [each.value for each in app.error] == ["The Hub cannot be reached\\."]
    assert list(shown(app)) == ["stories:bpe"]


# The text --------------------------------------------------------------------------------------


def test_ones_own_text_is_in_the_address_as_long_as_it_fits(visit: Visit) -> None:
    app = visit(tokenizers="stories:bpe")
    app.text_area(key=text.WRITTEN).set_value("Two\nlines *x*").run()
    assert address(faultless(app))["text"] == "Two\nlines *x*"
    assert app.selectbox(key=text.EXAMPLE).value == text.OWN
    app.text_area(key=text.WRITTEN).set_value("x" * (text.IN_ADDRESS + 1)).run()
    assert "text" not in address(app)
    assert "stays out of the address" in words(app)


@pytest.mark.parametrize("written", ["", "\0", " \n\t ", "\ufeff", "e\u0301\u200d", "<b>*x*</b>[y](z)$1$"])
def test_any_text_is_answered_or_told_in_a_sentence(visit: Visit, written: str) -> None:
    app = visit(tokenizers="stories:bpe,stories:wordpiece")
    app.text_area(key=text.WRITTEN).set_value(written).run()
    assert not app.exception
    if not written:
        assert any("Write something" in each.value for each in app.info)
        assert not app.get("bidi_component")
        return
    assert shown(app)["stories:bpe"]["ids"] == open_tokenizer("stories:bpe").encode(written).ids
    assert not app.error


def test_a_file_stands_in_for_the_text_until_it_is_closed(visit: Visit) -> None:
    app = visit(tokenizers="stories:bpe")
    app.session_state[text.FILE] = ("a *b*.txt", "From a file. " * 200, 9_999_999)
    app.run()
    expected = open_tokenizer("stories:bpe").encode("From a file. " * 200).ids
    assert shown(faultless(app))["stories:bpe"]["total"] == len(expected)
    assert "9,999,999 characters; the first 1,000,000 are read" in words(app)
    assert r"a \*b\*\.txt" in words(app)
    next(each for each in app.button if each.label == "Close the file and type").click().run()
    assert shown(app)["stories:bpe"]["ids"] == open_tokenizer("stories:bpe").encode(PRESETS[FIRST].text).ids


# The tokenizers --------------------------------------------------------------------------------


def test_without_a_tokenizer_it_says_what_to_do(visit: Visit) -> None:
    app = visit(tokenizers="gpt2")
    app.multiselect(key=choosing.CHOSEN).set_value([]).run()
    assert any("Choose a tokenizer" in each.value for each in faultless(app).info)
    assert not app.get("bidi_component")
    app.multiselect(key=choosing.CHOSEN).set_value(["stories:char"]).run()
    assert list(shown(faultless(app))) == ["stories:char"]
    assert address(app) == {"tokenizers": "stories:char"}


@pytest.mark.parametrize("part", tokenizers.PARTS)
def test_every_part_is_drawn_for_one_tokenizer(visit: Visit, part: str) -> None:
    app = faultless(visit(tokenizers="stories:bpe", part=part))
    assert app.session_state[PART] == part
    assert len(words(app)) > 1500


def test_what_is_on_offer_cuts_the_text(visit: Visit) -> None:
    app = visit(text="The café, 12\n👍🏽")
    known = {
        "gpt2",
        "glass-box:word:600",
        "glass-box:unigram:600",
    }  # the others of packages are large, and tested alone
    names = [each.key for each in choosing.offered() if each.key.startswith("stories:") or each.key in known]
    assert len(names) == 10
    for at in range(0, len(names), choosing.MOST):
        some = names[at : at + choosing.MOST]
        app.multiselect(key=choosing.CHOSEN).set_value(some).run()
        found = shown(faultless(app))
        assert list(found) == some
        for name, told in found.items():
            assert told["ids"] == open_tokenizer(name).encode("The café, 12\n👍🏽").ids


def test_the_tokenizer_of_a_model_with_a_comma_in_its_name_comes_back_from_the_address(
    visit: Visit, folders: Any
) -> None:
    titles = {each.title: each.key for each in choosing.of_models()}
    assert titles
    made = make_run(folders / "runs" / "one, two", train_tokenizer("bpe", ["the cat, the dog"] * 9, 270))
    try:
        engine._common.clear()
        column = next(each for each in choosing.of_models() if "one, two" in each.title)
        assert "," not in column.key
        app = faultless(visit(tokenizers=f"{column.key},stories:bpe", text="the cat"))
        assert list(shown(app)) == [column.key, "stories:bpe"]
        assert shown(app)[column.key]["ids"] == made.tokenizer.encode("the cat").ids
    finally:
        shutil.rmtree(folders / "runs" / "one, two")
        engine._common.clear()


def test_a_column_that_fails_does_not_take_the_others_away(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    real = choosing.tokenizer

    def tokenizer(column: Any) -> Any:
        if column.key == "stories:word":
            raise LookupError("this one is *gone*; choose another")
        return real(column)

    monkeypatch.setattr(choosing, "tokenizer", tokenizer)
    app = visit(tokenizers="stories:word,stories:bpe", text="A text for this test alone")
    assert not app.exception
    told = shown(app)
    assert told["stories:word"]["error"] == "This one is *gone*; choose another."
    assert told["stories:bpe"]["ids"] == open_tokenizer("stories:bpe").encode("A text for this test alone").ids
    assert any(r"This one is \*gone\*; choose another\." in each.value for each in app.error)


def test_a_part_that_fails_is_told_and_the_rest_stands(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(lab: Any) -> None:
        raise RuntimeError("no *table* today")

    monkeypatch.setattr(table, "draw", broken)
    app = visit(tokenizers="stories:bpe")
    assert [each.value for each in app.error] == [r"This part failed with RuntimeError\: no \*table\* today\."]
    assert list(shown(app)) == ["stories:bpe"]
    assert "Before the model" in words(app)


def test_ones_own_is_offered_and_a_forgotten_one_leaves_the_page(visit: Visit) -> None:
    app = visit(tokenizers="gpt2", text="The cat sat on the mat, and the dog sat on the log. " * 4)
    next(each for each in app.button if each.label == "Train it").click().run()
    name = app.session_state[choosing.CHOSEN][1]
    assert list(shown(faultless(app))) == ["gpt2", name]
    assert address(app)["tokenizers"] == f"gpt2,{name}"
    next(each for each in app.button if each.label == "Forget").click().run()
    assert list(shown(faultless(app))) == ["gpt2"]


def test_what_was_chosen_stays_while_one_is_on_another_page(visit: Visit) -> None:
    app = visit(tokenizers="stories:char", text="Stay", part="Training, watched")
    app.switch_page("pages/model_zoo.py").run()
    app.switch_page(PAGE).run()
    assert list(shown(faultless(app))) == ["stories:char"]
    assert app.text_area(key=text.WRITTEN).value == "Stay"
    assert app.session_state[PART] == "Training, watched"
