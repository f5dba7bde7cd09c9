"""Every plugin of the zoo on every page that takes a text: drawn without an error, with that model's own answer."""

from __future__ import annotations

import pytest

from playground import engine
from tests.playground.helpers import FORWARD_PASS, NEXT_WORD, faultless, sent
from zoo.inference import load
from zoo.registry import discover

TWINS = "pages/untrained_and_pretrained.py"
PLUGINS = sorted(each for each, plugin in discover().plugins.items() if each.startswith("zoo/"))


def title_of(plugin: str) -> str:
    return next(choice.title for choice in engine.choices() if choice.key == plugin)


@pytest.mark.parametrize("page", [NEXT_WORD, FORWARD_PASS, TWINS])
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
