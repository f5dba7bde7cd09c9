"""The columns of tokens in a real Chromium: what is written on a chip, lit in all columns, ringed, and sent.

What is read from the page is worked out again here, from the library's own encoding.
"""

from __future__ import annotations

import re

import pytest

from tests.browser import test_components as components
from zoo.tokenizers.boundaries import boundaries

server, visit, answers, app = components.server, components.visit, components.answers, components.app
CUTS = {each.key: each.cut for each in app.cuts() if each.cut}
VISIBLE = {" ": "␣", "\n": "⏎", "\0": "NUL", "\u00a0": "NBSP", "\u200d": "ZWJ"}

pytestmark = pytest.mark.browser


def column(page, key: str):
    return page.locator(f".column[data-column='{key}']")


def chips(page, key: str):
    return column(page, key).get_by_role("option")


def lit(page, key: str) -> list[int]:
    return [int(each.get_attribute("data-index")) for each in column(page, key).locator(".chip.lit").all()]


def overlapping(key: str, other: str, at: int) -> list[int]:
    """The tokens of another column on the bytes of this one's."""
    start, end = CUTS[key].edges[at]
    return [i for i, (low, high) in enumerate(CUTS[other].edges) if low < end and start < high]


def written(text: str) -> str:
    return "".join(VISIBLE.get(char, char) for char in text)


def test_every_chip_shows_what_its_token_writes_and_nothing_is_hidden(visit):
    page = visit("columns")
    for key, cut in CUTS.items():
        shown = [re.sub(r"\s", "", text) for text in chips(page, key).all_inner_texts()]
        assert len(shown) == cut.total
        for i, text in enumerate(shown):
            source = written(app.CUT[slice(*cut.spans[i])])
            partial = [part for part in cut.parts[i] if part.bytes]
            if cut.unknown[i]:
                assert text == f"?{source}"
            elif partial:
                assert text == "".join(f"{byte:02X}" for byte in partial[0].bytes) + f"of{written(partial[0].char)}"
            else:
                assert text == written(cut.pieces[i])
            assert "\ufffd" not in text
        ids = [int(each.get_attribute("data-id")) for each in chips(page, key).all()]
        assert ids == cut.ids
    assert column(page, "wordpiece").locator(".dropped").count() == len(re.findall(r"[\s\0\u200d]+", app.CUT))
    assert page.locator(".list b, .column i").count() == 0
    assert column(page, "lost").get_by_role("alert").inner_text() == "It did not <i>answer</i>."


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_one_text_has_one_colour_everywhere_and_can_be_read(visit, theme):
    page = visit("columns", theme)
    colours: dict[str, set[str]] = {}
    for key, cut in CUTS.items():
        for i, chip in enumerate(chips(page, key).all()):
            if not cut.unknown[i]:
                colours.setdefault(cut.bytes[i], set()).add(chip.evaluate("e => getComputedStyle(e).backgroundColor"))
                assert components.contrast(chip) >= 4.5
    assert {len(each) for each in colours.values()} == {1}
    assert len(set.union(*colours.values())) > 0.8 * len(colours)


def test_boundaries_that_not_all_have_are_ringed(visit):
    page = visit("columns")
    found = boundaries(list(CUTS.values()))
    assert any(map(any, found.marks))
    for key, marks in zip(CUTS, found.marks, strict=True):
        ringed = chips(page, key).evaluate_all(
            "all => all.map(e => getComputedStyle(e, '::before').content !== 'none')"
        )
        assert ringed == marks


def test_pointing_at_a_token_lights_the_same_text_in_every_column_and_tells_the_ids(visit):
    page = visit("columns")
    at = next(i for i, (start, end) in enumerate(CUTS["wordpiece"].edges) if end - start > 3)
    chips(page, "wordpiece").nth(at).hover()
    assert lit(page, "wordpiece") == [at]
    status = column(page, "wordpiece").locator(".status")
    assert f"id {CUTS['wordpiece'].ids[at]}" in status.inner_text()
    for other in ("byte", "word"):
        same = overlapping("wordpiece", other, at)
        assert same
        assert lit(page, other) == same
        told = column(page, other).locator(".status").inner_text()
        assert [int(n) for n in re.findall(r"\d+", told.split("·")[0])] == [CUTS[other].ids[i] for i in same[:8]]
    page.mouse.move(2, 700)
    assert page.locator(".chip.lit").count() == 0


def test_a_byte_of_a_split_character_is_explained_where_the_keyboard_stands(visit):
    page = visit("columns")
    at = next(i for i, parts in enumerate(CUTS["byte"].parts) if parts[0].char == "你" and parts[0].first == 1)
    chips(page, "byte").first.focus()
    for _ in range(at):
        page.keyboard.press("ArrowRight")
    assert lit(page, "byte") == [at]
    told = column(page, "byte").locator(".status").inner_text()
    assert f"id {CUTS['byte'].ids[at]}" in told
    assert f"{'你'.encode()[1]:02X}: byte 2 of the 3 of 你" in told
    assert "byte 2 of the 3 of 你" in chips(page, "byte").nth(at).get_attribute("aria-label")
    assert lit(page, "word") == overlapping("byte", "word", at)
    page.keyboard.press("Home")
    assert lit(page, "byte") == [0]
    page.keyboard.press("ArrowDown")
    (below,) = lit(page, "byte")
    top = "e => e.getBoundingClientRect().top"
    assert chips(page, "byte").nth(below).evaluate(top) > chips(page, "byte").first.evaluate(top) + 10


def test_a_click_selects_a_token_and_it_stays_selected(visit):
    page = visit("columns")
    answers(page, "None")
    chips(page, "word").nth(1).click()
    answers(page, "('word', 1)")
    assert chips(page, "word").nth(1).get_attribute("aria-selected") == "true"
    assert page.locator("[aria-selected=true]").count() == 1
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")  # the focus came through the redraw
    answers(page, "('word', 2)")
    page.mouse.move(2, 700)
    assert lit(page, "word") == [2]
    page.get_by_role("button", name="Show 7 more tokens of each").click()
    answers(page, "more")


def test_on_a_phone_the_columns_stand_below_each_other(visit):
    page = visit("columns", "light", 390)
    boxes = [column(page, key).bounding_box() for key in CUTS]
    assert all(box["x"] + box["width"] <= 390 for box in boxes)
    assert [box["y"] for box in boxes] == sorted({box["y"] for box in boxes})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
