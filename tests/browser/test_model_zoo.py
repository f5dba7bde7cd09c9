"""The page Model zoo in a real browser: the family tree, the list that it finds models in, a report, and the way on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.app import FORWARD_PASS, App, OpenPage, finished, idle, started, until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

MODEL_ZOO = "model_zoo"
CARDS = "[class*='st-key-model_zoo-box-']"


def opened(page: Page, app: App) -> Page:
    """The page, when its tree and its cards stand there."""
    page.goto(app.address(MODEL_ZOO))
    page.wait_for_selector(".tree .idea", timeout=60_000)
    page.wait_for_selector(CARDS, timeout=60_000)
    idle(page)
    return page


def card(page: Page, slug: str) -> Locator:
    """The card of a plugin: "zoo-lstm"."""
    return page.locator(f".st-key-model_zoo-box-{slug}")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_tree_fits_the_screen_and_is_a_list_on_a_phone(app: App, watch: OpenPage, width: int, scheme: str) -> None:
    page = opened(watch(width=width, color_scheme=scheme).page, app)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ideas = [box for each in page.locator(".tree .idea").all() if (box := each.bounding_box())]
    assert len(ideas) >= 12
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in ideas)
    lines = page.locator(".tree .lines path")
    assert lines.count() == len(ideas) - 1
    if width < 900:
        assert not lines.first.is_visible()
        assert ideas == sorted(ideas, key=lambda box: box["y"])
        assert len({round(box["x"]) for box in ideas}) == 1
        assert page.get_by_text("adds to: Seq2seq with attention").is_visible()
    else:
        assert len({round(box["x"]) for box in ideas}) == 5
        drawn = lines.evaluate_all("paths => paths.map(path => path.getTotalLength())")
        assert min(drawn) > 5


def test_a_broken_plugin_is_named_with_its_reason(app: App, watch: OpenPage) -> None:
    page = opened(watch().page, app)
    broken = page.locator(".st-key-model_zoo-broken-0")
    assert "broken.py" in broken.inner_text()
    assert "this plugin is broken on purpose" in broken.inner_text()


def test_an_idea_finds_its_models_one_is_checked_and_opened(app: App, watch: OpenPage) -> None:
    page = opened(watch().page, app)
    everything = page.locator(CARDS).count()
    page.locator(".idea[data-id='gated']").click()
    until(page, lambda: page.locator(CARDS).count() < everything)
    idle(page)
    assert card(page, "zoo-lstm").count() == card(page, "zoo-gru").count() == 1
    assert card(page, "zoo-bert").count() == 0

    gru = card(page, "zoo-gru")
    gru.get_by_role("button", name="Check it").click()
    gru.get_by_text(re.compile(r"zoo/gru: \d+ of \d+ checks passed, 0 failed")).wait_for(timeout=60_000)
    gru.get_by_text("What can be seen inside").click()
    gru.get_by_text("Update gate").wait_for(timeout=30_000)

    gru.get_by_role("button", name="Open in").click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Forward pass").click()
    started(page)
    page.wait_for_url("**/forward_pass**")
    finished(page, FORWARD_PASS)
    assert "model=GRU" in page.url
    page.locator(".spine").get_by_text("Layer 0").first.wait_for()
