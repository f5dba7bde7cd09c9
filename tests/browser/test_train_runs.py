"""Runs as they are lived with: paused, stepped, reloaded, watched by others, fed one's own text, and broken.

Nothing is asked about time: a run is waited for by what it writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import reading, training
from tests.browser.app import NEXT_WORD, App, OpenPage, finished, go_to, idle, start_app, until
from tests.browser.training import Files
from zoo.data.glass_box import DEFAULT

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

ALERT = "[data-testid=stAlertContentError] [data-testid=stMarkdownContainer]"
HOSTILE = "<img src=x onerror=alert(1)> **bold** $x$ :red[x] <b>bold</b>"
SHORT = {"Blocks": 1, "Heads": 1, "Width": 8, "Context": 16}
HALF = 2e-3
"""Nats that a loss in half precision, as the recipe of zoo/gpt has it, may be off."""
LONG = 20_000
"""Steps: more than a test takes."""
BROKEN = '''
import torch
from pydantic import BaseModel
from torch import nn
from zoo import ModelPlugin, ModelSpec

class Config(BaseModel):
    context: int = 16

class Table(nn.Module):
    """Guesses the next token from the present one alone, for a while."""
    def __init__(self, vocab_size):
        super().__init__()
        self.next, self.calls = nn.Embedding(vocab_size, vocab_size), 0
    def forward(self, ids):
        self.calls += self.training
        if self.calls > 5:
            {deed}
        return self.next(ids)

class Plugin(ModelPlugin):
    spec = ModelSpec(id="you/{slug}", title="{name}", family="other", task="next-token", summary="Breaks on purpose.")
    Config = Config
    def build(self, config, vocab_size):
        return Table(vocab_size)
'''
DEEDS = {
    "Raises": f"raise RuntimeError('broken on purpose {HOSTILE}')",
    "Diverges": "return self.next(ids) * float('nan')",
}
"""Plugin -> what it does at its sixth step."""


def files_of(settings: dict[str, str], run: str) -> Files:
    """The folder of a run."""
    return Files(Path(settings["PLAYGROUND_RUNS"]) / "app" / run)


def paused(page: Page) -> int:
    """Wait until the run is paused; after how many steps."""
    page.get_by_text("Paused after step").wait_for(timeout=60_000)
    idle(page)
    return training.step_on_page(page)


def press(page: Page, name: str) -> None:
    """Press a button that acts on the run."""
    page.locator(f".st-key-train-{name.lower().replace(' ', '_')} button").first.click()


@pytest.fixture(autouse=True)
def no_run_goes_on(settings: dict[str, str]) -> Iterator[None]:
    """One run trains at a time: a test that fails leaves none behind that the next one would have to wait for."""
    yield
    for folder in (Path(settings["PLAYGROUND_RUNS"]) / "app").glob("*"):
        (folder / "control.json").write_text('{"wish": "stop"}')


def test_it_pauses_steps_goes_on_survives_a_reload_and_stops(
    app: App, settings: dict[str, str], watch: OpenPage
) -> None:
    page = watch().page
    training.open_form(page, app)
    training.set_up(page, LONG, shape=SHORT)
    files = files_of(settings, training.start(page))
    page.get_by_test_id("stMetric").first.wait_for(timeout=60_000)
    press(page, "Pause")
    at = paused(page)
    assert files.events[-1]["step"] == at
    press(page, "Single step")
    until(page, lambda: training.step_on_page(page) == at + 1, 30)
    assert paused(page) == files.events[-1]["step"] == at + 1
    press(page, "Play")
    until(page, lambda: training.step_on_page(page) > at + 1, 30)

    page.reload()
    page.get_by_test_id("stMetric").first.wait_for(timeout=60_000)
    assert training.run_of(page) == files.folder.name
    at = training.step_on_page(page)
    until(page, lambda: training.step_on_page(page) > at, 30)
    press(page, "Stop")
    training.learnt(page)
    last = training.step_on_page(page)
    assert files.events[-1]["step"] == files.steps[-1] == last
    buttons = {name: page.locator(f".st-key-train-{name} button").first for name in ("play", "single_step", "stop")}
    able = {name: button.is_enabled() for name, button in buttons.items()}
    assert able == {"play": True, "single_step": True, "stop": False}


def test_whoever_has_the_link_watches_and_cannot_steer(app: App, settings: dict[str, str], watch: OpenPage) -> None:
    mine, theirs = watch().page, watch().page
    training.open_form(mine, app)
    training.set_up(mine, LONG, shape=SHORT)
    run = training.start(mine)
    mine.get_by_test_id("stMetric").first.wait_for(timeout=60_000)
    theirs.goto(mine.url)
    theirs.get_by_text("You are watching somebody else's run").wait_for(timeout=60_000)
    theirs.get_by_test_id("stMetric").first.wait_for(timeout=60_000)
    at = training.step_on_page(theirs)
    until(theirs, lambda: training.step_on_page(theirs) > at, 30)
    page_itself = theirs.get_by_test_id("stMain")  # Streamlit has a Stop of its own in the header while it is busy
    for name in ("Pause", "Play", "Single step", "Stop", "Reset", "Delete"):
        assert page_itself.get_by_role("button", name=name, exact=True).count() == 0, name
    theirs.close()
    at = training.step_on_page(mine)
    until(mine, lambda: training.step_on_page(mine) > at, 30)  # who leaves takes nothing along
    press(mine, "Pause")
    paused(mine)
    press(mine, "Reset")
    mine.get_by_role("button", name="Train", exact=True).wait_for()
    idle(mine)
    assert "run=" not in mine.url
    assert files_of(settings, run).events
    assert mine.locator(f".st-key-train-row-{run}").get_by_text("stopped").count() == 1


def paste(page: Page, text: str, prompt: str = "") -> None:
    """Give a text of one's own, and what the run is asked."""
    training.pick(page, "My own text")
    training.fill(page, "Paste a text", text, role="textbox")
    if prompt:
        training.fill(page, "What the model is asked again and again", prompt, role="textbox")


def test_fine_tuning_begins_at_the_loss_of_the_shipped_model_on_this_text(
    app: App, settings: dict[str, str], watch: OpenPage
) -> None:
    text = "\n".join(story.text for story in DEFAULT.stories(70, 7))
    page = watch().page
    training.open_form(page, app)
    training.set_up(page, 3, shape={})
    training.choose(page, "Start from", "The trained weights shipped with the app")
    paste(page, text)
    files = files_of(settings, training.start(page))
    training.learnt(page)
    assert (files.folder / "corpus.txt").read_text(encoding="utf-8") == text
    shipped, windows = training.reference.shipped(), training.text_windows(files, text)
    assert len(windows) >= 2
    expected = training.loss(shipped, windows)
    held_out = reading.read_chart(page, "train-loss")["traces"][-1]
    assert held_out["x"] == [0, 1, 2, 3]
    assert held_out["y"][0] == pytest.approx(expected, abs=HALF)
    assert held_out["y"][-1] == pytest.approx(training.loss(files.model(), windows), abs=HALF)
    assert held_out["y"][-1] < held_out["y"][0]
    shown = reading.read_metrics(page)["Held out, nats per token"]
    assert reading.is_rounding_of(shown, held_out["y"][-1], 1e-9)


def check_only_text(page: Page) -> None:
    """Nothing of the hostile text has become an element, in Markdown or in a chart."""
    main = page.get_by_test_id("stMain")
    assert main.locator("img, .katex").count() == 0
    strong = main.locator("strong, b, .js-plotly-plot [style*='font-weight: bold']").all_inner_texts()
    assert "bold" not in [each.strip() for each in strong]
    assert "x" not in main.locator("[class*=stMarkdownColored]").all_inner_texts()


def test_a_hostile_text_prompt_and_name_are_text_everywhere(app: App, watch: OpenPage) -> None:
    page = watch().page
    training.open_form(page, app)
    training.set_up(page, 2, shape=SHORT)
    training.fill(page, "What the model is asked again and again", HOSTILE, role="textbox")
    page.get_by_text("no right answer stands beside it").wait_for()
    check_only_text(page)
    paste(page, f"{HOSTILE}\n" * 40 + "x" * 2000 + f"\n{HOSTILE}" * 40, HOSTILE)
    training.start(page)
    training.learnt(page)
    page.get_by_text("What it expects next").wait_for()
    assert HOSTILE in page.get_by_test_id("stMain").inner_text()
    check_only_text(page)
    training.fill(page, "Its name", HOSTILE, role="textbox")
    page.get_by_role("button", name="Send to the zoo").click()
    page.get_by_role("button", name="Take it out of the zoo").wait_for()
    idle(page)
    assert page.get_by_test_id("stMain").get_by_text(HOSTILE).count() >= 2  # its heading, and the list of runs
    check_only_text(page)
    go_to(page, NEXT_WORD)
    training.choose(page, "Model", HOSTILE)
    page.get_by_test_id("stMain").locator(".candidate, [data-testid=stAlert]").first.wait_for()
    check_only_text(page)


@pytest.fixture
def broken(settings: dict[str, str], tmp_path: Path) -> Iterator[App]:
    """A server with plugins that break in the middle of a training: their own tracebacks, and no others, are logged."""
    for name, deed in DEEDS.items():
        (tmp_path / f"{name.lower()}.py").write_text(BROKEN.format(name=name, slug=name.lower(), deed=deed))
    running = start_app(tmp_path, {**settings, "PLAYGROUND_PLUGINS": str(tmp_path)})
    yield running
    _, *told = running.stop().split("Traceback (most recent call last)")
    assert all("on purpose" in each or "Diverged" in each for each in told), told


def test_a_plugin_that_breaks_gets_a_sentence_and_the_app_lives(
    broken: App, settings: dict[str, str], watch: OpenPage
) -> None:
    page = watch().page
    training.open_form(page, broken)
    for name, words in (("Raises", "raised RuntimeError: broken on purpose"), ("Diverges", "The training diverged")):
        training.set_up(page, 50, model=name, shape={})
        files = files_of(settings, training.start(page))
        page.locator(ALERT, has_text=words).wait_for(timeout=60_000)
        idle(page)
        assert page.locator(ALERT).count() == 1
        said = page.locator(ALERT).inner_text().strip()
        assert "is kept." in said
        assert "Traceback" not in said
        assert f"step {files.steps[-1]}" in said
        check_only_text(page)
        assert reading.number(reading.read_metrics(page)["Step"]) == files.events[-1]["step"]
        press(page, "Reset")
        page.get_by_role("button", name="Train", exact=True).wait_for()
        idle(page)
    training.set_up(page, 2, shape=SHORT)
    training.start(page)
    training.learnt(page)
    go_to(page, NEXT_WORD)
    finished(page, NEXT_WORD)
