"""The promise: every number on the page is what the model named above it computes.

A text is typed, the numbers are read from the page, and each is recomputed in NumPy from the saved
weights (reference.py). Then one number is falsified, to see that the judge notices.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser import reading, reference
from tests.browser.app import FORWARD_PASS, NEXT_WORD, App, OpenPage, choose_step, finished, go_to, idle, type_text

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

TEXT = "The little dog saw a big red ball"
HEADED = ["attn.q", "attn.k", "attn.v", "attn.scores", "attn.pattern", "attn.z"]
PLAIN = ["norm1", "attn.out", "resid_mid", "norm2", "mlp.pre", "mlp.act", "mlp.out", "resid"]
Steps = dict[str, reference.Array]


@pytest.fixture(scope="module")
def steps() -> Steps:
    """Every step of the text, recomputed outside the app."""
    return reference.shipped().steps(reference.shipped().ids(TEXT))


@pytest.fixture(scope="module")
def home(app: App, watch_module: OpenPage) -> Page:
    """The home page, with the text typed in."""
    page = watch_module().page
    page.goto(app.address())
    finished(page, NEXT_WORD)
    type_text(page, TEXT)
    return page


@pytest.fixture(scope="module")
def forward(home: Page) -> Page:
    """The page Forward pass, reached from home; the tests that read home come before."""
    go_to(home, FORWARD_PASS)
    return home


def compare(page: Page, expected: reference.Array) -> list[str]:
    """What on the page is not the step `expected` (rows, columns), of which the first columns are shown."""
    shown = reading.read_matrix(page)
    return reading.matrix_disagreements(shown, expected[:, : len(shown.columns)], reading.tolerance(expected))


def test_the_reference_shares_no_code_with_the_app() -> None:
    for module in (reference, reading):
        tree = ast.parse(Path(str(module.__file__)).read_text())
        names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert not [name for name in names if name.split(".")[0] in ("zoo", "playground", "torch", "transformers")]


def test_tokens_ids_and_the_whole_distribution_can_be_recomputed(home: Page, steps: Steps) -> None:
    model = reference.shipped()
    ids = model.ids(TEXT)
    assert reading.read_chips(home) == [(reading.visible(model.piece(i)), str(i)) for i in ids]
    shown = reading.read_candidates(home)
    assert len(shown.ids) == reading.TOP
    assert shown.pieces == [reading.visible(model.piece(i)) for i in shown.ids]
    assert reading.candidate_disagreements(shown, steps["logits"][-1], steps["probs"][-1]) == []


def test_the_strip_of_stations_can_be_recomputed(home: Page, steps: Steps) -> None:
    values = home.locator(".station").evaluate_all("all => all.map(one => one.dataset.value)")
    words = home.locator(".station .words").all_inner_texts()
    last = steps[max(name for name in steps if name.endswith(".resid"))][-1]
    growth = np.linalg.norm(last) / np.linalg.norm(steps["embed.out"][-1])
    best = int(steps["probs"][-1].argmax())
    ids = reference.shipped().ids(TEXT)
    assert TEXT.endswith(values[0].removeprefix("…"))
    assert len(values[0]) > 8
    assert values[1] == reference.shipped().piece(ids[-1])
    assert f"{len(TEXT)} characters" in words[0]
    assert f"the last of {len(ids)} tokens, id {ids[-1]}" in words[1]
    assert reading.is_rounding_of(values[2], steps["embed.out"][-1, 0], 1e-6)
    assert reading.is_rounding_of(values[3].rstrip("×"), growth, 1e-4)
    assert reading.is_rounding_of(values[4], steps["logits"][-1, best], 1e-4)
    assert values[5] == reference.shipped().piece(best)
    assert reading.is_rounding_of(words[5].split(",")[0], steps["probs"][-1, best], 1e-6)


def test_every_step_of_the_forward_pass_can_be_recomputed(forward: Page, steps: Steps) -> None:
    blocks = 1 + max(int(name.split(".")[1]) for name in steps if name.startswith("blocks."))
    wrong = {}
    for name in [
        "embed.tok",
        "embed.pos",
        "embed.out",
        *(f"blocks.{blocks // 2}.{each}" for each in PLAIN),
        "final_norm",
    ]:
        choose_step(forward, name)
        wrong[name] = compare(forward, steps[name])
    for name in (f"blocks.{blocks - 1}.{each}" for each in HEADED):
        choose_step(forward, name)
        for head in (0, len(steps[name]) - 1):
            reading.choose_head(forward, head)
            wrong[f"{name}, head {head}"] = compare(forward, steps[name][head])
    choose_step(forward, "blocks.0.attn.mask")
    wrong["mask"] = compare(forward, steps["blocks.0.attn.mask"])
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize("name", ["logits", "probs"])
def test_the_likeliest_columns_of_the_vocabulary_can_be_recomputed(forward: Page, steps: Steps, name: str) -> None:
    choose_step(forward, name)
    shown, whole = reading.read_matrix(forward), steps[name]
    written: dict[str, int] = {}
    for i in np.argsort(-whole[-1])[: 2 * len(shown.columns)]:
        written.setdefault(reading.visible(reference.shipped().piece(int(i))), int(i))
    ids = [written[label] for label in shown.columns]
    slack = reading.tolerance(whole)
    assert reading.matrix_disagreements(shown, whole[:, ids], slack) == []
    assert np.delete(whole[-1], ids).max() <= whole[-1, ids].min() + slack


def test_the_logit_lens_on_the_spine_can_be_recomputed(forward: Page, steps: Steps) -> None:
    model = reference.shipped()
    notes = forward.locator(".spine button.bar").evaluate_all(
        "all => all.map(bar => [bar.dataset.block, bar.querySelector('.note').textContent])"
    )
    closed = {int(block): note for block, note in notes if note}
    assert len(closed) >= 2
    for block, note in closed.items():
        stream = steps[f"blocks.{block}.resid"][-1:]
        read = reference.layer_norm(stream, model.weights["final_norm.weight"], model.weights["final_norm.bias"])
        probs = reference.softmax(read @ model.weights["unembed.weight"].T)[0]
        token, share = note.removeprefix("reads ").split(" ", 1)
        assert token == f"“{reading.visible(model.piece(int(probs.argmax())))}”"
        assert reading.is_rounding_of(share, float(probs.max()), 1e-5), note


def test_a_silenced_head_moves_the_prediction_as_recomputed(forward: Page, steps: Steps) -> None:
    box = forward.locator(".st-key-what_if input")
    box.click()
    box.fill("Block 1, head 2")  # the list is long: only what fits the words is sure to be drawn
    forward.get_by_role("option", name="Block 1, head 2 off").click()
    forward.get_by_text("Switching it off moved").wait_for()
    idle(forward)
    model = reference.shipped()
    before, after = steps["probs"][-1], model.steps(model.ids(TEXT), silenced=(1, 2))["probs"][-1]
    rows = [each.locator("td").all_inner_texts() for each in forward.locator("[data-testid=stMarkdown] tbody tr").all()]
    top = {*np.argsort(-before)[:5].tolist(), *np.argsort(-after)[:5].tolist()}
    assert [reading.visible(model.piece(i)) for i in sorted(top, key=lambda i: -before[i])] == [row[0] for row in rows]
    for i, (_, whole, edited) in zip(sorted(top, key=lambda i: -before[i]), rows, strict=True):
        assert reading.is_rounding_of(whole, before[i], 1e-5)
        assert reading.is_rounding_of(edited, after[i], 1e-5)
    moved = forward.get_by_text("Switching it off moved").inner_text().split(" moved ")[1].split(" of ")[0]
    assert reading.is_rounding_of(moved, float(np.abs(before - after).sum() / 2), 1e-4)


def test_one_falsified_number_is_noticed_wherever_it_stands(app: App, watch: OpenPage, steps: Steps) -> None:
    """The judge judges: each change below is one that a wrong app could make."""
    page = watch().page
    page.goto(app.address())
    finished(page, NEXT_WORD)
    type_text(page, TEXT)
    logits, probs = steps["logits"][-1], steps["probs"][-1]
    row = page.locator(".candidate").nth(2)
    for part, false in ((".prob", "99.9 %"), (".logit", "−1.00")):
        true = row.locator(part).inner_text()
        row.locator(part).evaluate("(node, text) => { node.textContent = text }", false)
        assert len(reading.candidate_disagreements(reading.read_candidates(page), logits, probs)) == 1
        row.locator(part).evaluate("(node, text) => { node.textContent = text }", true)
    assert reading.candidate_disagreements(reading.read_candidates(page), logits, probs) == []

    go_to(page, FORWARD_PASS)
    choose_step(page, "blocks.1.attn.pattern")
    expected = steps["blocks.1.attn.pattern"][0]
    assert compare(page, expected) == []
    cell = reading.grid(page).locator("td[data-r='4'][data-c='1']")
    cell.evaluate("node => { node.textContent = (Number(node.textContent) + 0.01).toFixed(2) }")
    found = compare(page, expected)
    assert len(found) == 1
    assert "shows" in found[0]
    cell.evaluate("(node, text) => { node.textContent = text }", f"{expected[4, 1]:.2f}")
    cell.evaluate("node => { node.dataset.value = String(Number(node.dataset.value) + 0.0005) }")
    found = compare(page, expected)
    assert len(found) == 1
    assert "holds" in found[0]
