"""A run from the first click to the last: every number on its page is recomputed from the files that it left.

The run is small, so that it takes seconds; the text is the glass box's, so that even the best possible loss
is known. Steering, one's own text and what goes wrong: test_train_runs.py.
"""

from __future__ import annotations

import html
import io
import json
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser import reading, reference, training
from tests.browser.app import (
    FORWARD_PASS,
    NEXT_WORD,
    TRAIN,
    App,
    OpenPage,
    choose_step,
    finished,
    go_to,
    idle,
    type_text,
    until,
)
from tests.browser.training import Files
from zoo import load
from zoo.data.glass_box import DEFAULT

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

STEPS = 40
NAME = "My first run"
CLOSE = 2e-4
"""How far a loss in float32 may be from the one in float64, in nats."""


@dataclass(frozen=True)
class Trained:
    """A run that was started by the page's own controls, and has ended."""

    app: App
    page: Page
    id: str
    files: Files
    prompt: str


@pytest.fixture(scope="module")
def trained(app: App, settings: dict[str, str], watch_module: OpenPage) -> Trained:
    """A tiny GPT on the glass-box stories."""
    page = watch_module().page
    training.open_form(page, app)
    training.set_up(page, STEPS)
    training.few_stories(page)
    page.get_by_text("How it learns").click()
    training.choose(page, "Precision", "float32")  # so that its losses can be recomputed to the last digit shown
    prompt = DEFAULT.join(training.held_out_stories()[0][:9])
    training.fill(page, "What the model is asked again and again", prompt, role="textbox")
    run = training.start(page)
    training.learnt(page)
    return Trained(app, page, run, Files(Path(settings["PLAYGROUND_RUNS"]) / "app" / run), prompt)


def test_the_numbers_are_those_of_the_files_and_the_files_those_of_the_model(trained: Trained) -> None:
    training.show(trained.page, trained.app, trained.id)
    shown, files = reading.read_metrics(trained.page), trained.files
    last, scored = files.events[-1], files.scored[-1]
    assert (last["step"], scored["step"], files.steps[-1]) == (STEPS, STEPS, STEPS)
    assert reading.number(shown["Step"]) == STEPS
    assert reading.is_rounding_of(shown["Loss of this batch"], last["loss"], 1e-9)
    assert reading.is_rounding_of(shown["Tokens a second"], last["tokens_per_second"], 1e-9)
    assert reading.number(shown["Parameters"]) == sum(each.size for each in files.model().weights.values())

    ids, words = training.story_windows(files)
    loss = training.loss(files.model(), ids)
    assert reading.is_rounding_of(shown["Held out, nats per word"], loss, CLOSE)
    assert scored["valid_loss"] == pytest.approx(loss, abs=CLOSE)
    characters = len(DEFAULT.join([word for window in words for word in window[1:] if word != training.END]))
    bits = loss * sum(len(window) - 1 for window in ids) / math.log(2) / characters
    assert reading.number(shown["Bits per character"]) == pytest.approx(bits, rel=0.02)  # spaces at the windows' ends


def test_the_losses_at_every_checkpoint_that_was_scored_are_those_of_its_weights(trained: Trained) -> None:
    files, (ids, _) = trained.files, training.story_windows(trained.files)
    scored = {event["step"]: event["valid_loss"] for event in files.scored}
    both = [step for step in files.steps if step in scored]
    assert len(both) >= 5
    for step in (0, both[len(both) // 2]):
        assert scored[step] == pytest.approx(training.loss(files.model(step), ids), abs=CLOSE)


def test_the_chart_is_drawn_from_the_events_and_its_lines_can_be_recomputed(trained: Trained) -> None:
    training.show(trained.page, trained.app, trained.id)
    chart, files = reading.read_chart(trained.page, "train-loss"), trained.files
    raw, smooth, held_out = chart["traces"]
    learnt = [event for event in files.events if event["step"] > 0]
    assert raw["x"] == smooth["x"] == [event["step"] for event in learnt] == list(range(1, STEPS + 1))
    assert raw["y"] == smooth["y"] == [event["loss"] for event in learnt]  # so few steps are not smoothed
    assert held_out["x"] == [event["step"] for event in files.scored]
    assert held_out["y"] == [event["valid_loss"] for event in files.scored]

    yardsticks, (ids, words) = files.yardsticks, training.story_windows(files)
    assert yardsticks["tokens"] == sum(len(window) - 1 for window in ids)
    assert yardsticks["ceiling"] == pytest.approx(math.log(files.model().tokenizer.get_vocab_size()))
    assert yardsticks["unigram"] == pytest.approx(training.frequencies(files, training.STORIES, ids), abs=1e-6)
    assert yardsticks["floor"] == pytest.approx(training.floor(words), abs=1e-6)
    assert yardsticks["floor"] < yardsticks["bigram"] < yardsticks["unigram"] < yardsticks["ceiling"]
    names = ("ceiling", "unigram", "bigram", "floor")
    assert [line["y0"] for line in chart["layout"]["shapes"]] == [yardsticks[name] for name in names]
    for label, name in zip(chart["layout"]["annotations"], names, strict=True):
        assert reading.is_rounding_of(label["text"].rsplit(" ", 1)[1], yardsticks[name], 1e-9)
    trained.page.get_by_text("What the lines are").click()
    explained = trained.page.locator(".st-key-train-lines li").all_inner_texts()
    for line, name in zip(explained, names, strict=True):
        assert f"{yardsticks[name]:.3f} nats per word" in line


def test_what_it_expects_next_is_what_its_weights_say_beside_the_exact_answer(trained: Trained) -> None:
    training.show(trained.page, trained.app, trained.id)
    model, right = trained.files.model(), DEFAULT.next_words(DEFAULT.split(trained.prompt))
    probs = model.steps(model.ids(trained.prompt))["probs"][-1]
    newest = trained.files.scored[-1]["next"]
    for each, best in zip(newest, np.argsort(-probs), strict=False):
        assert each["prob"] == pytest.approx(probs[each["id"]], abs=1e-6)
        assert probs[each["id"]] == pytest.approx(probs[best], abs=1e-6)
    chart = reading.read_chart(trained.page, "train-bars")
    of_model, exact = chart["traces"]
    labels = [html.unescape(label) for label in chart["layout"]["yaxis"]["ticktext"]]
    by_label = {reading.visible(each["token"]): each["prob"] for each in newest}
    by_word = {f"␣{word}" if word[0].isalnum() else word: prob for word, prob in right.items()}
    assert len(labels) == 8
    for label, prob, known in zip(labels, of_model["x"], exact["x"], strict=True):
        assert prob == by_label.get(label)
        assert known == pytest.approx(by_word.get(label, 0.0))


def test_sent_to_the_zoo_it_stands_on_the_other_pages_and_the_timeline_moves_it(trained: Trained) -> None:
    page, files = trained.page, trained.files
    training.show(page, trained.app, trained.id)
    training.fill(page, "Its name", NAME, role="textbox")
    page.get_by_role("button", name="Send to the zoo").click()
    page.get_by_role("button", name="Take it out of the zoo").wait_for()
    idle(page)
    go_to(page, NEXT_WORD)
    training.choose(page, "Model", NAME)
    type_text(page, trained.prompt)
    slider = page.get_by_role("slider", name="Checkpoint")
    for place, step in enumerate(files.steps[:3] + files.steps[-1:]):
        slider.focus()
        slider.press("Home" if place == 0 else "End" if place == 3 else "ArrowRight")
        until(page, lambda at=step: f"at={at}" in page.url if at < files.steps[-1] else "at=" not in page.url)
        idle(page)
        model = load(str(files.folder), step=step)
        logits = model.logits(model.ids(trained.prompt)).astype(np.float64)
        shown = reading.read_candidates(page)
        assert reading.candidate_disagreements(shown, logits, reference.softmax(logits)) == []
    steps = files.model().steps(files.model().ids(trained.prompt))
    assert reading.candidate_disagreements(shown, steps["logits"][-1], steps["probs"][-1]) == []

    slider.focus()
    slider.press("Home")
    until(page, lambda: f"at={files.steps[0]}" in page.url)
    go_to(page, FORWARD_PASS)
    assert page.get_by_label("Your text").input_value() == trained.prompt
    check_forward_pass(page, files.model(files.steps[0]), trained.prompt)


def check_forward_pass(page: Page, model: reference.Reference, text: str) -> None:
    """The steps of a block on the page Forward pass are those of this model."""
    steps = model.steps(model.ids(text))
    for name in ("mlp.out", "attn.pattern"):
        choose_step(page, f"blocks.0.{name}")
        expected = steps[f"blocks.0.{name}"]
        expected = expected[0] if expected.ndim == 3 else expected
        matrix = reading.read_matrix(page)
        kept = expected[:, : len(matrix.columns)]
        assert reading.matrix_disagreements(matrix, kept, reading.tolerance(expected)) == []


def test_one_button_opens_it_on_the_page_forward_pass_with_its_own_prompt(trained: Trained, watch: OpenPage) -> None:
    page = watch().page  # anybody who has the link
    training.show(page, trained.app, trained.id)
    page.get_by_role("main").get_by_role("button", name="Forward pass").click()
    finished(page, FORWARD_PASS)
    assert page.get_by_label("Your text").input_value() == trained.prompt
    check_forward_pass(page, trained.files.model(), trained.prompt)


def test_another_session_is_not_offered_the_run(trained: Trained, watch: OpenPage) -> None:
    page = watch().page
    page.goto(trained.app.address())
    finished(page, NEXT_WORD)
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option").first.wait_for()
    titles = page.get_by_role("option").all_inner_texts()
    assert "GPT" in titles
    assert trained.files.info["title"] not in titles
    assert NAME not in titles


def test_the_download_holds_the_run_and_loaded_back_it_shows_the_same_numbers(trained: Trained) -> None:
    page, files = trained.page, trained.files
    training.show(page, trained.app, trained.id)
    before, chart = reading.read_metrics(page), reading.read_chart(page, "train-loss")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the run").click()
    raw = Path(waiting.value.path()).read_bytes()
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        content = {name: packed.read(name) for name in packed.namelist()}
    weights = {f"checkpoints/{step:07d}.safetensors" for step in files.steps}
    assert content.keys() == {"run.json", "tokenizer.json", "events.jsonl", "yardsticks.json"} | weights
    assert all(data == (files.folder / name).read_bytes() for name, data in content.items())
    assert [json.loads(line)["step"] for line in content["events.jsonl"].splitlines()][-1] == STEPS

    page.get_by_text("Load a run from a file").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").last.set_input_files(
        {"name": "run.zip", "mimeType": "application/zip", "buffer": raw}
    )
    until(page, lambda: training.run_of(page) != trained.id, 60)
    training.learnt(page)
    copy = Files(files.folder.parent / training.run_of(page))
    assert {name: (copy.folder / name).read_bytes() for name in content} == content
    after = reading.read_metrics(page)
    assert after == {name: value for name, value in before.items() if name != "Memory"}
    assert reading.read_chart(page, "train-loss")["traces"] == chart["traces"]
    assert page.get_by_role("button", name="Delete").count() == 2
    assert TRAIN in page.url
