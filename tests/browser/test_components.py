"""The components in a real Chromium: the digits on the screen, the keyboard, both themes, a phone's width.

What is read from the page is worked out again here from `components_app`'s arrays, in NumPy or by hand.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

APP = Path(__file__).with_name("components_app.py")
ROOT = APP.parents[2]
IDLE = "[data-testid=stApp][data-test-connection-state=CONNECTED][data-test-script-state=notRunning]"

spec = importlib.util.spec_from_file_location("components_app", APP)
app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(app)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The app's address; Streamlit runs in an empty folder that holds the app and the project's theme."""
    folder = tmp_path_factory.mktemp("app")
    shutil.copy(APP, folder / "app.py")
    shutil.copytree(ROOT / ".streamlit", folder / ".streamlit")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, stdout=log, stderr=log
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(address: str) -> None:
    for _ in range(120):
        try:
            with urllib.request.urlopen(address):
                return
        except OSError:
            time.sleep(0.25)
    pytest.fail("the app did not start within half a minute")


@pytest.fixture
def visit(chromium, server):
    """Open the app with one component; after the test no page may have raised an error."""
    pages, errors = [], []

    def open_page(show: str, theme: str = "light", width: int = 1280):
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
        pages.append(page)
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{server}/?show={show}")
        page.get_by_text("answer:").wait_for()
        settle(page)
        page.locator("[data-testid=stBidiComponentRegular], [data-testid=stBidiComponentIsolated]").first.wait_for()
        return page

    yield open_page
    for page in pages:
        page.close()
    assert errors == []


def settle(page) -> None:
    """Wait until the script has run and nothing is on its way."""
    page.wait_for_timeout(210)
    page.wait_for_selector(IDLE)
    assert page.locator("[data-testid=stException]").count() == 0


def answers(page, value: str, runs: int | None = None) -> None:
    """Wait until Python has got `value` back; and that the script has run so often, where that matters."""
    line = page.get_by_text(re.compile(rf"answer: {re.escape(value)}, run: {runs or ''}"))
    line.wait_for()
    settle(page)
    line.wait_for(timeout=1000)


def cell(page, row: int, column: int):
    """A cell of the matrix."""
    return page.locator(f'td[data-r="{row}"][data-c="{column}"]')


def data(locator, name: str = "value") -> float:
    """A full-precision number out of the page."""
    return float(locator.get_attribute(f"data-{name}"))


def as_number(text: str) -> float:
    """What a reader takes the digits to mean; a hyphen is no minus sign."""
    assert "-" not in text
    return float(text.replace("−", "-").replace("∞", "inf"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_cell_shows_its_value_readably(visit, theme):
    page = visit("dot", theme)
    values = app.sheets()["dot"].values[0]
    for (row, column), value in np.ndenumerate(values):
        found = cell(page, row, column)
        assert data(found) == value
        assert as_number(found.inner_text()) == pytest.approx(float(value), abs=0.00501)
        assert re.fullmatch(r"−?\d+\.\d\d", found.inner_text())
        assert contrast(found) >= 4.5


def contrast(found) -> float:
    """The contrast of a cell's digits with its colour, as Chromium resolved both."""
    colours = found.evaluate("e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]")

    def luminance(colour: str) -> float:
        numbers = [float(n) for n in re.findall(r"[\d.]+", colour)[:3]]
        unit = [n if colour.startswith("color(") else n / 255 for n in numbers]
        red, green, blue = (n / 12.92 if n <= 0.04045 else ((n + 0.055) / 1.055) ** 2.4 for n in unit)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted(luminance(colour) for colour in colours)
    return (light + 0.05) / (dark + 0.05)


def test_an_opened_cells_terms_multiply_and_sum_to_the_result(visit):
    page = visit("dot")
    page.get_by_role("button", name="head 1").click()
    cell(page, 2, 1).click()
    expected = app.X[0, 2].astype(float) * app.W[1, :, 1].astype(float)
    assert page.locator("tr.term").count() == 8
    shown_sum = sum(data(term, "product") for term in page.locator("tr.term").all())
    rest = page.locator("tr.rest")
    assert "the other 4 products together" in rest.inner_text()
    assert shown_sum + data(rest.locator("td")) == pytest.approx(expected.sum(), abs=1e-12)

    page.get_by_role("button", name="show all 12").click()
    terms = page.locator("tr.term").all()
    products = [data(term, "a") * data(term, "b") for term in terms]
    np.testing.assert_allclose(products, expected, rtol=1e-12)
    for term, product in zip(terms, products, strict=True):
        a, b, shown = (as_number(text) for text in term.locator("td.number").all_inner_texts())
        assert shown == pytest.approx(product, abs=0.00005)
        assert a * b == pytest.approx(product, abs=0.0001 * (1 + abs(a) + abs(b)))  # from the digits alone

    recomputed = sum(products) * 0.5 + float(app.BIAS[1, 1])
    assert data(page.locator(".recomputed")) == pytest.approx(recomputed, abs=1e-12)
    value = app.sheets()["dot"].values[1, 2, 1]
    result = page.locator(".result")
    assert np.float32(as_number(result.inner_text())) == value  # the digits name this float32 and no other
    assert data(page.locator(".difference")) == pytest.approx(abs(recomputed - float(value)), abs=1e-12)
    assert "×\t0.5" in re.sub(r"scale\s*", "", page.locator(".lines").inner_text())


def test_a_value_that_its_operands_do_not_give_is_exposed(visit):
    page = visit("falsified")
    cell(page, 1, 1).click()
    assert data(page.locator(".difference")) == 0
    cell(page, 1, 2).click()
    assert as_number(page.locator(".difference").inner_text()) == pytest.approx(0.01, abs=0.0005)


OTHERS = ["gate", "mixed", "chance", "compared"]


@pytest.mark.parametrize("kind", ["dot", "pattern", "masked", "norm", "act", "turned", "table", "mask", *OTHERS])
def test_every_kind_is_recomputed_from_its_operands(visit, kind):
    page = visit(kind)
    values = app.sheets()[kind].values[0]
    for row, column in [(0, 0), (3, 2), (1, 2)]:
        cell(page, row, column).click()
        value = float(values[row, column])
        assert data(page.locator(".result")) == value
        recomputed = data(page.locator(".recomputed"))
        assert recomputed == value or recomputed == pytest.approx(value, abs=2e-6)
        assert data(page.locator(".difference")) < 2e-6


def test_each_line_of_a_norm_follows_from_the_one_above(visit):
    page = visit("norm")
    cell(page, 2, 3).click()
    x = app.X[0, 2].astype(float)
    mean, std = app.X.mean(-1)[0, 2], np.sqrt(app.X.var(-1) + 1e-5)[0, 2]
    steps = [x[3], x[3] - mean, (x[3] - mean) / std, (x[3] - mean) / std * 2, (x[3] - mean) / std * 2 + 1]
    lines = page.locator("tr.line").all()
    np.testing.assert_allclose([data(line, "so") for line in lines], steps, rtol=1e-6)
    shown = [as_number(line.locator("td.number").last.inner_text()) for line in lines]
    np.testing.assert_allclose(shown, steps, atol=0.00006)


def test_a_softmax_row_is_listed_with_its_shares(visit):
    page = visit("pattern")
    cell(page, 3, 1).click()
    shares = [as_number(row.locator("td.number").last.inner_text()) for row in page.locator("tr.term").all()]
    np.testing.assert_allclose(shares, app.PATTERN[0, 3], atol=0.00006)
    assert sum(data(row.locator("td.number").last) for row in page.locator("tr.term").all()) == pytest.approx(1)


def test_what_cannot_be_opened_says_why(visit):
    page = visit("closed")
    assert "Computed inside, not shown." in page.locator("footer").inner_text()
    cell(page, 0, 0).click()
    assert page.locator(".says").inner_text() == "Computed inside, not shown."
    assert page.locator(".recomputed").count() == 0


@pytest.mark.parametrize(("show", "text"), [("masked", "−∞"), ("mask", "−∞"), ("pattern", "0")])
def test_masked_cells_are_hatched_and_never_coloured_as_numbers(visit, show, text):
    page = visit(show)
    looks = "e => [getComputedStyle(e).backgroundImage, getComputedStyle(e).backgroundColor]"
    for row in range(app.T):
        for column in range(app.T):
            image, colour = cell(page, row, column).evaluate(looks)
            assert ("repeating-linear-gradient" in image) == (column > row)
            if column > row:
                assert cell(page, row, column).inner_text() == text
                assert colour == "rgba(0, 0, 0, 0)"
    assert "masked" in page.locator(".legend").inner_text()


def test_shares_have_a_fixed_scale_and_signed_numbers_a_symmetric_one(visit):
    assert re.sub(r"\s+", " ", visit("pattern").locator(".legend").inner_text()).startswith("0 1")
    low, high = re.findall(r"−?\d+\.\d\d", visit("dot").locator(".legend").inner_text())
    assert low == f"−{high}"
    assert as_number(high) == pytest.approx(np.abs(app.sheets()["dot"].values).max(), abs=0.00501)


def test_the_header_says_honestly_how_much_is_shown(visit):
    page = visit("norm")
    assert "first 12 of 99 columns" in page.locator("header:not([data-testid])").inner_text()
    assert "recomputed: max error 1.0e−7" in page.locator("footer").inner_text()


def test_the_matrix_is_walked_opened_and_closed_from_the_keyboard(visit):
    page = visit("dot")
    page.get_by_role("button", name="head 1").focus()
    page.keyboard.press("Tab")
    for key in ["ArrowDown", "ArrowDown", "ArrowRight", "End", "ArrowLeft"]:
        page.keyboard.press(key)
    focused = "() => { let e = document.activeElement; while (e.shadowRoot) e = e.shadowRoot.activeElement;"
    place = focused + " return [e.dataset.r, e.dataset.c, e.getAttribute('aria-label')] }"
    row, column, label = page.evaluate(place)
    assert (row, column) == ("2", "1")
    assert label == f",⏎, 1: {page.locator('.status .value').inner_text()}"
    assert page.locator('td[tabindex="0"]').count() == 1
    page.keyboard.press("Enter")
    assert page.locator("section.opened").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("section.opened").count() == 0
    assert page.evaluate(place)[:2] == ["2", "1"]


def test_heads_cells_and_arithmetic_need_no_trip_and_outlive_one(visit):
    page = visit("dot")
    page.get_by_role("button", name="head 1").click()
    cell(page, 1, 2).click()
    assert data(cell(page, 1, 2)) == app.sheets()["dot"].values[1, 1, 2]
    answers(page, "None", 1)
    page.get_by_role("button", name="other start").click()
    answers(page, "None", 2)
    assert page.get_by_role("button", name="head 1").get_attribute("aria-pressed") == "true"
    assert "[cat, 2], head 1" in page.locator(".opened-title").inner_text()


def test_a_large_matrix_builds_the_rows_in_view_and_the_keyboard_reaches_all(visit):
    page = visit("large")
    values = app.large().values[0]
    assert page.locator("td[data-value]").count() < values.size
    cell(page, 0, 0).focus()
    page.keyboard.press("Control+End")
    last = cell(page, 79, 79)
    last.wait_for()
    assert data(last) == values[79, 79]
    assert "Computed" not in page.locator(".status").inner_text()
    assert page.get_by_role("grid").get_attribute("aria-rowcount") == "81"


def test_chips_show_tokens_as_text_and_return_the_selected_one(visit):
    page = visit("chips")
    chips = page.get_by_role("option")
    assert [re.sub(r"\s", "", text) for text in chips.all_inner_texts()] == ["␣a7", "cat8", ",⏎9", "<b>sat</b>10"]
    assert page.locator(".chips b").count() == 0
    assert page.locator(".chip.written").count() == 1
    answers(page, "0")
    chips.nth(2).click()
    answers(page, "2")
    page.keyboard.press("ArrowRight")
    answers(page, "3")
    assert chips.nth(3).get_attribute("aria-selected") == "true"
    page.get_by_role("button", name="other start").click()  # the page's own choice wins where it changes
    answers(page, "1")
    assert chips.nth(1).get_attribute("aria-selected") == "true"


def test_a_head_is_looked_at_and_sent(visit):
    page = visit("heads")
    drawn = "e => new Set(e.getContext('2d').getImageData(0, 0, e.width, e.height).data).size"
    assert page.locator("canvas").evaluate(drawn) > 20
    page.get_by_role("button", name="block 1, head 0").click()
    assert page.locator(".big h3").inner_text() == "Block 1, head 0"
    answers(page, "(1, 0)")
    for row, column in [(3, 0), (3, 3), (1, 0)]:
        assert data(cell(page, row, column)) == app.PATTERN[1, row, column]
    cell(page, 3, 1).hover()
    assert f"{app.PATTERN[1, 3, 1]:.4f}" in page.locator(".status").inner_text()
    assert "masked" in cell(page, 0, 2).get_attribute("class")
    page.get_by_role("button", name="block 1, head 0").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    answers(page, "(1, 1)")


def test_the_spine_opens_one_block_and_sends_the_step(visit):
    page = visit("spine")
    assert page.locator("[data-step='blocks.0.attn.q']").get_attribute("aria-current") == "step"
    assert page.locator("[data-step='blocks.1.attn.q']").count() == 0
    bar = page.get_by_role("button", name="Block 1")
    bar.click()
    assert page.get_by_role("button", name="Block 1").get_attribute("aria-expanded") == "true"
    assert page.get_by_role("button", name="Block 0").get_attribute("aria-expanded") == "false"
    answers(page, "blocks.0.attn.q", 1)
    page.locator("[data-step='blocks.1.mlp.out']").click()
    answers(page, "blocks.1.mlp.out")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    answers(page, "blocks.1.resid_mid")
    assert "missing" in page.locator("[data-step='blocks.1.resid_mid']").get_attribute("class")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("show", ["dot", "pattern", "norm", "large", "chips", "heads", "spine"])
def test_on_a_phone_the_page_never_scrolls_sideways(visit, show, theme):
    page = visit(show, theme, 390)
    if show in ("dot", "norm"):
        cell(page, 1, 0).click()
    wide = page.evaluate(
        "() => [document.documentElement, ...document.querySelectorAll('[data-testid=stMain], .stMainBlockContainer')]"
        ".map(e => e.scrollWidth - e.clientWidth)"
    )
    assert max(wide) <= 0
    if show in ("norm", "large"):
        assert page.locator(".box").evaluate("e => e.scrollWidth > e.clientWidth")
        page.locator(".box").evaluate("e => e.scrollLeft = 200")
        left = "e => e.getBoundingClientRect().left"
        sticky = page.locator('.box th[scope="row"]').first.evaluate(left) - page.locator(".box").evaluate(left)
        assert abs(sticky) <= 3
