"""With a part switched off, the table beside it shows both models' probabilities."""

from __future__ import annotations

import re

import numpy as np
import pytest

from playground import engine, state, what_if
from playground.text import percent, quoted
from tests.playground.helpers import FORWARD_PASS, faultless
from zoo.inference import load


@pytest.fixture
def page(open_page):
    return open_page(FORWARD_PASS, model="tiny (run)", prompt="the cat")


def test_the_table_holds_the_top_tokens_of_both_models_with_their_probabilities(page):
    option = page.selectbox(key=state.WHAT_IF).options[1]
    page.selectbox(key=state.WHAT_IF).select(option).run()
    table = next(each.value for each in faultless(page).markdown if each.value.startswith("|"))
    model = load(next(choice.key for choice in engine.choices() if choice.title == "tiny (run)"))
    step, head = what_if.parts(model.trace("the cat"))[option]
    before = model.trace("the cat")["probs"][-1]
    after = model.trace("the cat", edits={step: what_if.silence(head)})["probs"][-1]
    shown = {int(i) for probs in (before, after) for i in np.argsort(-probs, kind="stable")[:5]}
    rows = {
        tuple(cell.replace("\\|", "|") for cell in re.split(r" ?(?<!\\)\| ?", line)[1:4])
        for line in table.splitlines()[2:]
    }
    assert rows == {(quoted(model.tokenizer.piece(i)), percent(before[i]), percent(after[i])) for i in shown}


def test_with_nothing_switched_off_there_is_no_table(page):
    assert not [each for each in faultless(page).markdown if each.value.startswith("|")]


def test_a_model_that_names_no_part_offers_none(open_page):
    page = faultless(open_page(FORWARD_PASS, model="Averager", prompt="the cat"))
    assert not [each for each in page.selectbox if each.key == state.WHAT_IF]
