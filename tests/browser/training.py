"""For the tests of the page Train: its form filled in as a user does, and what a run must show, computed anew.

The losses are worked out from the run's files in NumPy (reference.py) and from the language's own
probabilities; the windows that are scored are cut here once more, by the rule that the zoo documents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from tests.browser import reading, reference
from tests.browser.app import TRAIN, App, finished, idle, pick_option, started, until
from zoo.data.glass_box import DEFAULT, END

if TYPE_CHECKING:
    from playwright.sync_api import Page

STORIES = 2000
TINY = {"Blocks": 1, "Heads": 2, "Width": 16, "Context": 64}
_MARK = 0
"""The id of the end-of-text token, in every tokenizer that is trained here."""
_VALID_SEED = 2**31
_HELD_OUT_STORIES = 500


def open_form(page: Page, app: App) -> None:
    """The page Train with its form."""
    page.goto(app.address(TRAIN))
    finished(page, TRAIN)


def choose(page: Page, label: str, option: str) -> None:
    """Pick one option of the list with this label."""
    box = page.get_by_role("combobox", name=re.compile(f"{re.escape(label)}$")).first
    pick_option(page, box, option)
    settled(page)


def fill(page: Page, label: str, value: object, role: str = "spinbutton") -> None:
    """Type into the box with this label, and leave it."""
    box = page.get_by_role(role, name=label, exact=True)  # type: ignore[arg-type]
    box.fill(str(value))
    box.press("Tab")
    settled(page)


def pick(page: Page, option: str) -> None:
    """Press one of a row of choices."""
    page.get_by_role("radio", name=option, exact=True).click()
    settled(page)


def settled(page: Page) -> None:
    """Wait until the page has answered."""
    started(page)
    idle(page)


def set_up(page: Page, steps: int, model: str = "GPT", shape: dict[str, int] | None = None) -> None:
    """A budget in steps for a small model."""
    choose(page, "Model", model)
    pick(page, "steps")
    fill(page, "Steps, at most 20,000", steps)
    for label, value in (TINY if shape is None else shape).items():
        fill(page, label, value)


def few_stories(page: Page) -> None:
    """Fewer stories to learn from: 2,000, which hold every word of the language."""
    slider = page.get_by_role("slider", name="How many stories")
    for amount in ("10,000", "5,000", "2,000"):
        slider.focus()
        slider.press("ArrowLeft")
        page.get_by_test_id("stSliderThumbValue").filter(has_text=amount).wait_for()
        settled(page)


def start(page: Page) -> str:
    """Press the button; the id of the run, from the address."""
    page.get_by_role("button", name="Train", exact=True).click()
    until(page, lambda: "run=" in page.url, 60)
    return run_of(page)


def run_of(page: Page) -> str:
    """The run in the address."""
    return parse_qs(urlsplit(page.url).query)["run"][0]


def learnt(page: Page) -> None:
    """Wait until the run has come to its end, and everything about it stands on the page."""
    page.get_by_role("button", name="Download the run").wait_for(timeout=120_000)
    idle(page)


def show(page: Page, app: App, run: str) -> None:
    """Open a run that has ended by its link."""
    page.goto(app.address(TRAIN, run=run))
    learnt(page)


def step_on_page(page: Page) -> int:
    """How many steps the run has taken, as the page says."""
    return int(reading.number(reading.read_metrics(page)["Step"]))


@dataclass(frozen=True)
class Files:
    """A run folder, read without the zoo."""

    folder: Path

    @cached_property
    def info(self) -> dict[str, Any]:
        """run.json."""
        found: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return found

    @property
    def events(self) -> list[dict[str, Any]]:
        """events.jsonl."""
        return [json.loads(line) for line in (self.folder / "events.jsonl").read_text().splitlines()]

    @property
    def scored(self) -> list[dict[str, Any]]:
        """The events at which held-out text was scored."""
        return [event for event in self.events if "valid_loss" in event]

    @property
    def yardsticks(self) -> dict[str, Any]:
        """yardsticks.json."""
        found: dict[str, Any] = json.loads((self.folder / "yardsticks.json").read_text())
        return found

    @property
    def steps(self) -> list[int]:
        """The checkpoints."""
        return sorted(int(path.stem) for path in (self.folder / "checkpoints").glob("[0-9]*.safetensors"))

    def model(self, step: int | None = None) -> reference.Reference:
        """The model at a checkpoint, in NumPy."""
        return reference.of_run(self.folder, step)

    @property
    def context(self) -> int:
        """How many tokens the model reads."""
        return int(self.info["config"]["context"])

    @property
    def limit(self) -> int:
        """How many windows are scored."""
        return int(self.info["recipe"]["held_out_windows"])


def held_out_stories() -> list[tuple[str, ...]]:
    """The words of the stories that no run learns from."""
    return [story.words for story in DEFAULT.stories(_HELD_OUT_STORIES, _VALID_SEED)]


def story_windows(files: Files) -> tuple[list[list[int]], list[list[str]]]:
    """The scored windows of the glass box, as ids and as words, each with the target of its last token.

    A window begins where a story does, and the next one at the first story behind its end.
    """
    model, ids, words, starts = files.model(), list[int](), list[str](), list[int]()
    for story in held_out_stories():
        starts.append(len(ids))
        ids += [*model.ids(DEFAULT.join(story)), _MARK]
        words += [*story, END]
    assert len(ids) == len(words), "each word is one token"
    places, free = list[int](), 0
    for place in starts:
        if place >= free and place + files.context < len(ids) and len(places) < files.limit:
            places.append(place)
            free = place + files.context
    cuts = [slice(place, place + files.context + 1) for place in places]
    return [ids[cut] for cut in cuts], [words[cut] for cut in cuts]


def text_windows(files: Files, text: str) -> list[list[int]]:
    """The scored windows of somebody's own text, whose last tenth is held out: cut one behind the other."""
    ids = [*files.model().ids(text[round(0.9 * len(text)) :]), _MARK]
    count = min(files.limit, (len(ids) - 1) // files.context)
    return [ids[i * files.context : (i + 1) * files.context + 1] for i in range(count)]


def loss(model: reference.Reference, windows: Sequence[Sequence[int]]) -> float:
    """−log p of each token of a window but the first, given all before it in the window; their mean, in nats."""
    nats = list[float]()
    for window in windows:
        probs = model.steps(list(window[:-1]))["probs"]
        nats += (-np.log(probs[np.arange(len(probs)), window[1:]])).tolist()
    return float(np.mean(nats))


def floor(windows: Sequence[Sequence[str]]) -> float:
    """The same mean for whoever knows the language's own probabilities."""
    return float(np.mean([DEFAULT.surprisals(words, end=False)[1:] for words in windows]))


def frequencies(files: Files, stories: int, windows: Sequence[Sequence[int]]) -> float:
    """The same mean for whoever knows only how often each token comes in the training text.

    Absolute discounting: d is taken from each count and shared out evenly, with d = n1 / (n1 + 2 n2).
    """
    model = files.model()
    vocab = model.tokenizer.get_vocab_size()
    ids = [token for story in DEFAULT.stories(stories, 0) for token in [*model.ids(story.text), _MARK]]
    counts = np.bincount(ids, minlength=vocab).astype(float)
    once, twice = (counts == 1).sum(), (counts == 2).sum()
    off = once / (once + 2 * twice) if once else 0.5
    probs = (np.maximum(counts - off, 0) + off * (counts > 0).sum() / vocab) / counts.sum()
    return float(-np.log(probs[[token for window in windows for token in window[1:]]]).mean())
