"""Every plugin of the zoo on every page: drawn without an error, with what is that model's own; or with the reason."""

from __future__ import annotations

import pytest

from playground import engine, state
from playground.catalogue import Choice, app_runs
from playground.jobs.limits import held
from playground.paths import (
    FORWARD_PASS,
    MODEL_ZOO,
    NEXT_WORD,
    SEQUENTIAL_AND_PARALLEL,
    TOKENIZERS,
    TRAIN,
    UNTRAINED_AND_PRETRAINED,
)
from playground.text import escaped
from playground.views.model_zoo import inside
from playground.views.model_zoo.keys import key
from playground.views.tokenizers import choosing
from tests.playground.helpers import faultless, sent
from tests.playground.views.train.conftest import InProcess
from zoo.inference import load
from zoo.launch import Order
from zoo.pretrained.shipped import shipped_folder
from zoo.registry import discover
from zoo.tokenizers.presets import PRESETS
from zoo.training import Run

PLUGINS = sorted(each for each, plugin in discover().plugins.items() if each.startswith("zoo/"))
NO_PART = {"zoo/skip-gram", "zoo/cbow"}
"""Of which the page Sequential and parallel has nothing to show."""
UNTRAINED = {each for each in PLUGINS if shipped_folder(each) is None}


def choice_of(plugin: str) -> Choice:
    return next(choice for choice in engine.choices() if choice.key == plugin)


def title_of(plugin: str) -> str:
    return choice_of(plugin).title


@pytest.mark.parametrize("page", [NEXT_WORD, FORWARD_PASS, UNTRAINED_AND_PRETRAINED])
@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_page_is_drawn_for_every_plugin(open_page, plugin, page):
    app = faultless(open_page(page, model=title_of(plugin), weights="untrained", prompt="The cat sat."))
    assert title_of(plugin) in " ".join(each.value for each in app.caption) + str(app.selectbox[0].value)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_the_candidates_are_the_models_own(open_page, plugin):
    app = open_page(NEXT_WORD, model=title_of(plugin), weights="untrained", seed=3, prompt="The cat sat.")
    model = load(plugin, untrained=True, seed=3)
    best = model.predict("The cat sat.", top=10)
    head, _ = sent(app, "candidates")
    assert [row["id"] for row in head["rows"]] == [each.id for each in best]
    assert [row["prob"] for row in head["rows"]] == pytest.approx([each.prob for each in best], rel=1e-4)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_token_can_be_asked_about(open_page, plugin):
    for token in (0, 1):
        app = faultless(
            open_page(NEXT_WORD, model=title_of(plugin), weights="untrained", prompt="The cat", token=token)
        )
        assert any(
            "expected" in each.value or "near" in each.value or "No prediction" in each.value or "Before" in each.value
            for each in app.subheader
        )


class Accepting(InProcess):
    """Jobs that hold an order to the server's limits before they train it."""

    def submit(self, order: Order, owner: str, text: str | None = None) -> str:
        plugin = discover().get(order.model)
        return super().submit(held(order, plugin, self.limits, own_text=text is not None)[0], owner, text)


@pytest.fixture
def jobs(open_page, monkeypatch, tmp_path) -> Accepting:
    """The server's jobs, in a folder of this test's own."""
    monkeypatch.setenv("PLAYGROUND_RUNS", str(tmp_path))
    found = Accepting(app_runs())
    monkeypatch.setattr(engine, "jobs", lambda: found)
    monkeypatch.setattr(state, "owner", lambda: "me")  # without a browser there is no cookie to know it by
    return found


@pytest.mark.parametrize("plugin", PLUGINS)
def test_its_form_is_drawn_and_the_order_is_taken(open_page, jobs, plugin):
    app = open_page(TRAIN)
    app.selectbox(key="train.model").set_value(plugin)
    app.segmented_control(key="train.unit").set_value("steps")
    app = faultless(app.run())
    amount = "train.pairs" if discover().get(plugin).spec.task == "translate" else "train.stories"
    app.select_slider(key=amount).set_value(200)
    app.number_input(key="train.budget.steps").set_value(2)
    for name in ("batch", "held_out_windows"):
        app.number_input(key=f"train.recipe.{plugin}.{name}").set_value(2)
    app = faultless(app.button(key="train.go").click().run())
    ((order, _),) = jobs.orders
    run = Run.open(jobs.look(app.session_state[state.RUN]).folder)
    assert (order.model, run.info.model, run.info.recipe.steps, run.info.recipe.batch) == (plugin, plugin, 2, 2)
    assert run.steps()


def on_its_card(open_page, what: str, plugin: str):
    """The page Model zoo with a part of the plugin's card opened."""
    app = open_page(MODEL_ZOO)
    app.session_state[key(what, plugin)] = True
    return faultless(app.run())


@pytest.mark.parametrize("plugin", PLUGINS)
def test_its_card_stands_in_the_zoo_and_lists_what_can_be_seen_inside(open_page, plugin):
    said = [each.value for each in on_its_card(open_page, "inside", plugin).markdown]
    assert sum(each.startswith(f"#### **{escaped(title_of(plugin))}**\n") for each in said) == 1
    model = load(plugin, untrained=not choice_of(plugin).trained)
    assert inside.listed(model.trace(state.DEFAULT_PROMPT)) in said


def sent_to(open_page, path: str, plugin: str, without: set[str], reason: str):
    """The page that the plugin's card opens; None where the button is off, as it must be, with the reason beside it."""
    app = on_its_card(open_page, "pages", plugin)
    button = app.button(key=key("open", path, plugin))
    assert button.disabled == (plugin in without)
    if button.disabled:
        assert any(reason in each.value for each in app.caption)
        return None
    return faultless(button.click().run())


@pytest.mark.parametrize("plugin", PLUGINS)
def test_it_stands_in_a_part_of_the_comparisons_or_the_reason_is_given(open_page, plugin):
    app = sent_to(open_page, SEQUENTIAL_AND_PARALLEL, plugin, NO_PART, "No part of this page is about")
    if app is not None:
        chosen = [*(each.value for each in app.selectbox), *(one for each in app.multiselect for one in each.value)]
        assert title_of(plugin) in chosen


@pytest.mark.parametrize("plugin", PLUGINS)
def test_its_tokenizer_stands_beside_others_or_the_reason_is_given(open_page, plugin):
    app = sent_to(open_page, TOKENIZERS, plugin, UNTRAINED, "it has no tokenizer of its own")
    if app is not None:
        first, *others = sent(app, "columns")[0]["columns"]
        assert first["key"] == app.session_state[choosing.CHOSEN][0]
        others_of_it = [each.value for each in app.caption if "is also that of" in each.value]
        title = title_of(plugin)
        assert title in first["title"] or any(escaped(title) in each for each in others_of_it)
        assert first["ids"] == load(plugin).tokenizer.encode(next(iter(PRESETS.values())).text).ids
        assert others
