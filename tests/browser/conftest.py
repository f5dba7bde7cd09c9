"""For the browser tests: a Chromium, the running app with models of every kind, and watched pages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.app import FLAGS, ROOT, App, OpenPage, Watched, chromium_path, start_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser

AVERAGER = """
import torch
from pydantic import BaseModel, Field
from torch import nn
from zoo import ModelPlugin, ModelSpec, record

class Config(BaseModel):
    width: int = Field(64, ge=8, le=512, description="Size of each token's vector.")

class Averager(nn.Module):                       # ids (batch, time) -> logits (batch, time, vocab)
    def __init__(self, width, vocab_size):
        super().__init__()
        self.embed, self.unembed = nn.Embedding(vocab_size, width), nn.Linear(width, vocab_size)
    def forward(self, ids):
        x = self.embed(ids)
        mean = x.cumsum(1) / (1 + torch.arange(x.shape[1], device=x.device))[:, None]
        return self.unembed(record("mean", mean))

class AveragerPlugin(ModelPlugin):
    spec = ModelSpec(id="you/averager", title="Averager", family="other", task="next-token",
                     summary="Predicts from the mean of all vectors so far.")
    Config = Config
    def build(self, config, vocab_size):
        return Averager(config.width, vocab_size)
"""
TINY = "blocks=1 heads=2 width=16 context=32".split()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium; without one the tests are skipped, or fail where REQUIRE_BROWSER=1."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _no_browser("Playwright is not installed")
    path = chromium_path()
    if path is None:
        _no_browser("there is no Chromium: install it, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def _no_browser(reason: str) -> None:
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(f"REQUIRE_BROWSER=1, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def settings(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where the app finds models: two plugins, one of them broken; a run of two steps; Hugging Face folders."""
    folder = tmp_path_factory.mktemp("app")
    plugins, runs, none = folder / "plugins", folder / "runs", folder / "models"
    for each in (plugins, runs, none):
        each.mkdir()
    (plugins / "averager.py").write_text(AVERAGER)
    (plugins / "broken.py").write_text("raise RuntimeError('this plugin is broken on purpose')\n")
    models = ROOT.parent / "shared" / "models"
    _train_tiny(runs / "tiny", folder / "text.txt")
    return {
        "PLAYGROUND_PLUGINS": str(plugins),
        "PLAYGROUND_RUNS": str(runs),
        "PLAYGROUND_MODELS": str(models if models.is_dir() else none),
        "HF_ENDPOINT": "http://127.0.0.1:9",  # no test asks another machine
    }


def _train_tiny(run: Path, text: Path) -> None:
    text.write_text("The little dog ran to the park. It was happy, and it ran home again.\n" * 60)
    command = [sys.executable, "-m", "zoo", "train", "--model", "zoo/gpt", "--corpus", str(text), "--run", str(run)]
    command += ["--steps", "2", "--vocab-size", "300", *(part for field in TINY for part in ("--set", field))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def app(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The running app; at the end its log must hold no traceback."""
    running = start_app(tmp_path_factory.mktemp("server"), settings)
    yield running
    log = running.stop()
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:5000]


@contextmanager
def _watching(chromium: Browser) -> Iterator[OpenPage]:
    opened: list[Watched] = []

    def open_page(width: int = 1280, height: int = 900, **options: Any) -> Watched:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(30_000)
        opened.append(Watched(context.new_page()))
        return opened[-1]

    try:
        yield open_page
        faults = [fault for each in opened for fault in each.faults()]
    finally:
        for each in opened:
            each.page.context.close()
    assert not faults, faults


@pytest.fixture
def watch(chromium: Browser) -> Iterator[OpenPage]:
    """Opens pages, each in a context of its own; at the end none may have done what no page may do."""
    with _watching(chromium) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def watch_module(chromium: Browser) -> Iterator[OpenPage]:
    """The same for pages that the tests of a file share, since a fresh one takes a second or more."""
    with _watching(chromium) as open_page:
        yield open_page
