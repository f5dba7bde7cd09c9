"""The untrained twin: one click, the same text, random weights from a seed; its numbers are recomputed too.

The seed defines the weights, so building them is left to the zoo; the forward pass is NumPy's.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser import reading, reference
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
from zoo.models.gpt import Config, GPTPlugin
from zoo.training.run import Run, seeded_build

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

TEXT = "The sun was hot and the boy"


def twin(seed: int) -> reference.Reference:
    """The shipped model's architecture and tokenizer with random weights."""
    trained = reference.shipped()
    config = Config.model_validate(Run.open(reference.SHIPPED).info.config)
    size = trained.tokenizer.get_vocab_size()
    state = seeded_build(lambda: GPTPlugin().build(config, size), seed).state_dict()
    weights = {name: value.numpy().astype(np.float64) for name, value in state.items()}
    return reference.Reference(weights, trained.heads, trained.tokenizer)


def wrong(page: Page, model: reference.Reference) -> list[str]:
    """What in the list of likely tokens is not this model's."""
    steps = model.steps(model.ids(TEXT))
    return reading.candidate_disagreements(reading.read_candidates(page), steps["logits"][-1], steps["probs"][-1])


def test_one_click_shows_the_untrained_twin_and_its_seed_decides(app: App, watch: OpenPage) -> None:
    page = watch().page
    page.goto(app.address())
    finished(page, NEXT_WORD)
    type_text(page, TEXT)
    assert wrong(page, reference.shipped()) == []
    page.get_by_role("radio", name="untrained", exact=True).click()
    until(page, lambda: "weights=untrained" in page.url)
    idle(page)
    model = twin(0)
    assert wrong(page, model) == []
    assert wrong(page, reference.shipped()) != []
    _nearly_uniform(page, model)

    go_to(page, FORWARD_PASS)
    choose_step(page, "blocks.1.attn.pattern")
    pattern = model.steps(model.ids(TEXT))["blocks.1.attn.pattern"][0]
    assert reading.matrix_disagreements(reading.read_matrix(page), pattern, reading.tolerance(pattern)) == []

    go_to(page, NEXT_WORD)
    seed = page.get_by_role("spinbutton", name="Seed of the random weights")
    seed.fill("7")
    seed.press("Enter")
    until(page, lambda: "seed=7" in page.url)
    idle(page)
    assert wrong(page, twin(7)) == []
    page.get_by_role("radio", name="trained", exact=True).click()
    until(page, lambda: "weights=" not in page.url)
    idle(page)
    assert wrong(page, reference.shipped()) == []


def _nearly_uniform(page: Page, model: reference.Reference) -> None:
    """The notice says how uncertain it is: nearly ln V, as the twin's own numbers have it."""
    probs = model.steps(model.ids(TEXT))["probs"][-1]
    notice = page.get_by_text("Notice.").locator("xpath=ancestor-or-self::p[1]").inner_text()
    said = re.search(r"entropy (\S+) nats", notice)
    assert said, notice
    assert reading.is_rounding_of(said[1], reference.entropy(probs), 1e-5)
    assert math.log(len(probs)) - reading.number(said[1]) < 0.1
