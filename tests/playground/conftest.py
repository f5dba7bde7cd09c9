"""For the tests of the playground: a server with models of every kind on offer, and its pages without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from playground import engine
from tests.playground.helpers import NEXT_WORD, ROOT, make_run, shelves, write_plugin

Open = Callable[..., AppTest]


@pytest.fixture(scope="session")
def warm() -> None:
    """The models are loaded, as on a server that has run for a while."""
    assert engine.wait()


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `plugins` (the Averager), `runs` (one of two steps) and `models` (empty)."""
    folder = shelves(tmp_path_factory.mktemp("offer"))
    write_plugin(folder / "plugins", "Averager")
    make_run(folder / "runs" / "tiny")
    return folder


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Makes the app offer what lies in the folders `plugins`, `runs` and `models` of a folder."""

    def use(folder: Path) -> None:
        for name in ("plugins", "runs", "models"):
            monkeypatch.setenv(f"PLAYGROUND_{name.upper()}", str(folder / name))
        engine._common.clear()

    yield use
    engine._common.clear()


@pytest.fixture
def open_page(warm: None, offer: Callable[[Path], None], folders: Path) -> Open:
    """(page, **query) -> the page as the app draws it at this address."""
    offer(folders)

    def visit(page: str = NEXT_WORD, **query: object) -> AppTest:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        app.switch_page(page)
        for name, value in query.items():
            app.query_params[name] = str(value)
        return app.run()

    return visit
