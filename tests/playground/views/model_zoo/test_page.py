"""The page as the app draws it: cards, broken plugins, reports, what can be opened where."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from playground import engine, state
from playground.catalogue import Choice
from playground.paths import MODEL_ZOO, SEQUENTIAL_AND_PARALLEL, TOKENIZERS
from playground.text import escaped
from playground.views.model_zoo import conformance, opening, tree
from playground.views.model_zoo.filters import FAMILY, SEARCH
from playground.views.model_zoo.keys import key
from playground.views.model_zoo.opening import TARGETS
from playground.views.model_zoo.tree import NODES
from playground.views.sequential import bottleneck, clock, distance, sides
from playground.views.tokenizers import choosing
from tests.playground.helpers import ROOT, faultless, sent
from tests.playground.views.model_zoo.conftest import LACKING, texts
from zoo.inference import load
from zoo.registry import discover
from zoo.testing import check_plugin


def titles(app) -> list[str]:
    """The titles of the cards on the page."""
    heads = [each.value.split("\n")[0] for each in app.markdown if each.value.startswith("#### ")]
    return [head.removeprefix("#### ").replace(":gray[", "").strip("*]").replace("\\", "") for head in heads]


def test_the_page_has_a_card_for_every_model(visit):
    app = faultless(visit())
    assert set(titles(app)) >= {choice.title for choice in engine.choices()}
    assert sent(app, "tree")[0]["nodes"][0]["id"] == NODES[0].id


def test_a_broken_plugin_is_there_with_its_reason(visit):
    app = faultless(visit())
    assert "broken.py" in titles(app)
    assert escaped("RuntimeError: broken [on](purpose).") in texts(app)
    assert any("1 plugin could not be loaded" in each.value for each in app.warning)
    assert any("Traceback" in each.value and "broken.py" in each.value for each in app.code)


def test_a_plugin_that_lacks_a_package_is_grey_and_says_what_to_install(visit):
    app = faultless(visit(**{key("pages", "you/needy"): True, key("inside", "you/needy"): True}))
    assert f"pip install {LACKING}" in [each.value for each in app.code]
    assert any(each.value.startswith("#### :gray[**Needy**]") for each in app.markdown)
    assert app.button(key=key("check", "you/needy")).disabled
    assert all(app.button(key=key("open", each.path, "you/needy")).disabled for each in TARGETS)
    assert any("nothing can be seen" in each.value for each in app.caption)


def test_search_and_choices_narrow_the_list_and_are_taken_back(visit):
    app = visit(**{SEARCH: "gates", FAMILY: "rnn"})
    assert set(titles(app)) >= {"GRU", "LSTM"}
    assert not {"GPT", "BERT", "RNN", "Averager"} & set(titles(app))
    next(each for each in app.button if each.label == "Show all").click().run()
    assert set(titles(app)) == {choice.title for choice in engine.choices()} | {"broken.py"}
    app.text_input(key=SEARCH).set_value("nothing fits this").run()
    assert titles(app) == ["broken.py"]
    assert any("No model fits" in each.value for each in app.info)


def test_choosing_an_idea_of_the_tree_finds_its_models(visit, monkeypatch):
    session: dict[str, object] = {}
    monkeypatch.setattr("playground.views.model_zoo.filters.st.session_state", session)
    tree._find("gated")
    assert session[SEARCH] == "zoo/lstm zoo/gru"
    monkeypatch.undo()


@pytest.mark.parametrize(("model", "failed"), [("zoo/window", 0), ("you/averager", 1), ("you/faulty", 1)])
def test_the_report_is_what_the_kit_says(visit, shelf, model, failed):
    conformance.report.clear()
    app = visit()
    assert not any("check passed" in each.label for each in app.expander)
    app.button(key=key("check", model)).click().run()
    found = check_plugin(discover([shelf / "plugins"]).get(model))
    assert sum(each.ok is False for each in found) == failed
    shown = next(each.value for each in app.markdown if f"**{escaped(found[0].name)}**" in each.value)
    assert shown.count("\n") == len(found) - 1
    for each in found:
        assert f"**{escaped(each.name)}**: {escaped(each.message)}" in shown
    assert shown.count("badge[:material/check: pass]") == sum(each.ok is True for each in found)
    assert shown.count("badge[:material/close: fail]") == failed
    app.button(key=key("check", model)).click().run()
    assert shown not in [each.value for each in app.markdown]


def test_what_can_be_seen_is_traced_only_when_it_is_asked_for(visit):
    assert "kinds of step" not in texts(visit())
    app = faultless(visit(**{key("inside", "zoo/lstm"): True, key("inside", "you/averager"): True}))
    assert "Forget gate" in texts(app)
    assert "`mean`" in texts(app)


def test_a_model_that_cannot_be_traced_says_so_and_the_others_go_on(visit):
    app = visit(**{key("inside", "you/faulty"): True})
    assert [each.value for each in app.error] == [escaped("It cannot be traced: no *forward* today.")]
    assert "LSTM" in titles(app)


def test_a_model_can_be_opened_on_every_page_but_this_one():
    pages = {f"pages/{file.name}" for file in (ROOT / "pages").glob("*.py")}
    assert sorted(each.path for each in TARGETS) == sorted(pages - {MODEL_ZOO})


@pytest.mark.parametrize("target", [each for each in TARGETS if each.path not in (SEQUENTIAL_AND_PARALLEL, TOKENIZERS)])
def test_a_model_is_opened_on_another_page(visit, target):
    app = visit(**{key("pages", "zoo/lstm"): True})
    app.button(key=key("open", target.path, "zoo/lstm")).click().run()
    assert not app.exception
    assert len(app.title) == 1
    assert "Which models are there" not in app.title[0].value
    if target.title == "Train":
        assert app.selectbox(key="train.model").value == "zoo/lstm"
    else:
        assert app.session_state[state.MODEL] == "LSTM"
        assert app.selectbox(key=state.MODEL).value == "LSTM"


def opened(visit, path: str, slug: str):
    """The page after a click on its name in a card's list."""
    return visit(**{key("pages", slug): True}).button(key=key("open", path, slug)).click().run()


def test_a_model_stands_in_every_part_that_is_about_its_kind(visit):
    app = faultless(opened(visit, SEQUENTIAL_AND_PARALLEL, "zoo/gru"))
    assert app.selectbox(key=clock.RECURRENT).value == "GRU"
    assert app.multiselect(key=distance.CHOSEN).value[0] == "GRU"
    assert app.selectbox(key=sides.LEFT).value == "GRU"
    app.switch_page(MODEL_ZOO)
    app.session_state[key("pages", "zoo/window")] = True
    app = faultless(app.run().button(key=key("open", SEQUENTIAL_AND_PARALLEL, "zoo/window")).click().run())
    assert app.selectbox(key=clock.RECURRENT).value == "GRU"  # not about a window: what stood there stays
    assert app.multiselect(key=distance.CHOSEN).value[0] == "Window network"
    assert app.selectbox(key=sides.LEFT).value == "Window network"


@pytest.mark.parametrize(
    ("model", "chosen"),
    [
        ("zoo/seq2seq-attention", {bottleneck.PICK: "Seq2seq with attention"}),
        ("zoo/bert", {sides.BOTH: "BERT"}),
        ("zoo/gpt", {clock.TRANSFORMER: "GPT"}),
        ("you/averager", {}),
        ("zoo/skip-gram", {}),
    ],
)
def test_what_a_page_sets_fits_the_models_task(cards, model, chosen):
    card = next(each for each in cards.values() if each.slug == model)
    places = {name: value[0] if isinstance(value, list) else value for name, value in opening._places(card).items()}
    assert places == chosen
    assert bool(opening._no_part(card)) != bool(places)


def test_a_model_that_no_part_can_show_says_what_is_lacking_in_one_sentence(visit, cards):
    app = visit(**{key("pages", "you/averager"): True, key("pages", "zoo/skip-gram"): True})
    for slug, words in (
        ("you/averager", "train it on “glass-box” first"),
        ("zoo/skip-gram", "No part of this page is about a model that predicts words near a word."),
    ):
        assert app.button(key=key("open", SEQUENTIAL_AND_PARALLEL, slug)).disabled
        assert any(escaped(words) in each.value for each in app.caption)


def test_an_untrained_translator_is_to_be_trained_first(cards):
    seq2seq = cards["Seq2seq"]
    untrained = replace(seq2seq, choice=Choice("you/translator", "Translator", trained=False), folder=None)
    assert "train it on “glass-box-pairs” first" in opening._no_part(untrained)


def test_a_models_tokenizer_is_opened_beside_others_also_one_that_it_shares(visit, cards):
    for slug, title in (("zoo/gpt", "GPT"), ("zoo/gru", "GRU")):
        app = faultless(opened(visit, TOKENIZERS, slug))
        first, *others = app.session_state[choosing.CHOSEN]
        column = next(each for each in choosing.offered() if each.key == first)
        assert choosing.tokenizer(column).hash == load(cards[title].choice.key).tokenizer.hash
        assert others
        assert app.multiselect(key=choosing.CHOSEN).value == [first, *others]


def test_a_model_without_a_tokenizer_says_whose_it_uses(visit):
    app = visit(**{key("pages", "you/averager"): True})
    assert app.button(key=key("open", TOKENIZERS, "you/averager")).disabled
    assert any("Untrained, it has no tokenizer of its own" in each.value for each in app.caption)


def test_a_run_brings_its_weights(visit):
    card = next(each for each in engine.choices() if each.title == "tiny (run)")
    from playground.views.model_zoo.offer import card_of

    slug = card_of(card).slug
    app = visit(**{key("pages", slug): True})
    app.button(key=key("open", "pages/next_word.py", slug)).click().run()
    assert app.selectbox(key=state.MODEL).value == "tiny (run)"
    assert app.session_state[state.WEIGHTS] == state.TRAINED


def test_two_models_stand_side_by_side(visit):
    app = faultless(visit(**{key("one"): "RNN", key("other"): "GRU", key("steps"): True}))
    assert any("| RNN | GRU |" in each.value for each in app.markdown)
    assert "Update gate" in texts(app)
    assert "**Notice.** Of" in texts(app)


def test_the_page_is_imported_without_torch():
    code = "import sys, playground.views.model_zoo; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_family_tree_stands_there_before_any_model_is_loaded(visit, monkeypatch):
    order, drawn = [], tree.draw
    monkeypatch.setattr(tree, "draw", lambda: (order.append("tree"), drawn()))
    monkeypatch.setattr(engine, "ready", lambda: False)
    monkeypatch.setattr(engine, "wait", lambda: order.append("wait"))
    faultless(visit())
    assert order == ["tree", "wait"]
