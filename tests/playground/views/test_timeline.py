"""The slider over a run's checkpoints: what it asks for, and what the page then shows."""

from __future__ import annotations

import numpy as np
import pytest

from playground import engine, state
from playground.views import timeline
from tests.playground.helpers import FORWARD_PASS, NEXT_WORD
from zoo.inference import load


@pytest.fixture
def run_key(open_page) -> str:
    """The run that the pages offer: it kept the weights of steps 0 and 2."""
    return next(choice.key for choice in engine.choices() if choice.title == "tiny (run)")


def slider(app):
    return app.select_slider(key=timeline.SLIDER)


@pytest.mark.parametrize("page", [NEXT_WORD, FORWARD_PASS])
def test_a_checkpoint_of_the_address_is_shown_with_its_own_numbers(open_page, run_key, page):
    app = open_page(page, prompt="the cat", model="tiny (run)", at="0")
    assert not app.exception
    assert slider(app).value == 0
    model = load(run_key, step=0)
    assert any("after 0 training steps" in each.value for each in app.caption)
    ids = tuple(model.ids("the cat"))
    shown = engine.trace(engine.Weights(run_key, stamp=_stamp(run_key), step=0), ids)
    np.testing.assert_array_equal(shown["probs"], model.trace_ids(ids)["probs"])


def _stamp(key: str) -> int:
    return next(choice.stamp for choice in engine.choices() if choice.key == key)


def test_moving_the_slider_goes_into_the_address_and_the_last_step_leaves_it(open_page, run_key):
    app = open_page(NEXT_WORD, prompt="the cat", model="tiny (run)")
    assert slider(app).value == 2
    app = slider(app).set_value(0).run()
    assert app.session_state[state.AT] == "0"
    app = slider(app).set_value(2).run()
    assert app.session_state[state.AT] == ""


def test_a_step_that_was_not_kept_is_the_last(open_page, run_key):
    app = open_page(NEXT_WORD, prompt="the cat", model="tiny (run)", at="1")
    assert not app.exception
    assert slider(app).value == 2


def test_a_model_without_checkpoints_has_no_slider(open_page, run_key):
    app = open_page(NEXT_WORD, prompt="the cat", model="GPT", at="3")
    assert not app.exception
    assert not [each for each in app.select_slider if each.key == timeline.SLIDER]


def test_the_film_begins_at_the_beginning(open_page, run_key):
    app = open_page(NEXT_WORD, prompt="the cat", model="tiny (run)")
    (play,) = [each for each in app.button if each.label == "Play"]
    app = play.click().run()
    assert not app.exception
    assert app.session_state[timeline.FILM]
    assert slider(app).value == 0
    (stop,) = [each for each in app.button if each.label == "Stop"]
    app = stop.click().run()
    assert not app.session_state[timeline.FILM]
