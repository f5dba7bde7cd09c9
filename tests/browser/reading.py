"""Reading numbers off the page as a person does, and saying which of them can't be right.

`disagreements` is the judge of the browser tests: it compares what is shown with what was recomputed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.browser.reference import Array

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

RELATIVE = 2e-5
"""How far float32 may be off, as a share of the step's largest number (measured: 1.3e-6 at most)."""
TOP = 10
"""How many likely tokens are listed; one more where the token that was taken is not among them."""
BLANKS = {" ": "␣", "\n": "⏎", "\r": "␍", "\t": "⇥", "\u00a0": "⍽"}

_CELLS = """table => [...table.querySelectorAll('td[data-r]')].map(
    td => [Number(td.dataset.r), Number(td.dataset.c), td.dataset.value, td.textContent])"""
_LABELS = """(table, axis) => [...table.querySelectorAll(`th[scope=${axis}]`)].map(th => th.title)"""


@dataclass(frozen=True)
class Shown:
    """One number on the page: where it stands, what is written, and the full value behind it."""

    place: str
    text: str
    value: float
    at: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Matrix:
    """The matrix of a step as it stands on the page."""

    rows: list[str]
    columns: list[str]
    cells: list[Shown]


def visible(piece: str) -> str:
    """A token as the page writes it."""
    return "".join(BLANKS.get(char, char) for char in piece) or "∅"


def tolerance(expected: Array) -> float:
    """What rounding in float32 may cost in a step with these numbers."""
    finite = expected[np.isfinite(expected)]
    return float(RELATIVE * np.abs(finite).max(initial=0)) + 1e-9


def number(text: str) -> float:
    """−1.50 -> -1.5, 4.2 % -> 0.042."""
    plain = text.replace("−", "-").replace("∞", "inf").replace(",", "").strip()
    return float(plain.removesuffix("%").strip()) / 100 if plain.endswith("%") else float(plain)


def is_rounding_of(text: str, expected: float, slack: float) -> bool:
    """Whether the digits shown are what `expected` rounds to; `slack` is for a number close to the edge."""
    if text.startswith("<"):
        return 0 < expected < number(text[1:]) + slack
    if text in ("0", "−∞"):
        return number(text) == expected
    decimals = len(match[1]) if (match := re.search(r"\.(\d+)", text)) else 0
    half = 0.5 * 10.0**-decimals * (0.01 if text.endswith("%") else 1)
    return abs(number(text) - expected) <= half * (1 + 1e-9) + slack


def disagreements(shown: Iterable[Shown], expected: Callable[[Shown], float], slack: float) -> list[str]:
    """The numbers that are not what was recomputed: in the digits shown, or in the full value behind them."""
    found = []
    for each in shown:
        right = expected(each)
        if not is_rounding_of(each.text, right, slack):
            found.append(f"{each.place} shows {each.text}, recomputed {right:.6f}")
        if not (each.value == right or abs(each.value - right) <= slack):
            found.append(f"{each.place} holds {each.value:.9g}, recomputed {right:.9g}")
    return found


def grid(page: Page) -> Locator:
    """The table of the step that is open."""
    return page.locator("[class*='st-key-matrix'] table[role=grid]")


def read_matrix(page: Page) -> Matrix:
    """Every cell of the open step's matrix, in the head that is in view."""
    table = grid(page)
    rows, columns = (list(table.evaluate(_LABELS, axis)) for axis in ("row", "col"))
    cells = [
        Shown(f"[{rows[r]}, {columns[c]}]", text, number(value.replace("Infinity", "inf")), (r, c))
        for r, c, value, text in table.evaluate(_CELLS)
    ]
    assert len(cells) == len(rows) * len(columns) > 0
    return Matrix(rows, columns, cells)


def matrix_disagreements(matrix: Matrix, expected: Array, slack: float) -> list[str]:
    """The cells that are not `expected` (rows, columns)."""
    assert expected.shape == (len(matrix.rows), len(matrix.columns))
    return disagreements(matrix.cells, lambda cell: float(expected[cell.at]), slack)


def choose_head(page: Page, head: int) -> None:
    """Put another head into view."""
    page.locator(f".picker button[data-layer='{head}']").click()


def read_chips(page: Page) -> list[tuple[str, str]]:
    """Each token of the text: what is written on its chip, and the id under it."""
    script = "all => all.map(one => [one.querySelector('.token').textContent, one.querySelector('.id').textContent])"
    return [(piece, token_id) for piece, token_id in page.locator(".chip").evaluate_all(script)]


@dataclass(frozen=True)
class Candidates:
    """The list of likely tokens: each row's id, written piece, probability and logit; and the rest's share."""

    ids: list[int]
    pieces: list[str]
    probs: list[Shown]
    logits: list[Shown]
    rest: Shown
    rest_count: int
    rest_words: str


def read_candidates(page: Page | Locator) -> Candidates:
    """The likely tokens as they stand on the page, or in a part of it."""
    script = """all => all.map(row => [Number(row.dataset.id), row.querySelector('.token').textContent,
        row.querySelector('.prob').textContent, row.dataset.prob,
        row.querySelector('.logit').textContent, row.dataset.logit])"""
    rows = page.locator(".candidate").evaluate_all(script)
    rest = page.locator(".rest")
    words = rest.inner_text()
    return Candidates(
        [row[0] for row in rows],
        [row[1] for row in rows],
        [Shown(f"p of {row[1]}", row[2], float(row[3])) for row in rows],
        [Shown(f"logit of {row[1]}", row[4], float(row[5])) for row in rows],
        Shown("the others", words.split(":")[-1].strip(), float(rest.get_attribute("data-prob") or "nan")),
        int(rest.get_attribute("data-count") or -1),
        words,
    )


def candidate_disagreements(shown: Candidates, logits: Array, probs: Array) -> list[str]:
    """What in the list is not what these logits and probabilities (V,) give: numbers, order, or the rest."""
    by_place = {each.place: i for each, i in zip([*shown.probs, *shown.logits], shown.ids * 2, strict=True)}
    found = disagreements(shown.logits, lambda each: float(logits[by_place[each.place]]), tolerance(logits))
    slack = tolerance(probs)
    found += disagreements(shown.probs, lambda each: float(probs[by_place[each.place]]), slack)
    found += disagreements([shown.rest], lambda _: float(1 - probs[shown.ids].sum()), slack)
    others = np.delete(probs, shown.ids)
    if shown.rest_count != others.size or f"{others.size:,}" not in shown.rest_words:
        found.append(f"{shown.rest_words!r}, but {others.size} others are left")
    listed = probs[shown.ids[:TOP]]
    if (np.diff(listed) > slack).any() or others.max() > listed.min() + slack:
        found.append(f"the rows are not the most probable tokens in order: {shown.pieces}")
    return found


def read_metrics(page: Page) -> dict[str, str]:
    """The large numbers with a name above each: name -> what is written."""
    script = """all => all.map(one => [one.querySelector('[data-testid=stMetricLabel]').textContent.trim(),
        one.querySelector('[data-testid=stMetricValue]').textContent.trim()])"""
    return dict(page.get_by_test_id("stMetric").evaluate_all(script))


def read_chart(page: Page, key: str) -> dict[str, Any]:
    """A chart as Plotly holds it in the page, by its key's class: `traces` (name, x, y) and `layout`."""
    plot = page.locator(f".st-key-{key} .js-plotly-plot")
    plot.wait_for()
    script = """node => ({ traces: node.data.map(({ name, x, y }) => ({ name, x, y })),
        layout: JSON.parse(JSON.stringify(node.layout)) })"""
    found: dict[str, Any] = plot.evaluate(script)
    return found


def read_table(page: Page, heading: str) -> list[list[str]]:
    """The rows of the table of Markdown whose first heading is this one, without the headings."""
    tables = page.locator("[data-testid=stMarkdown] table")
    found = tables.filter(has=page.locator("thead th:first-child", has_text=re.compile(f"^{re.escape(heading)}$")))
    script = "rows => rows.map(row => [...row.querySelectorAll('td')].map(cell => cell.textContent.trim()))"
    rows: list[list[str]] = found.locator("tbody tr").evaluate_all(script)
    return rows
