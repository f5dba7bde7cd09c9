"""Watching a run: what is shown is what its folder says, and each button is there when it makes sense."""

from __future__ import annotations

import json

import numpy as np
import pytest

from playground import state
from playground.jobs.service import digest
from playground.views.train import weights
from playground.views.train.result import _slug
from tests.playground.helpers import faultless
from zoo.compare.exact import right_answer, tokens_of
from zoo.data.glass_box import DEFAULT
from zoo.inference import load
from zoo.training import Run

BUTTONS = ("play", "pause", "single_step", "stop", "reset")


def the_run(jobs) -> Run:
    return Run.open(next(iter(jobs.jobs.values())).folder)


def charts(app) -> dict[str, dict]:
    """Key's last part -> the figure that was sent."""
    return {each.proto.id.rsplit("-train.", 1)[-1]: json.loads(each.proto.spec) for each in app.get("plotly_chart")}


def available(app) -> set[str]:
    found = {(each.key or "").removeprefix("train."): each for each in app.button}
    return {name for name in BUTTONS if name in found and not found[name].disabled}


def test_a_finished_run_shows_the_figures_of_its_folder(trained, jobs):
    app = faultless(trained())
    run = the_run(jobs)
    events = run.events()
    metrics = {each.label: each.value for each in app.metric}
    assert metrics["Step"] == "4"
    assert metrics["Held out, nats per word"] == f"{events[-1]['valid_loss']:.3f}"
    assert metrics["Parameters"] == f"{run.info.parameters:,}"
    held_out = next(each for each in charts(app)["loss"]["data"] if each.get("name") == "held-out text")
    assert held_out["y"] == [event["valid_loss"] for event in events if "valid_loss" in event]


def test_the_yardsticks_stand_in_the_chart_as_the_folder_has_them(trained, jobs):
    app = trained()
    drawn = {shape["y0"] for shape in charts(app)["loss"]["layout"]["shapes"]}
    found = the_run(jobs).yardsticks
    assert drawn == {found.ceiling, found.unigram, found.bigram, found.floor}


def test_the_divergence_is_that_of_the_checkpoints(trained, jobs):
    app = trained()
    run = the_run(jobs)
    exact = DEFAULT.next_words(DEFAULT.split(run.info.prompt))
    line = charts(app)["divergence"]["data"][0]
    assert line["x"] == run.steps()
    for step, shown in zip(line["x"], line["y"], strict=True):
        model = load(str(run.folder), step=step)
        logits = model.logits(model.ids(run.info.prompt)).astype(np.float64)
        logs = logits - np.log(np.exp(logits).sum())
        tokens = {word: model.tokenizer.raw.token_to_id(" " + word) for word in exact}
        expected = sum(p * (np.log(p) - logs[tokens[word]]) for word, p in exact.items())
        assert shown == pytest.approx(expected, abs=1e-5)


def test_right_answer_and_model_share_a_chart(trained, jobs):
    app = trained()
    run = the_run(jobs)
    model, exact = charts(app)["right"]["data"]
    found = right_answer(DEFAULT, run.tokenizer, DEFAULT.split(run.info.prompt))
    assert sum(exact["x"]) <= 1 + 1e-9
    assert max(exact["x"]) == pytest.approx(max(found.values()))
    step = run.steps()[-1]
    probs = weights.next_probs(str(run.folder), step, weights.stamp(run, step), run.info.prompt)
    assert set(model["x"]) <= set(probs.tolist())


def test_a_beginning_that_the_language_cannot_say_is_answered_in_a_sentence(trained):
    app = trained().text_area(key="train.prefix").set_value("Zebras *vote*").run()
    assert not app.exception
    assert any("Zebras" in each.value and "*vote*" not in each.value for each in app.warning)


def test_every_beginning_of_a_story_has_its_right_answer(trained, jobs):
    app = trained()
    words = DEFAULT.stories(1, 5)[0].words
    for length in (1, 20, len(words)):
        app = app.text_area(key="train.prefix").set_value(DEFAULT.join(words[:length])).run()
        faultless(app)
        assert not app.warning
        assert "right" in charts(app)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("queued", {"stop", "reset"}),
        ("starting", {"stop", "reset"}),
        ("running", {"pause", "stop", "reset"}),
        ("paused", {"play", "single_step", "stop", "reset"}),
        ("stopped", {"play", "single_step", "reset"}),
        ("done", {"reset"}),
        ("failed", {"play", "single_step", "reset"}),
    ],
)
def test_a_button_is_there_when_it_makes_sense_and_says_why_not(trained, jobs, now, expected):
    app = trained()
    jobs.change(next(iter(jobs.jobs)), state=now, message="It *broke*" if now == "failed" else "")
    app = app.run()
    assert not app.exception
    assert available(app) == expected
    for each in app.button:
        if (each.key or "").removeprefix("train.") in BUTTONS and each.disabled:
            assert each.help


def test_a_failure_is_escaped_and_leaves_the_curves(trained, jobs):
    app = trained()
    jobs.change(next(iter(jobs.jobs)), state="failed", message="the plugin said <b>*no*</b>")
    app = app.run()
    assert [each.value for each in app.error] == [r"The plugin said \<b\>\*no\*\<\/b\>\."]
    assert "loss" in charts(app)


def test_the_controls_reach_the_run(trained, jobs):
    app = trained()
    run_id = next(iter(jobs.jobs))
    jobs.change(run_id, state="running")
    app = app.run()
    assert ("beat", run_id) in jobs.calls
    jobs.calls.clear()
    app = app.button(key="train.pause").click().run()
    app = app.button(key="train.single_step").click().run()
    app = app.button(key="train.play").click().run()
    app = app.button(key="train.stop").click().run()
    assert [what for what, _ in jobs.calls if what != "beat"] == ["pause", "step", "play", "stop"]


def test_reset_stops_a_run_that_is_still_going(trained, jobs):
    app = trained()
    run_id = next(iter(jobs.jobs))
    jobs.change(run_id, state="running")
    app.run().button(key="train.reset").click().run()
    assert ("stop", run_id) in jobs.calls


@pytest.mark.parametrize(("place", "said"), [(1, "You are next"), (2, "is 1 run before"), (4, "are 3 runs before")])
def test_the_place_in_the_line_is_said(visit, jobs, place, said, tmp_path, trained):
    app = trained()
    run_id = next(iter(jobs.jobs))
    jobs.change(run_id, state="queued", place=place, folder=tmp_path / "not-yet")
    app = app.run()
    assert not app.exception
    assert any(said in each.value for each in app.info)


def test_somebody_else_can_watch_and_not_steer(trained, visit, jobs):
    trained()
    run_id = next(iter(jobs.jobs))
    jobs.change(run_id, owner=digest("somebody else"), state="running")
    jobs.calls.clear()
    app = faultless(visit(run=run_id))
    assert available(app) == set()
    assert jobs.calls == []
    assert "loss" in charts(app)
    assert app.button(key="train.mine")


def test_an_unknown_run_is_said_with_the_way_out(visit):
    app = faultless(visit(run="nobodyknowsthis1"))
    assert any("no run of that name" in each.value for each in app.warning)
    app = app.button(key="train.unknown").click().run()
    assert app.button(key="train.go")


def test_a_run_is_found_again_by_its_address(trained, visit, jobs):
    trained()
    app = faultless(visit(run=next(iter(jobs.jobs))))
    assert "loss" in charts(app)


def test_a_run_goes_to_the_zoo_under_its_name(trained, jobs):
    app = trained()
    run_id = next(iter(jobs.jobs))
    app.text_input(key=f"train.name.{run_id}").set_value("  My *best*\none ").run()
    app = app.button(key="train.zoo").click().run()
    assert not app.exception
    assert the_run(jobs).info.title == "My *best* one"
    assert app.session_state[state.ZOO] == run_id


def test_a_run_without_a_name_is_not_sent(trained, jobs):
    app = trained()
    run_id = next(iter(jobs.jobs))
    app.text_input(key=f"train.name.{run_id}").set_value("  ").run()
    app = app.button(key="train.zoo").click().run()
    assert any("name" in each.value for each in app.error)
    assert app.session_state[state.ZOO] == ""


def test_a_deleted_run_leaves_the_page_and_the_zoo(trained, jobs):
    app = trained()
    run_id = next(iter(jobs.jobs))
    app = app.button(key="train.zoo").click().run()
    app = app.button(key=f"train.delete.{run_id}").click().run()
    assert not app.exception
    assert jobs.jobs == {}
    assert app.session_state[state.RUN] == app.session_state[state.ZOO] == ""
    assert app.button(key="train.go")


def test_a_story_is_scored_word_by_word(trained, jobs):
    trained()
    run = the_run(jobs)
    story = DEFAULT.stories(1, 9)[0]
    ids = tuple(tokens_of(DEFAULT, run.tokenizer, story.words))
    step = run.steps()[-1]
    found = weights.surprisals(str(run.folder), step, weights.stamp(run, step), ids)
    model = load(str(run.folder), step=step)
    for position in (1, 7, len(found)):
        logits = model.logits(list(ids[:position])).astype(np.float64)
        expected = np.log(np.exp(logits).sum()) - logits[ids[position]]
        assert found[position - 1] == pytest.approx(expected, abs=1e-4)


def test_a_file_name_holds_no_path():
    assert _slug("../GPT on “my” text") == "gpt-on-my-text"
    assert _slug("…") == "run"
