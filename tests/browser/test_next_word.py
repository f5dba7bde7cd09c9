"""The page Next word in use: adding tokens, reopening their distribution, taking them back, and permalinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser import reading, reference
from tests.browser.app import FORWARD_PASS, NEXT_WORD, App, OpenPage, finished, go_to, idle, type_text, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

TEXT = "They went to the lake"
Start = Callable[..., "Page"]


@pytest.fixture
def start(app: App, watch: OpenPage) -> Start:
    """Opens the page with the text and these settings."""

    def opened(path: str = NEXT_WORD, **query: object) -> Page:
        page = watch().page
        page.goto(app.address(path, **{"prompt": TEXT, **query}))
        finished(page, path)
        return page

    return opened


def click(page: Page, name: str) -> None:
    """Press a button and wait for the page."""
    page.get_by_role("button", name=name, exact=True).click()
    idle(page)


def chips_become(page: Page, count: int) -> None:
    """Wait until the text has so many tokens."""
    until(page, lambda: page.locator(".chip").count() == count)
    idle(page)


def ids(page: Page) -> list[int]:
    """The text's token ids as they are shown."""
    return [int(token_id) for _, token_id in reading.read_chips(page)]


def test_a_token_is_added_marked_reopened_and_taken_back(start: Start) -> None:
    page = start()
    length, expected = len(ids(page)), reading.read_candidates(page)
    click(page, "Add one token")
    chips_become(page, length + 1)
    added = ids(page)[-1]
    written = page.locator(".chip").evaluate_all("all => all.map(one => one.classList.contains('written'))")
    assert written == [False] * length + [True]
    assert "added" in (page.locator(".chip").last.get_attribute("aria-label") or "")

    page.locator(".chip").last.click()
    page.get_by_role("heading", name="What the model expected here").wait_for()
    idle(page)
    reopened = reading.read_candidates(page)
    assert reopened.ids[: reading.TOP] == expected.ids
    assert reopened.probs[: reading.TOP] == expected.probs
    taken = page.locator(".candidate.taken")
    assert taken.count() == 1
    assert taken.get_attribute("data-id") == str(added)
    probs = reference.shipped().steps(ids(page))["probs"][length - 1]
    shown = reading.Shown(
        "taken", taken.locator(".prob").inner_text(), float(taken.get_attribute("data-prob") or "nan")
    )
    assert reading.disagreements([shown], lambda _: float(probs[added]), reading.tolerance(probs)) == []
    rank = int((probs > probs[added]).sum()) + 1
    assert taken.locator(".rank").inner_text() == str(rank)

    click(page, "Back to the next token")
    page.get_by_role("heading", name="The next token").wait_for()
    click(page, "Add 10")
    chips_become(page, length + 11)
    click(page, "Take one back")
    chips_become(page, length + 10)
    assert ids(page)[length] == added
    click(page, "Start over")
    chips_become(page, length)
    assert reading.read_candidates(page) == expected


def test_the_first_token_has_no_prediction_and_says_why(start: Start) -> None:
    page = start()
    page.locator(".chip").first.click()
    page.get_by_text("gives no prediction").wait_for()
    idle(page)
    assert page.locator(".candidate").count() == 0


def test_a_click_on_a_candidate_adds_exactly_that_token(start: Start) -> None:
    page = start()
    before, wanted = ids(page), reading.read_candidates(page).ids[3]
    page.locator(".candidate").nth(3).click()
    chips_become(page, len(before) + 1)
    assert ids(page) == [*before, wanted]
    steps = reference.shipped().steps([*before, wanted])
    shown = reading.read_candidates(page)
    assert reading.candidate_disagreements(shown, steps["logits"][-1], steps["probs"][-1]) == []
    page.locator(".candidate").first.click()
    chips_become(page, len(before) + 2)
    assert ids(page) == [*before, wanted, shown.ids[0]]


def test_a_new_text_begins_without_the_tokens_of_the_old_one(start: Start) -> None:
    page = start()
    length = len(ids(page))
    click(page, "Add one token")
    chips_become(page, length + 1)
    type_text(page, "Once")
    fresh = reference.shipped().ids("Once")
    chips_become(page, len(fresh))
    assert ids(page) == fresh


def test_at_temperature_0_the_most_probable_token_is_always_taken(start: Start) -> None:
    page = start()
    page.get_by_text("How the token is drawn").click()
    slider = page.get_by_role("slider").first
    slider.focus()
    slider.press("Home")
    until(page, lambda: "temperature=0" in page.url)
    page.get_by_text("Temperature 0: the most probable token is taken, always.").wait_for()
    length = len(ids(page))
    click(page, "Add 10")
    chips_become(page, length + 10)
    text = ids(page)
    logits = reference.shipped().steps(text)["logits"]
    for place in range(length, length + 10):
        row = logits[place - 1]
        assert row[text[place]] >= row.max() - reading.tolerance(row), place


def test_the_address_of_the_page_reopens_the_same_view(start: Start, watch: OpenPage) -> None:
    page = start()
    length = len(ids(page))
    click(page, "Add 10")
    chips_become(page, length + 10)
    page.locator(".chip").nth(length + 2).click()
    page.get_by_role("heading", name="What the model expected here").wait_for()
    until(page, lambda: f"token={length + 2}" in page.url)
    again = watch().page
    again.goto(page.url)
    finished(again, NEXT_WORD)
    assert reading.read_chips(again) == reading.read_chips(page)
    assert selected(again) == selected(page) == [length + 2]
    assert reading.read_candidates(again) == reading.read_candidates(page)


def selected(page: Page) -> list[int]:
    """The positions of the chips that are selected."""
    script = (
        "all => all.filter(one => one.getAttribute('aria-selected') === 'true').map(one => Number(one.dataset.index))"
    )
    return [int(place) for place in page.locator(".chip").evaluate_all(script)]


def test_what_was_chosen_goes_along_from_page_to_page(start: Start) -> None:
    """Also where it came by the address and was never touched."""
    page = start(weights="untrained", seed=3, temperature=0.5)
    length = len(ids(page))
    click(page, "Add one token")
    chips_become(page, length + 1)
    tokens = reading.read_chips(page)
    go_to(page, FORWARD_PASS)
    assert page.get_by_label("Your text").input_value() == TEXT
    assert reading.read_chips(page) == tokens
    assert page.get_by_role("radio", name="untrained", exact=True).is_checked()
    assert page.get_by_role("spinbutton", name="Seed of the random weights").input_value() == "3"
    go_to(page, NEXT_WORD)
    assert reading.read_chips(page) == tokens
    assert "temperature=0.5" in page.url


def test_a_text_that_came_by_the_address_goes_along_at_once(start: Start) -> None:
    page = start()
    tokens = reading.read_chips(page)
    go_to(page, FORWARD_PASS)
    assert page.get_by_label("Your text").input_value() == TEXT
    assert reading.read_chips(page) == tokens


def test_a_step_of_the_strip_opens_on_the_other_page(start: Start) -> None:
    page = start()
    tokens = reading.read_chips(page)
    page.locator(".station[data-id='logits']").click()
    until(page, lambda: "/forward_pass" in page.url)
    finished(page, FORWARD_PASS)
    assert page.locator(".spine .step[aria-current]").get_attribute("data-step") == "logits"
    assert reading.read_chips(page) == tokens
