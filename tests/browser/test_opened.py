"""A click on a number opens the arithmetic that made it: operands, each line, and the result are checked.

Operands are compared with the weights and steps recomputed in NumPy; each line must follow from the one
above it; and every digit shown must be the rounding of the number behind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser import reading, reference
from tests.browser.app import FORWARD_PASS, App, OpenPage, choose_step, finished

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

TEXT = "She was happy to see him"
BLOCK = "blocks.2"
ROW, COLUMN, HEAD = 4, 3, 1
SLACK = 1e-4
Steps = dict[str, reference.Array]

_OPENED = """panel => {
    const numbers = row => [...row.querySelectorAll('.number[data-value]')].map(n => [n.dataset.value, n.textContent]);
    return {
        terms: [...panel.querySelectorAll('.term')].map(numbers),
        rest: [...panel.querySelectorAll('.terms .rest')].map(numbers),
        lines: [...panel.querySelectorAll('.line')].map(row =>
            [row.querySelector('.sign').textContent, row.querySelector('th').textContent, numbers(row)]),
        result: [panel.querySelector('.result').dataset.value, panel.querySelector('.result').textContent],
        recomputed: panel.querySelector('.recomputed').dataset.value,
        difference: panel.querySelector('.difference').dataset.value,
    };
}"""


@dataclass(frozen=True)
class Line:
    """One worked line: the sign, the quantity's name, the number that comes in, and what it leads to."""

    sign: str
    name: str
    value: float | None
    so: float


@dataclass(frozen=True)
class Opened:
    """The arithmetic under a matrix as it stands on the page, with the full values behind the digits."""

    terms: list[list[float]]
    lines: list[Line]
    result: float
    recomputed: float
    difference: float


@pytest.fixture(scope="module")
def steps() -> Steps:
    """Every step of the text, recomputed outside the app."""
    return reference.shipped().steps(reference.shipped().ids(TEXT))


@pytest.fixture(scope="module")
def weights() -> Steps:
    """The block's weights, from the saved file."""
    found = reference.shipped().weights
    return {name.removeprefix(f"{BLOCK}."): value for name, value in found.items() if name.startswith(f"{BLOCK}.")}


@pytest.fixture(scope="module")
def page(app: App, watch_module: OpenPage) -> Page:
    """The page Forward pass with the text."""
    page = watch_module().page
    page.goto(app.address(FORWARD_PASS, prompt=TEXT))
    finished(page, FORWARD_PASS)
    return page


def open_cell(page: Page, step: str, *, head: int | None = None, all_terms: bool = True) -> Opened:
    """Click the cell [ROW, COLUMN] of a step and read what opens; every digit must fit the number behind it."""
    choose_step(page, step)
    if head is not None:
        reading.choose_head(page, head)
    reading.grid(page).locator(f"td[data-r='{ROW}'][data-c='{COLUMN}']").click()
    panel = page.locator(".opened")
    panel.wait_for()
    if all_terms and (more := panel.locator(".more button", has_text="show all")).count():
        more.click()
    raw = panel.evaluate(_OPENED)
    shown = [pair for row in raw["terms"] + raw["rest"] for pair in row]
    shown += [pair for *_, pairs in raw["lines"] for pair in pairs] + [raw["result"]]
    wrong = [
        pair for pair in shown if not reading.is_rounding_of(pair[1], number(pair[0]), 1e-6 * abs(number(pair[0])))
    ]
    assert wrong == []
    lines = [_line(*each) for each in raw["lines"]]
    terms = [[number(value) for value, _ in row] for row in raw["terms"]]
    return Opened(terms, lines, number(raw["result"][0]), number(raw["recomputed"]), number(raw["difference"]))


def number(text: str) -> float:
    """A number as JavaScript writes it."""
    return float(text.replace("Infinity", "inf"))


def _line(sign: str, name: str, pairs: list[list[str]]) -> Line:
    values = [number(value) for value, _ in pairs]
    return Line(sign, name, values[0] if len(values) == 2 else None, values[-1])


_SIGNS: dict[str, Callable[[float, float], float]] = {
    "+": lambda so, value: so + value,
    "−": lambda so, value: so - value,
    "×": lambda so, value: so * value,
    "÷": lambda so, value: so / value,
}


def check_lines(opened: Opened, right: float) -> None:
    """Each line follows from the one above; the last one is the model's value, which is `right`."""
    for above, line in zip(opened.lines, opened.lines[1:], strict=False):
        if line.sign == "exp":
            assert line.so == pytest.approx(math.exp(above.so), rel=1e-5)
        elif line.sign in _SIGNS:
            assert line.value is not None
            assert line.so == pytest.approx(_SIGNS[line.sign](above.so, line.value), rel=1e-5, abs=1e-7), line
    assert opened.recomputed == opened.lines[-1].so
    assert opened.difference == pytest.approx(abs(opened.recomputed - opened.result), abs=1e-12)
    assert opened.result == pytest.approx(right, abs=SLACK)
    assert opened.recomputed == pytest.approx(right, abs=SLACK)


def test_a_dot_product_lists_the_very_inputs_and_weights(page: Page, steps: Steps, weights: Steps) -> None:
    opened = open_cell(page, f"{BLOCK}.attn.q", head=HEAD)
    size = steps[f"{BLOCK}.attn.q"].shape[-1]
    row = weights["attn.query.weight"][HEAD * size + COLUMN]  # the weight matrix is stored (out, in)
    right = np.stack([steps[f"{BLOCK}.norm1"][ROW], row, steps[f"{BLOCK}.norm1"][ROW] * row], axis=1)
    np.testing.assert_allclose(np.array(opened.terms), right, atol=SLACK)
    assert opened.lines[0].so == pytest.approx(sum(product for *_, product in opened.terms), rel=1e-6, abs=1e-6)
    assert opened.lines[-1].value == pytest.approx(weights["attn.query.bias"][HEAD * size + COLUMN], abs=1e-6)
    check_lines(opened, steps[f"{BLOCK}.attn.q"][HEAD, ROW, COLUMN])


def test_a_score_is_a_query_times_a_key_scaled(page: Page, steps: Steps) -> None:
    opened = open_cell(page, f"{BLOCK}.attn.scores", head=HEAD)
    q, k = steps[f"{BLOCK}.attn.q"][HEAD, ROW], steps[f"{BLOCK}.attn.k"][HEAD, COLUMN]
    np.testing.assert_allclose(np.array(opened.terms), np.stack([q, k, q * k], axis=1), atol=SLACK)
    assert opened.lines[-1].value == pytest.approx(1 / math.sqrt(len(q)), rel=1e-6)
    check_lines(opened, steps[f"{BLOCK}.attn.scores"][HEAD, ROW, COLUMN])


def test_the_terms_that_are_not_listed_are_summed_honestly(page: Page, steps: Steps) -> None:
    first = open_cell(page, f"{BLOCK}.attn.out", all_terms=False)
    rest = number(page.locator(".opened .terms .rest .number").get_attribute("data-value") or "nan")
    assert len(first.terms) == 8
    assert sum(product for *_, product in first.terms) + rest == pytest.approx(first.lines[0].so, rel=1e-6, abs=1e-6)
    check_lines(first, steps[f"{BLOCK}.attn.out"][ROW, COLUMN])


def test_a_softmax_shows_the_row_that_it_shares_out(page: Page, steps: Steps) -> None:
    opened = open_cell(page, f"{BLOCK}.attn.pattern", head=HEAD)
    scores = (steps[f"{BLOCK}.attn.scores"] + steps[f"{BLOCK}.attn.mask"])[HEAD, ROW]
    powers = np.exp(scores - scores.max())
    right = np.stack([scores - scores.max(), powers, powers / powers.sum()], axis=1)
    np.testing.assert_allclose(np.array(opened.terms), right, atol=SLACK)
    assert [line.sign for line in opened.lines] == ["", "+", "−", "exp", "÷"]
    check_lines(opened, steps[f"{BLOCK}.attn.pattern"][HEAD, ROW, COLUMN])


def test_an_addition_shows_both_parts(page: Page, steps: Steps) -> None:
    opened = open_cell(page, f"{BLOCK}.resid")
    parts = [steps[f"{BLOCK}.resid_mid"][ROW, COLUMN], steps[f"{BLOCK}.mlp.out"][ROW, COLUMN]]
    assert opened.lines[0].so == pytest.approx(parts[0], abs=SLACK)
    assert opened.lines[1].value == pytest.approx(parts[1], abs=SLACK)
    check_lines(opened, sum(parts))


def test_a_norm_shows_mean_deviation_weight_and_bias(page: Page, steps: Steps, weights: Steps) -> None:
    opened = open_cell(page, f"{BLOCK}.norm2")
    x = steps[f"{BLOCK}.resid_mid"][ROW]
    right = [x.mean(), math.sqrt(x.var() + 1e-5), weights["norm2.weight"][COLUMN], weights["norm2.bias"][COLUMN]]
    assert opened.lines[0].so == pytest.approx(x[COLUMN], abs=SLACK)
    assert [line.sign for line in opened.lines] == ["", "−", "÷", "×", "+"]
    np.testing.assert_allclose([line.value for line in opened.lines[1:]], right, atol=SLACK)
    check_lines(opened, steps[f"{BLOCK}.norm2"][ROW, COLUMN])


def test_an_activation_shows_its_input(page: Page, steps: Steps) -> None:
    opened = open_cell(page, f"{BLOCK}.mlp.act")
    assert opened.lines[0].so == pytest.approx(steps[f"{BLOCK}.mlp.pre"][ROW, COLUMN], abs=SLACK)
    check_lines(opened, steps[f"{BLOCK}.mlp.act"][ROW, COLUMN])


def test_heads_cells_and_arithmetic_need_no_trip_to_the_server(app: App, watch: OpenPage, steps: Steps) -> None:
    watched = watch()
    page = watched.page
    page.goto(app.address(FORWARD_PASS, prompt=TEXT, step=f"{BLOCK}.attn.pattern"))
    finished(page, FORWARD_PASS)
    page.wait_for_timeout(500)
    before, pattern = watched.sent, steps[f"{BLOCK}.attn.pattern"]
    for head in range(len(pattern)):
        reading.choose_head(page, head)
        shown = reading.read_matrix(page)
        assert reading.matrix_disagreements(shown, pattern[head], reading.tolerance(pattern)) == []
        reading.grid(page).locator(f"td[data-r='{ROW}'][data-c='1']").click()
        result = number(page.locator(".opened .result").get_attribute("data-value") or "nan")
        assert result == pytest.approx(pattern[head, ROW, 1], abs=SLACK)
    page.wait_for_timeout(500)
    assert watched.sent == before
