"""What a user can do wrong gets one clear sentence, and a hostile text is only ever text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import reading
from tests.browser.app import (
    FORWARD_PASS,
    NEXT_WORD,
    App,
    OpenPage,
    choose_step,
    finished,
    go_to,
    idle,
    type_text,
    until,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

ALERT = "[data-testid=stAlert] [data-testid=stMarkdownContainer]"
HOSTILE = "<img src=x onerror=alert(1)> **bold** $x$ :red[x]"


@pytest.fixture
def page(app: App, watch: OpenPage) -> Page:
    """The home page."""
    page = watch().page
    page.goto(app.address())
    finished(page, NEXT_WORD)
    return page


def sentence(page: Page, word: str) -> str:
    """The one error on the page, which has this word in it."""
    page.locator(ALERT, has_text=word).first.wait_for()
    assert page.locator(ALERT).count() == 1
    return page.locator(ALERT).inner_text().strip()


def check_sentence(text: str) -> None:
    """Words for a person: no name of a Python class, nothing from a traceback."""
    assert 4 <= len(text.split()) <= 40
    assert not any(part in text for part in ("Error", "Traceback", "None", "\n\n"))


@pytest.mark.parametrize("path", [NEXT_WORD, FORWARD_PASS])
def test_an_empty_text_and_one_too_long_get_a_sentence_and_the_page_recovers(page: Page, path: str) -> None:
    if path == FORWARD_PASS:
        go_to(page, path)
    type_text(page, "")
    check_sentence(sentence(page, "empty"))
    type_text(page, "word and word " * 140)
    check_sentence(sentence(page, "tokens"))
    type_text(page, "Once upon a time")
    finished(page, path)
    assert page.locator("[data-testid=stAlert]").count() == 0


@pytest.mark.parametrize(
    "query",
    [
        {"model": "no/such-model"},
        {"prompt": "x" * 5000},
        {"added": "999999.-3.x.5", "token": "77777"},
        {"token": "400"},
        {"step": "blocks.99.attn.q"},
        {"temperature": "-5", "top_k": "abc", "top_p": "9", "seed": "-1", "weights": "banana", "draw": "1e9"},
        {"what_if": "blocks.99.attn.z:77"},
    ],
    ids=lambda query: next(iter(query)),
)
def test_an_address_with_nonsense_still_opens_a_page(app: App, watch: OpenPage, query: dict[str, str]) -> None:
    page = watch().page
    for path in (NEXT_WORD, FORWARD_PASS):
        page.goto(app.address(path, **query))
        page.wait_for_selector(".candidate, .spine .step, [data-testid=stAlert]")
        idle(page)
        for alert in page.locator(ALERT).all_inner_texts():
            check_sentence(alert.strip())


def check_only_text(page: Page) -> None:
    """Nothing in the text has become an element, and none of it was lost."""
    main = page.locator("[data-testid=stMain]")
    assert main.locator("img, .katex, [class*=katex]").count() == 0
    strong = main.locator("strong, b").all_inner_texts()
    assert "bold" not in "".join(strong)
    coloured = main.locator("[class*=stMarkdownColored]").all_inner_texts()
    assert "x" not in coloured
    assert "".join(piece for piece, _ in reading.read_chips(page)) == reading.visible(HOSTILE)


def test_a_hostile_text_is_shown_as_text_everywhere(page: Page) -> None:
    type_text(page, HOSTILE)
    check_only_text(page)
    count = page.locator(".chip").count()
    for position in range(1, count, 4):  # each opens a sentence in Markdown that quotes the token
        page.locator(".chip").nth(position).click()
        piece = page.locator(".chip").nth(position).locator(".token").inner_text()
        until(page, lambda place=position: page.url.endswith(f"token={place}"))
        idle(page)
        page.get_by_text(f"{piece} stands here").wait_for()
        check_only_text(page)
    page.get_by_role("button", name="Back to the next token").click()
    page.get_by_role("heading", name="The next token").wait_for()
    page.get_by_role("button", name="Add one token").click()
    page.get_by_text("The text so far").wait_for()
    idle(page)
    assert HOSTILE in page.locator("[data-testid=stText]").inner_text()
    page.get_by_role("button", name="Start over").click()
    idle(page)
    go_to(page, FORWARD_PASS)
    check_only_text(page)
    choose_step(page, "blocks.0.attn.pattern")
    reading.grid(page).locator("td[data-r='9'][data-c='4']").click()
    page.locator(".opened").wait_for()
    check_only_text(page)
