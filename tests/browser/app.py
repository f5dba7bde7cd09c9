"""The app as a user meets it: a server of its own on a free port, and a page that is watched while in use.

Used by the fixtures in conftest.py and by the browser tests.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Locator, Page, Request

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
IDLE = "[data-testid=stApp][data-test-connection-state=CONNECTED][data-test-script-state=notRunning]"
RUNNING = "[data-testid=stApp][data-test-script-state=running]"
NEXT_WORD, FORWARD_PASS = "", "forward_pass"
TWINS, TRAIN = "untrained_and_pretrained", "train"
LINKS = {
    NEXT_WORD: "Next word",
    FORWARD_PASS: "Forward pass",
    TWINS: "Untrained and pre-trained",
    TRAIN: "Train",
}
"""A page's path -> its name in the navigation."""
READY = {
    NEXT_WORD: ".candidate",
    FORWARD_PASS: ".spine .step",
    TWINS: "[class*='st-key-heads-']",
    TRAIN: "[class*='st-key-train-load']",
}
"""What has to stand on a page before it is finished."""


def chromium_path() -> str | None:
    """The Chromium to drive: the one that CHROMIUM names, or the first one on the PATH."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class App:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def address(self, page: str = NEXT_WORD, **query: object) -> str:
        """The address of a page with these settings."""
        return f"{self.url}/{page}" + (f"?{urlencode(query)}" if query else "")

    def stop(self) -> str:
        """End the server and return what it wrote."""
        self.process.terminate()
        self.process.wait(20)
        return self.log.read_text(errors="replace")


def start_app(folder: Path, settings: Mapping[str, str]) -> App:
    """Start the app as the README does, and wait until it answers; `settings` are environment variables."""
    port, log = _free_port(), folder / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", str(port)]
    command += ["--server.address", "localhost", "--server.headless", "true", "--browser.gatherUsageStats", "false"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **settings}, stdout=output, stderr=subprocess.STDOUT
        )
    app = App(f"http://localhost:{port}", process, log)
    try:
        _wait_for(f"{app.url}/_stcore/health", process)
    except BaseException as error:
        raise RuntimeError(f"the app did not start:\n{app.stop()}") from error
    return app


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"{address} did not answer")


@dataclass
class Watched:
    """What went on in a page beside what is seen: requests, errors, dialogs, messages to the server."""

    page: Page
    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    sent: int = 0
    """How many messages the page has sent to the server."""

    def __post_init__(self) -> None:
        self.page.on("request", self._request)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        self.page.on("websocket", lambda socket: socket.on("framesent", self._sent))
        self.page.on("dialog", self._dialog)

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss"):
            self.hosts.add(address.hostname or "")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _is_streamlits_own(message):
            self.errors.append(f"console: {message.text}")

    def _sent(self, _frame: Any) -> None:
        self.sent += 1

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def faults(self) -> list[str]:
        """What a page must never do."""
        strangers = [f"asked another host: {host}" for host in sorted(self.hosts - {"localhost", "127.0.0.1"})]
        return strangers + self.errors + [f"opened a dialog: {text}" for text in self.dialogs]


OpenPage = Callable[..., Watched]
"""Opens a new page in a context of its own: (width, height, and options of a Playwright context)."""


def _is_streamlits_own(message: ConsoleMessage) -> bool:
    """On a deep link Streamlit looks for its server below the page's path first, and gets a 404 there."""
    address = str(message.location.get("url", ""))
    return "404" in message.text and address.endswith(("/_stcore/health", "/_stcore/host-config"))


def started(page: Page) -> None:
    """Wait until the server has begun to answer what was just done; a quick answer may be over already."""
    from playwright.sync_api import TimeoutError as Late

    with contextlib.suppress(Late):
        page.wait_for_selector(RUNNING, state="attached", timeout=1_000)


DRAWN = """() => !document.querySelector("[data-testid=stSkeleton], [data-testid=stSpinner]")
    && [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")]
        .every(host => host.shadowRoot?.querySelector(".tp")?.bytes)"""
"""Nothing is still on its way, and each component of ours has drawn what it was sent."""


def idle(page: Page) -> None:
    """Wait until the script has run, and nothing is still being drawn; then there is no exception."""
    page.wait_for_timeout(210)
    page.wait_for_selector(IDLE, timeout=60_000)
    page.wait_for_function(DRAWN, timeout=60_000)
    raised = page.locator("[data-testid=stException]")
    assert raised.count() == 0, raised.inner_text()


def finished(page: Page, path: str) -> None:
    """Wait until the page at this path shows its content, live."""
    page.wait_for_selector(READY[path], timeout=60_000)
    until(page, lambda: page.get_by_text("This is a recording").count() == 0, 60)
    idle(page)


def until(page: Page, holds: Callable[[], bool], seconds: float = 15) -> None:
    """Wait until something holds on the page."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "the page did not come to what was expected"
        page.wait_for_timeout(50)


def comes_to(page: Page, read: Callable[[], object], expected: object, seconds: float = 15) -> None:
    """Wait until what is read on the page is what is expected; if it never is, the difference is shown."""
    end = time.monotonic() + seconds
    while (found := read()) != expected and time.monotonic() < end:
        page.wait_for_timeout(50)
    assert found == expected


def pick_option(page: Page, box: Locator, name: str, typed: str | None = None) -> None:
    """Open the list of `box` (with something `typed` into it) and click the option of this name."""
    from playwright.sync_api import TimeoutError as Late

    wanted = page.get_by_role("option", name=name, exact=True)

    def there() -> bool:
        if not wanted.count():  # scrolling, or what moves on the page, shuts an open list
            box.scroll_into_view_if_needed()
            box.click() if typed is None else box.fill(typed)
            page.wait_for_timeout(400)
        return wanted.count() == 1

    def picked() -> bool:
        until(page, there, 30)
        try:
            wanted.click(timeout=2_000)
        except Late:  # it shut just now
            return False
        return True

    until(page, picked, 60)


def type_text(page: Page, text: str) -> None:
    """Type into the box of the text, as a user does, and wait for the page."""
    box = page.get_by_label("Your text")
    box.fill(text)
    box.press("Enter")
    started(page)
    idle(page)


def go_to(page: Page, path: str) -> None:
    """Change the page by its link in the navigation, which a phone keeps behind a button."""
    link = page.get_by_role("link", name=LINKS[path], exact=True)
    if page.get_by_test_id("stExpandSidebarButton").is_visible():
        page.get_by_test_id("stExpandSidebarButton").click()
        page.wait_for_timeout(500)
    link.click()
    finished(page, path)


def choose_step(page: Page, step: str) -> None:
    """Open a step on the spine, and wait until its matrix stands there: the components draw after the page."""
    node = page.locator(f".spine .step[data-step='{step}']")
    if not node.count():
        page.locator(f".spine button.bar[data-block='{step.split('.')[1]}']").click()
    title = (node.get_attribute("title") or "").split(":")[0]
    node.click()
    page.locator(f"code:text-is('{step}')").wait_for(timeout=15_000)
    idle(page)
    page.locator("[class*='st-key-matrix'] h3", has_text=re.compile(f"^{re.escape(title)}$")).wait_for()
