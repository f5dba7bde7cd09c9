"""Whether training and the pages leave each other alone, in a real browser on the running app.

    python -m tests.benchmarks.page_under_training [--rounds 9] [--reruns 6]

A visitor types new texts on the page Next word, one after the other, while that browser's own run is paused,
and while it trains; and the run trains while the visitor types, and while nobody does. All three come in
every round, so that other work on the machine falls on all of them. Targets: a rerun takes at most 1.3 × as
long under training as without it; the worker keeps at least 0.8 of its tokens a second.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from playground.jobs.folder import Control, JobFolder
from tests.benchmarks.rounds import Times, ratio, table, turns
from tests.browser import training
from tests.browser.app import FLAGS, NEXT_WORD, App, chromium_path, finished, go_to, start_app

if TYPE_CHECKING:
    from playwright.sync_api import Page

ALONE, TRAINING, QUIET = "page, no training", "page, training", "training, nobody on the page"
PAGE_TARGET, WORKER_TARGET = 1.3, 0.8
THINKING = 0.3
"""Seconds between two texts."""
WATCH = """
(text) => new Promise((resolve) => {
  const deep = (root) => [...root.querySelectorAll("*")].flatMap((node) =>
    [...(node.matches(".chip .token") ? [node] : []), ...(node.shadowRoot ? deep(node.shadowRoot) : [])]);
  const shown = () => deep(document).map((node) => node.textContent).join("").replaceAll("␣", " ");
  const look = () => {  // the walk through all nodes comes only once the script has ended
    const idle = document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]");
    if (idle && shown() === text) resolve(performance.now() - window.pressed);
    else setTimeout(look, 10);
  };
  look();
})
"""
"""Milliseconds from Enter until the script has ended and the page shows the tokens of this text."""
PRESSED = "addEventListener('keydown', e => { if (e.key === 'Enter') window.pressed = performance.now() }, true)"


def main() -> None:
    """Measure, and print both ratios."""
    options = _options()
    reruns: Times = {ALONE: [], TRAINING: []}
    speeds: Times = {TRAINING: [], QUIET: []}
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder)) as app, running_page() as page:
        job = JobFolder(Path(folder) / "runs" / "app" / _begin(page, app))
        texts = count()
        _type(page, next(texts))  # the page has answered before
        for order in turns([ALONE, TRAINING, QUIET], options.rounds):
            for name in order:
                _set(job, training=name != ALONE)
                typing = name != QUIET
                seconds, speed = _phase(page, job, texts, options.reruns if typing else 0)
                if typing:
                    reruns[name].append(seconds)
                if name != ALONE:
                    speeds[name].append(speed)
    _report(reruns, speeds, options.rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--reruns", type=int, default=6, help="texts typed in each phase")
    return parser.parse_args()


@contextmanager
def running_app(folder: Path) -> Iterator[App]:
    """The app with nothing but the shipped models, its runs in `folder`."""
    settings = {}
    for name in ("runs", "plugins", "models"):
        (folder / name).mkdir()
        settings[f"PLAYGROUND_{name.upper()}"] = str(folder / name)
    app = start_app(folder, settings)
    try:
        yield app
    finally:
        app.stop()


@contextmanager
def running_page() -> Iterator[Page]:
    """A page in a Chromium of its own."""
    from playwright.sync_api import sync_playwright

    path = chromium_path()
    if path is None:
        raise SystemExit("there is no Chromium: install it, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.add_init_script(PRESSED)
        yield page
        browser.close()


def _begin(page: Page, app: App) -> str:
    """Start a run as the form comes, with the longest budget, and go to the page Next word; the run's id."""
    training.open_form(page, app)
    training.fill(page, "Seconds, at most 900", 900)
    run = training.start(page)
    page.get_by_test_id("stMetric").first.wait_for(timeout=120_000)
    go_to(page, NEXT_WORD)
    finished(page, NEXT_WORD)
    return run


def _set(job: JobFolder, *, training: bool) -> None:
    """Have the worker train, or hold still with all in memory."""
    job.write(Control(wish="play" if training else "pause"))
    wanted = "running" if training else "paused"
    _until(lambda: job.status.state == wanted)
    if training:
        before = _tokens(job)
        _until(lambda: _tokens(job) > before)


def _phase(page: Page, job: JobFolder, texts: Iterator[int], reruns: int) -> tuple[float, float]:
    """Median seconds of a rerun, and the worker's tokens a second meanwhile; nobody types with 0 reruns."""
    start, tokens = time.monotonic(), _tokens(job)
    seconds = [_type(page, next(texts)) for _ in range(reruns)]
    if not reruns:
        time.sleep(4)
    return median(seconds or [0.0]), (_tokens(job) - tokens) / (time.monotonic() - start)


def _type(page: Page, number: int) -> float:
    """Type a text that nobody has typed yet, as long as the others; seconds from Enter to the finished page."""
    text = f"One day in the year {number:04} a boy and his dog went to the park"
    box = page.get_by_label("Your text")
    box.fill(text)
    page.wait_for_timeout(1000 * THINKING)
    box.press("Enter")
    return float(page.evaluate(WATCH, text)) / 1000


def _tokens(job: JobFolder) -> int:
    """How many tokens the run has learnt from."""
    last = (job.path / "events.jsonl").read_bytes().rstrip(b"\n").rpartition(b"\n")[2]
    try:
        return int(json.loads(last)["tokens"])
    except ValueError:  # the line was being written
        return _tokens(job)


def _until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not what():
        time.sleep(0.02)
        if time.monotonic() > end:
            raise SystemExit("the worker does not do what it is told")


def _report(reruns: Times, speeds: Times, rounds: int) -> None:
    print(f"{rounds} rounds on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n{table(reruns, ALONE)}")
    found = ratio(reruns, TRAINING, ALONE).middle
    print(f"a rerun under training: {found:.2f} ×; target {PAGE_TARGET}: {_met(found <= PAGE_TARGET)}\n")
    for name, each in speeds.items():
        print(f"{name:28}  {median(each):9,.0f} tokens a second")
    kept = ratio(speeds, TRAINING, QUIET)
    print(
        f"the worker keeps {kept.least:.2f}, {kept.middle:.2f}, {kept.greatest:.2f} (least, median, greatest); "
        f"target {WORKER_TARGET}: {_met(kept.middle >= WORKER_TARGET)}"
    )


def _met(yes: bool) -> str:
    return "met" if yes else "NOT met"


if __name__ == "__main__":
    main()
