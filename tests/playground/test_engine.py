"""Models and traces behind the pages: loaded once, in the background, and shared."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from playground import engine
from playground.catalogue import Weights
from tests.playground.helpers import shelves, subject_of, write_plugin
from zoo.inference import load


@pytest.fixture
def source(warm, folders) -> str:
    """The key of a run."""
    return str(folders / "runs" / "tiny")


@pytest.fixture
def cold(monkeypatch) -> threading.Event:
    """An engine that has not been started."""
    done = threading.Event()
    monkeypatch.setattr(engine, "_done", done)
    monkeypatch.setattr(engine, "_started", False)
    return done


def test_a_model_is_loaded_once_for_all(source):
    assert engine.model(Weights(source)) is engine.model(Weights(source))
    assert engine.model(Weights(source, "untrained", 0)) is not engine.model(Weights(source, "untrained", 1))


def test_a_trace_is_the_models_own(source):
    subject = subject_of(load(source))
    trace = engine.trace(Weights(source), tuple(subject.trace.ids))
    np.testing.assert_array_equal(trace["probs"], subject.trace["probs"])
    assert engine.trace(Weights(source), tuple(subject.trace.ids)) is trace


def test_a_part_that_is_off_has_a_trace_of_its_own(source):
    ids = tuple(load(source).ids("the cat"))
    whole, off = engine.trace(Weights(source), ids), engine.trace(Weights(source), ids, ("blocks.1.attn.z", 1))
    assert not whole.edited
    assert off.edited == {"blocks.1.attn.z"}
    assert not off["blocks.1.attn.z"][1].any()
    np.testing.assert_array_equal(off["blocks.1.attn.z"][0], whole["blocks.1.attn.z"][0])


def test_a_model_that_cannot_be_loaded_raises_its_sentence(warm):
    for _ in range(2):  # an error is not kept as an answer
        with pytest.raises(LookupError, match="no model has the id 'no/such'"):
            engine.model(Weights("no/such"))


def test_choices_are_looked_up_anew_when_the_cache_is_emptied(offer, folders):
    offer(folders)
    first = engine.choices()
    assert "you/averager" in [choice.key for choice in first]
    engine._common.clear()
    assert engine.choices() == first


def test_a_users_plugin_is_executed_once_however_many_parts_of_a_page_ask(warm, offer, tmp_path):
    from playground.views.sequential.offer import of_family
    from playground.views.sequential.trained import trained
    from zoo.data import language_of, pairs_of

    shelves(tmp_path)
    write_plugin(tmp_path / "plugins", "Averager")
    with (tmp_path / "plugins" / "averager.py").open("a") as file:
        file.write(f"with open({str(tmp_path / 'executed')!r}, 'a') as log:\n    log.write('x')\n")
    offer(tmp_path)
    assert engine.registry().plugins.keys() >= {"you/averager", "zoo/gpt"}
    assert "you/averager" in [each.key for each in engine.choices()]
    assert of_family("gpt")
    assert trained(("next-token",), language_of)
    assert trained(("translate",), pairs_of)
    assert (tmp_path / "executed").read_text() == "x"


def test_warming_up_starts_one_thread_and_is_over_when_it_is_done(cold, monkeypatch):
    started, go = [], threading.Event()

    def slow() -> None:
        started.append(threading.current_thread().name)
        go.wait(10)
        cold.set()

    monkeypatch.setattr(engine, "_load_first", slow)
    for _ in range(5):
        engine.warm_up()
    assert not engine.ready()
    assert not engine.wait(0.01)
    go.set()
    assert engine.wait(10)
    assert engine.ready()
    assert len(started) == 1


def test_a_first_model_that_fails_does_not_keep_the_pages_waiting(cold, monkeypatch):
    def fail(_: str) -> None:
        raise ValueError("damaged")

    monkeypatch.setattr("zoo.inference.load", fail)
    with pytest.raises(ValueError, match="damaged"):
        engine._load_first()
    assert engine.ready()
