"""The first paint: finished and real before torch is there, from a recording that says so."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from playground import engine, recorded, state
from tests.playground.helpers import FORWARD_PASS, NEXT_WORD, ROOT, faultless, sent
from zoo.inference import load

PAGES = [NEXT_WORD, FORWARD_PASS]


@pytest.fixture
def loading(monkeypatch, open_page):
    """A server that has just started: the models are not there yet."""
    monkeypatch.setattr(engine, "ready", lambda: False)
    monkeypatch.setattr(engine, "warm_up", lambda: None)
    monkeypatch.setattr(engine, "model", None)
    monkeypatch.setattr(engine, "trace", None)


@pytest.mark.parametrize("page", PAGES)
def test_the_first_visit_is_drawn_from_the_recording_alone(open_page, loading, page):
    app = faultless(open_page(page))
    assert any("recording" in each.value for each in app.caption)
    trace = recorded.trace()
    assert sent(app, "chips")[0]["ids"] == trace.ids
    if page == NEXT_WORD:
        rows = sent(app, "candidates")[0]
        assert rows["rows"][0]["prob"] == float(trace["probs"][-1].max())
        assert not rows["clickable"]
    else:
        matrix, arrays = sent(app, "matrix")
        np.testing.assert_array_equal(arrays["values"], trace[matrix["step"]])


def test_the_recording_is_of_the_first_visits_text_with_the_shipped_tokenizer():
    trace = recorded.trace()
    assert trace.model == state.DEFAULT_MODEL
    assert recorded.tokenizer().encode(state.DEFAULT_PROMPT).ids == trace.ids
    assert "".join(trace.tokens) == state.DEFAULT_PROMPT


def test_the_recording_is_what_the_shipped_model_computes():
    """Weights that were shipped anew need a new recording: `playground/recorded.py` has the command."""
    trace, live = recorded.trace(), load(state.DEFAULT_MODEL).trace(state.DEFAULT_PROMPT)
    assert list(trace.steps) == list(live.steps)
    for name in live.steps:
        np.testing.assert_allclose(trace[name], live[name], rtol=1e-4, atol=1e-4, err_msg=name)


def test_a_visit_that_asks_for_more_waits_for_the_models(open_page, monkeypatch):
    waited = []
    monkeypatch.setattr(engine, "ready", lambda: False)
    monkeypatch.setattr(engine, "wait", lambda: waited.append(True))
    app = faultless(open_page(prompt="the cat"))
    assert waited
    assert not any("recording" in each.value for each in app.caption)


FIRST_PAINT = """
import sys
from streamlit.testing.v1 import AppTest
from playground import engine
engine.warm_up = lambda: None
app = AppTest.from_file("streamlit_app.py", default_timeout=60)
for page in ("pages/next_word.py", "pages/forward_pass.py"):
    app.switch_page(page).run()
    assert not app.exception and not app.error, (app.exception, app.error)
    assert len(app.get("bidi_component")) >= 3
print([name for name in ("torch", "transformers", "zoo.inference") if name in sys.modules])
"""


def test_the_first_paint_imports_no_torch():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT], capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_entry_point_does_nothing_when_a_worker_process_imports_it():
    code = "import runpy, sys; runpy.run_path('streamlit_app.py', run_name='__mp_main__')"
    code += "; print('streamlit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "False"
