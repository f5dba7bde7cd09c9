"""What can be done with a run that has ended: it is opened on other pages, where its model reads its prompt."""

from __future__ import annotations

import pytest

from playground import state
from tests.playground.helpers import faultless
from zoo.inference import load
from zoo.launch import Order

TINY = {"context": 12, "width": 8}
FULL = "the cat slept. " * 8


@pytest.mark.parametrize("model", ["zoo/bert", "zoo/gpt"])
def test_a_run_whose_prompt_fills_its_context_is_opened_without_an_error(visit, jobs, model):
    recipe = {"steps": 1, "batch": 2, "held_out_windows": 2, "evaluations": 1}
    order = Order(model=model, config=TINY, recipe=recipe, corpus="glass-box:stories=200", prompt=FULL)
    run = jobs.submit(order, "me")
    app = faultless(visit(run=run))
    app.button(key="train.open.Next word").click().run()
    assert app.title[0].value != visit().title[0].value
    faultless(app)
    loaded = load(str(jobs.look(run).folder))
    assert app.session_state[state.MODEL] == model
    assert 1 < len(loaded.ids(app.session_state[state.PROMPT])) <= loaded.context
