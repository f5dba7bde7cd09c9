"""Every model on offer works on both pages: the shipped one, a run, a Hugging Face folder, a user's plugin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser import reading
from tests.browser.app import FORWARD_PASS, NEXT_WORD, App, OpenPage, choose_step, finished, go_to, idle, pick_option

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

FAULTS = "[data-testid=stException], [data-testid=stAlertContentError], [data-testid=stAlertContentWarning]"


@pytest.fixture(scope="module")
def page(app: App, watch_module: OpenPage) -> Page:
    """The home page."""
    page = watch_module().page
    page.goto(app.address())
    finished(page, NEXT_WORD)
    return page


def offered(page: Page) -> list[str]:
    """The titles in the list of models."""
    page.locator(".st-key-model input").click()
    page.get_by_role("option").first.wait_for()
    titles = page.get_by_role("option").all_inner_texts()
    page.keyboard.press("Escape")
    return titles


def choose_model(page: Page, title: str) -> None:
    """Pick a model from the list."""
    pick_option(page, page.locator(".st-key-model input"), title)
    idle(page)


def check_distribution(page: Page) -> None:
    """The list of likely tokens holds together: real shares that sum to 1 with the rest."""
    shown = reading.read_candidates(page)
    assert len(shown.ids) == reading.TOP
    assert sum(each.value for each in shown.probs) + shown.rest.value == pytest.approx(1, abs=1e-5)
    ratios = np.diff([each.value for each in shown.logits])
    np.testing.assert_allclose(np.diff(np.log([each.value for each in shown.probs])), ratios, atol=1e-4)


def steps(page: Page, missing: bool) -> Iterator[str]:
    """The names of the steps on the spine that this model has, or lacks."""
    for node in page.locator(".spine .step").all():
        if ("missing" in (node.get_attribute("class") or "").split()) == missing:
            yield node.get_attribute("data-step") or ""


def test_models_of_every_kind_are_offered_and_a_broken_plugin_takes_nothing_down(page: Page, settings: dict) -> None:
    titles = offered(page)
    assert titles[0] == "GPT"
    assert "Averager" in titles
    assert any(title.startswith("tiny") for title in titles)
    if "shared" in settings["PLAYGROUND_MODELS"]:
        assert any(title.startswith("stories260k") for title in titles)


@pytest.mark.parametrize("name", ["GPT", "tiny", "stories260k", "Averager"])
def test_a_model_is_shown_on_both_pages_with_real_numbers(page: Page, name: str) -> None:
    titles = [title for title in offered(page) if title.startswith(name)]
    if not titles:
        pytest.skip(f"needs ../shared/models/{name}, which is not part of the repository")
    choose_model(page, titles[0])
    page.locator(".candidate").first.wait_for()
    assert page.locator(FAULTS).count() == 0
    check_distribution(page)

    go_to(page, FORWARD_PASS)
    assert page.locator(FAULTS).count() == 0
    have = list(steps(page, missing=False))
    for step in [have[0], have[len(have) // 2], have[-2], have[-1]]:
        choose_step(page, step)
        cells = reading.read_matrix(page).cells
        assert len({cell.value for cell in cells}) > 1, step
        assert all(np.isfinite(cell.value) for cell in cells if "mask" not in step)
    assert page.locator(FAULTS).count() == 0
    for step in list(steps(page, missing=True)):
        choose_missing(page, step)
    go_to(page, NEXT_WORD)


def choose_missing(page: Page, step: str) -> None:
    """Open a step that the model lacks: its place says why, in a sentence."""
    page.locator(f".spine .step[data-step='{step}']").click()
    idle(page)
    reason = page.locator("[data-testid=stAlert]").first
    reason.wait_for()
    assert len(reason.inner_text().split()) >= 5
    assert reading.grid(page).count() == 0


def test_what_a_users_plugin_lacks_is_explained_and_what_it_records_is_shown(app: App, watch: OpenPage) -> None:
    page = watch().page
    page.goto(app.address(FORWARD_PASS, model="Averager"))
    finished(page, FORWARD_PASS)
    assert "mean" in list(steps(page, missing=False))
    lacking = list(steps(page, missing=True))
    assert any("attn" in step for step in lacking)
    choose_missing(page, next(step for step in lacking if "attn" in step))
