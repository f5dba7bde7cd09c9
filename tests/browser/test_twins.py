"""Untrained and pre-trained: each twin's numbers are those of the weights in its heading, computed anew with torch.

Which weights a seed or a checkpoint gives is the zoo's affair (`zoo.load`); what they make of a text is
worked out here: cross-entropy, entropy, cosines and the greedy continuation.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.browser import reading, reference
from tests.browser.app import TWINS, App, OpenPage, finished, idle, started, type_text, until
from tests.browser.test_looks import check_layout
from zoo import load

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from zoo.inference import LoadedModel

pytestmark = pytest.mark.browser

PROMPT = "The little dog"
TEXT = "The little dog ran home. It was a happy dog."
SEED, SHUFFLE = 3, 5
SLACK = 1e-4
"""Nats that float32 may be off, page and test adding up in another order."""
ALL = ("untrained", "shuffled", "halfway", "trained")


@pytest.fixture(params=["GPT", "tiny (run)"])
def title(request: pytest.FixtureRequest) -> str:
    """A shipped model, and a run that has kept its checkpoints."""
    return str(request.param)


@pytest.fixture
def twins(title: str, settings: dict[str, str]) -> dict[str, LoadedModel]:
    """The weights that stand side by side, by their slot."""
    source = "zoo/gpt" if title == "GPT" else str(Path(settings["PLAYGROUND_RUNS"]) / "tiny")
    found = {
        "untrained": load(source, untrained=True, seed=SEED),
        "shuffled": load(source, shuffled=True, seed=SHUFFLE),
    }
    if title != "GPT":
        found["halfway"] = load(source, step=_kept(Path(source))[-2])
    return found | {"trained": load(source)}


def _kept(run: Path) -> list[int]:
    return sorted(int(path.stem) for path in (run / "checkpoints").glob("[0-9]*.safetensors"))


@pytest.fixture
def page(app: App, watch: OpenPage, title: str, twins: dict[str, LoadedModel]) -> Page:
    """The page with all of them, a short prompt and a short text to be judged by; the draw is greedy."""
    page = watch().page
    shown = {"twins": ".".join(twins), "seed": SEED, "shuffle": SHUFFLE, "temperature": 0}
    if "halfway" in twins:
        shown["halfway"] = _halfway(twins["halfway"])
    page.goto(app.address(TWINS, model=title, prompt=PROMPT, judged=TEXT, **shown))
    finished(page, TWINS)
    return page


def _halfway(model: LoadedModel) -> int:
    found = re.search(r"after ([\d,]+) training steps", model.about)
    assert found
    return int(found[1].replace(",", ""))


@torch.no_grad()
def logits(model: LoadedModel, ids: list[int]) -> torch.Tensor:
    """(tokens, vocabulary)"""
    return model.module(torch.tensor([ids]))[0].double()


def losses(model: LoadedModel, text: str) -> torch.Tensor:
    """−log p of each token but the first: (tokens − 1,)"""
    ids = model.ids(text)
    return F.cross_entropy(logits(model, ids)[:-1], torch.tensor(ids[1:]), reduction="none")


def column(page: Page, slot: str) -> Locator:
    """The list of likely tokens of one twin."""
    return page.locator(f".st-key-next-{slot}")


def test_each_column_shows_what_its_weights_expect_next(page: Page, twins: dict[str, LoadedModel]) -> None:
    for slot, model in twins.items():
        expected = logits(model, model.ids(PROMPT))[-1].numpy()
        shown = reading.read_candidates(column(page, slot))
        assert reading.candidate_disagreements(shown, expected, reference.softmax(expected)) == [], slot
    pairs = [reading.read_candidates(column(page, slot)).logits[0].value for slot in twins]
    assert len({*pairs}) == len(twins), "no two columns show the same model"


def test_the_means_in_the_table_are_those_of_the_text(page: Page, twins: dict[str, LoadedModel]) -> None:
    guess, *rows = reading.read_table(page, "weights")
    size = next(iter(twins.values())).tokenizer.vocab_size
    assert reading.is_rounding_of(guess[1], math.log(size), 1e-9)
    for row, model in zip(rows, twins.values(), strict=True):
        scored = logits(model, model.ids(TEXT))[:-1]
        loss, probs = float(losses(model, TEXT).mean()), scored.softmax(-1)
        right = (scored.argmax(-1) == torch.tensor(model.ids(TEXT)[1:])).double().mean()
        weights = torch.cat([each.detach().flatten().double() for each in model.module.parameters()])
        assert reading.is_rounding_of(row[1], loss, SLACK), row
        assert reading.number(row[2].removesuffix(" tokens")) == pytest.approx(math.exp(loss), rel=1e-3, abs=0.05)
        assert reading.is_rounding_of(row[3], float(-(probs * probs.log()).sum(-1).mean()), SLACK), row
        assert reading.is_rounding_of(row[4], float(right), 1e-9), row
        assert reading.is_rounding_of(row[5], float(weights.std(correction=0)), 1e-7), row
    spreads = {slot: row[5] for slot, row in zip(twins, rows, strict=True)}
    assert spreads["shuffled"] == spreads["trained"], "shuffling leaves the numbers as they are"


def test_the_chart_and_the_coloured_text_hold_the_loss_of_each_token(page: Page, twins: dict[str, LoadedModel]) -> None:
    expected = {slot: losses(model, TEXT).numpy() for slot, model in twins.items()}
    traces = reading.read_chart(page, "token-losses")["traces"]
    for trace, values in zip(traces, expected.values(), strict=False):
        np.testing.assert_allclose(trace["y"], values, atol=SLACK)
    model = twins["trained"]
    assert traces[-1]["y"] == pytest.approx([math.log(model.tokenizer.vocab_size)] * 2)

    rows = [expected["untrained"], expected["trained"], expected["untrained"] - expected["trained"]]
    text = page.locator(".st-key-surprise .text")
    assert text.count() == len(rows)
    for shown, values in zip(text.all(), rows, strict=True):
        pieces = shown.locator(".piece").evaluate_all("all => all.map(one => [one.textContent, one.dataset.value])")
        assert [piece or "∅" for piece, _ in pieces] == [model.tokenizer.piece(i) for i in model.ids(TEXT)]
        assert pieces[0][1] == "NaN"
        np.testing.assert_allclose([float(value) for _, value in pieces[1:]], values, atol=SLACK)


def test_the_texts_and_the_neighbours_are_those_of_the_weights(page: Page, twins: dict[str, LoadedModel]) -> None:
    written = [text for text in page.get_by_test_id("stText").all_inner_texts() if "▸" in text]
    rows = reading.read_table(page, "neighbour")
    assert len(written) == len(twins)
    assert len(rows) == 8 * len(twins)
    for place, (text, model) in enumerate(zip(written, twins.values(), strict=True)):
        ids = model.ids(PROMPT)
        while len(ids) < min(len(model.ids(PROMPT)) + 30, model.context) and ids[-1] != model.tokenizer.end_of_text:
            ids.append(int(logits(model, ids)[-1].argmax()))
        assert text.replace("▸", "").split() == model.tokenizer.decode(ids).split()
        table = model.module.get_parameter("embed.weight").detach().double()
        cosines = F.cosine_similarity(table, table[model.ids(PROMPT)[-1]][None], dim=1)
        best = [float(each) for each in cosines.sort(descending=True).values[1:9]]
        shown = [row[1] for row in rows[8 * place : 8 * place + 8]]
        assert all(reading.is_rounding_of(each, value, 1e-6) for each, value in zip(shown, best, strict=True)), shown


def test_the_chosen_twins_and_their_text_survive_a_reload(app: App, watch: OpenPage) -> None:
    page = watch().page
    page.goto(app.address(TWINS, model="tiny (run)"))
    finished(page, TWINS)
    assert [slot for slot in ALL if column(page, slot).count()] == ["untrained", "shuffled", "trained"]
    pills = page.get_by_test_id("stButtonGroup").filter(has_text="Half-way")
    for name in ("Half-way", "Shuffled weights"):
        pills.get_by_text(name, exact=True).click()
        started(page)
        idle(page)
    type_text(page, PROMPT)
    until(page, lambda: "twins=untrained.halfway.trained" in page.url)
    before = {slot: reading.read_candidates(column(page, slot)) for slot in ALL if column(page, slot).count()}
    assert list(before) == ["untrained", "halfway", "trained"]
    page.reload()
    finished(page, TWINS)
    assert {slot: reading.read_candidates(column(page, slot)) for slot in ALL if column(page, slot).count()} == before


def test_one_twin_alone_is_no_comparison(app: App, watch: OpenPage) -> None:
    page = watch().page
    page.goto(app.address(TWINS, twins="untrained.trained"))
    finished(page, TWINS)
    page.get_by_test_id("stButtonGroup").get_by_text("Random weights", exact=True).click()
    started(page)
    idle(page)
    assert [slot for slot in ALL if column(page, slot).count()] == ["untrained", "trained"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_on_a_desktop_and_on_a_phone(app: App, watch: OpenPage, theme: str, width: int) -> None:
    page = watch(width=width, height=900 if width > 500 else 844, color_scheme=theme).page
    page.goto(app.address(TWINS, model="tiny (run)", twins=".".join(ALL)))
    finished(page, TWINS)
    check_layout(page, f"twins-{theme}-{width}")
