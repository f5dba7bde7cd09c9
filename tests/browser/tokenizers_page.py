"""Reading the page Tokenizers, and using it, as a person does. For tests/browser/test_tokenizers.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from playground.text import plural
from tests.browser import tokenizers_reference as outside
from tests.browser.app import idle, pick_option, until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

EXPORT = "Take it with you"


def ready(page: Page) -> None:
    """Wait until the columns stand on the page, and nothing is being drawn any more."""
    page.locator(".column h3").first.wait_for(timeout=60_000)
    page.get_by_role("radio", name=EXPORT).wait_for(timeout=60_000)
    idle(page)


def shown(page: Page) -> list[str]:
    """The keys of the columns, in order."""
    return [str(each) for each in page.locator(".column").evaluate_all("all => all.map(e => e.dataset.column)")]


def chips(page: Page, key: str) -> Locator:
    """The tokens of a column."""
    return page.locator(f".column[data-column='{key}'] .chip")


def ids(page: Page, key: str) -> list[int]:
    """The ids on a column's chips."""
    return [int(each) for each in chips(page, key).evaluate_all("all => all.map(e => e.dataset.id)")]


def total(page: Page, key: str) -> str:
    """What a column says of its number of tokens."""
    return page.locator(f".column[data-column='{key}'] .total").inner_text()


def the_text(page: Page) -> str:
    """What stands in the box."""
    return page.get_by_label("Your text").input_value()


def type_own(page: Page, text: str) -> None:
    """Type a text, and send it."""
    box = page.get_by_label("Your text")
    box.fill(text)
    box.press("Control+Enter")


def part(page: Page, name: str) -> None:
    """Look at another part."""
    page.get_by_role("radio", name=name, exact=True).click()
    until(page, lambda: page.get_by_role("radio", name=name, exact=True).get_attribute("aria-checked") == "true")
    idle(page)


def keyed(page: Page, name: str) -> Locator:
    """What has this key on the page."""
    return page.locator(f".st-key-tokenizers-{name}")


def grid(page: Page, name: str) -> list[list[str]]:
    """The cells of a table, the head first; what is bold in *stars*."""
    table = page.get_by_role("table", name=name)
    script = """table => [...table.querySelectorAll('tr')].map(row => [...row.children].map(
        cell => cell.querySelector('strong') ? `*${cell.textContent.trim()}*` : cell.textContent.trim()))"""
    found: list[list[str]] = table.evaluate(script)
    return found


def downloaded(page: Page, button: Locator) -> str:
    """The file that a button gives."""
    with page.expect_download() as waiting:
        button.click()
    return Path(waiting.value.path()).read_text(encoding="utf-8")


def disagreements(page: Page, keys: list[str], text: str) -> list[str]:
    """What the columns show that the library does not say."""
    found = [] if shown(page) == keys else [f"the columns are {shown(page)}"]
    for key in keys:
        encoding, strange = outside.encode(key, text), outside.unknown(key, text)
        if ids(page, key) != encoding.ids[:400]:
            found.append(f"{key}: ids {ids(page, key)}")
        said = plural(len(encoding.ids), "token") + (f", {strange} unknown" if strange else "")
        if total(page, key) != said:
            found.append(f"{key}: {total(page, key)!r}, not {said!r}")
    return found


def pieces(page: Page, name: str) -> list[str]:
    """The pieces of a row, by its key."""
    return keyed(page, name).locator(".piece").all_text_contents()


def piece(page: Page) -> str:
    """The piece that is explained."""
    return page.get_by_role("combobox", name=re.compile(r"^Piece \(")).input_value()


def choose_piece(page: Page, name: str) -> None:
    """Have another piece explained."""
    if piece(page) != name:
        pick_option(page, page.get_by_role("combobox", name=re.compile(r"^Piece \(")), name, typed=name)
    until(page, lambda: piece(page) == name)
    idle(page)


def more(page: Page, tab: str) -> None:
    """Open a way to a tokenizer of one's own."""
    page.get_by_text("Train, load or fetch a tokenizer").click()
    page.get_by_role("tab", name=tab).click()
    until(page, lambda: page.get_by_role("tab", name=tab).get_attribute("aria-selected") == "true")
