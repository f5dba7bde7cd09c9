"""How soon home is there, finished and real, against a hello-world Streamlit app.

    python -m tests.benchmarks.first_paint [--rounds 5] [--visits 8]

Both servers run side by side and are visited in turn, each time in a fresh browser context. A page is
finished when the script has ended, no placeholder is left, and its last content stands: home's
candidates with their probabilities, or hello world's title. The browser's own clock counts from
navigation. First come visits to servers that have just started (both start anew each round), then
visits to servers that have been at work. Target: at most 1.5 times; aim: 1.25.

Each is shown twice: as time, and as the work of the page's main thread alone, which other programs on
a busy machine don't lengthen.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.rounds import Times, ratio, table, turns
from tests.browser.app import FLAGS, IDLE, ROOT, chromium_path

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HELLO, HOME = "hello world", "home"
TARGET, AIM = 1.5, 1.25
CONTENT = {HELLO: "h1", HOME: ".candidate .prob"}
"""What stands on each page last; the component's lies in a shadow root."""
WATCH = """
(() => {
  const deep = (root, css) => root.querySelector(css) ??
    [...root.querySelectorAll("*")].map((node) => node.shadowRoot && deep(node.shadowRoot, css)).find(Boolean);
  const look = () => {
    const idle = document.querySelector(IDLE) && !document.querySelector("[data-testid=stSkeleton]");
    const found = idle && deep(document, CONTENT);  // a walk through all nodes, only where it may succeed
    if (found && found.getBoundingClientRect().height && found.textContent.trim()) window.finished = performance.now();
    else setTimeout(look, 10);
  };
  look();
})()
"""


def main() -> None:
    """Measure first visits and later ones, and print both tables."""
    from playwright.sync_api import sync_playwright

    options, path = _options(), chromium_path()
    if path is None:
        raise SystemExit("there is no Chromium: install it, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        first = first_visits(browser, options.rounds)
        _report(f"First visit to a fresh server, {options.rounds} rounds", first)
        later = later_visits(browser, options.visits)
        _report(f"Visits to a server at work, {options.visits} rounds", later)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="first visits; each starts both servers anew")
    parser.add_argument("--visits", type=int, default=8, help="later visits")
    return parser.parse_args()


@dataclass
class Visits:
    """What was measured, one entry a round."""

    seconds: Times = field(default_factory=lambda: {HELLO: [], HOME: []})
    work: Times = field(default_factory=lambda: {HELLO: [], HOME: []})
    """Processor seconds of the page's main thread."""

    def add(self, name: str, seconds: float, work: float) -> None:
        """One visit."""
        self.seconds[name].append(seconds)
        self.work[name].append(work)


def _report(title: str, visits: Visits) -> None:
    found = ratio(visits.seconds, HOME, HELLO).middle
    print(f"{title}\n{table(visits.seconds, HELLO)}")
    print(f"{found:.2f} × {HELLO}; target {TARGET}: {'met' if found <= TARGET else 'NOT met'}, aim {AIM}")
    print(f"the page's main thread alone\n{table(visits.work, HELLO)}\n")


def first_visits(browser: Browser, rounds: int) -> Visits:
    """The first visit to each server; the browser itself has drawn a page before."""
    visits = Visits()
    for number, order in enumerate(turns([HELLO, HOME], rounds + 1)):
        with servers() as addresses:
            for name in order:
                measured = visit(browser, addresses[name], CONTENT[name])
                if number:
                    visits.add(name, *measured)
    return visits


def later_visits(browser: Browser, rounds: int) -> Visits:
    """Visits to servers that have answered before, home's with its model loaded."""
    visits = Visits()
    with servers() as addresses:
        for name, address in addresses.items():
            visit(browser, address, CONTENT[name], until_live=name == HOME)
        for order in turns([HELLO, HOME], rounds):
            for name in order:
                visits.add(name, *visit(browser, addresses[name], CONTENT[name]))
    return visits


def visit(browser: Browser, address: str, content: str, until_live: bool = False) -> tuple[float, float]:
    """Seconds from navigation to the finished page, and processor seconds of its main thread.

    With `until_live`, stay until no recording is shown.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        tools = context.new_cdp_session(page)
        tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.add_init_script(WATCH.replace("IDLE", repr(IDLE)).replace("CONTENT", repr(content)))
        page.goto(address, wait_until="commit")
        page.wait_for_function("() => window.finished", timeout=60_000, polling=50)
        metrics = {each["name"]: each["value"] for each in tools.send("Performance.getMetrics")["metrics"]}
        seconds = float(page.evaluate("() => window.finished")) / 1000
        if until_live:
            page.get_by_text("This is a recording").wait_for(state="detached", timeout=120_000)
        return seconds, float(metrics["TaskDuration"])
    finally:
        context.close()


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """Both apps, freshly started on free ports: name -> address."""
    with tempfile.TemporaryDirectory() as folder:
        hello = Path(folder) / "hello.py"
        hello.write_text('import streamlit as st\n\nst.title("Hello world")\n')
        running = [_start(hello), _start(ROOT / "streamlit_app.py")]
        try:
            for process, address in running:
                _wait_for(f"{address}/_stcore/health", process)
            yield dict(zip((HELLO, HOME), (address for _, address in running), strict=True))
        finally:
            for process, _ in running:
                process.terminate()
            for process, _ in running:
                process.wait(20)


def _start(script: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    command += ["--server.headless", "true", "--server.fileWatcherType", "none", "--browser.gatherUsageStats", "false"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=script.parent, env=dict(os.environ), stdout=quiet, stderr=quiet)
    return process, f"http://localhost:{port}"


def _wait_for(address: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{address} did not answer")


if __name__ == "__main__":
    main()
