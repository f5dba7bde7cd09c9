"""The page Model zoo over models of every kind: built in, a run, a user's plugin, a broken and an incomplete one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from playground.views.model_zoo import offer
from playground.views.model_zoo.offer import Card
from tests.playground.helpers import ROOT, make_run, shelves, write_plugin

MODEL_ZOO = "pages/model_zoo.py"
LACKING = "no-such-package-anywhere"


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `plugins`, `runs` and `models`."""
    folder = shelves(tmp_path_factory.mktemp("shelf"))
    plugins = folder / "plugins"
    write_plugin(plugins, "Averager")
    write_plugin(plugins, "Faulty", forward="raise RuntimeError('no *forward* today')")
    write_plugin(plugins, "Needy")
    needy = plugins / "needy.py"
    needy.write_text(needy.read_text().replace('summary="For', f'requires=("{LACKING}",), summary="For'))
    (plugins / "broken.py").write_text("raise RuntimeError('broken [on](purpose)')\n")
    make_run(folder / "runs" / "tiny")
    return folder


@pytest.fixture
def stocked(warm: None, offer: Callable[[Path], None], shelf: Path) -> None:
    """The app offers what lies on the shelf."""
    offer(shelf)


@pytest.fixture
def visit(stocked: None) -> Callable[..., AppTest]:
    """(**session) -> the page, with these values in its session."""

    def go(page: str = MODEL_ZOO, **session: object) -> AppTest:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=90)
        app.switch_page(page)
        for name, value in session.items():
            app.session_state[name] = value
        return app.run()

    return go


@pytest.fixture
def cards(stocked: None) -> dict[str, Card]:
    """Title -> card, as the page would make it."""
    return {card.title: card for card in offer.cards()}


def texts(app: AppTest) -> str:
    """All that the page says in Markdown and captions."""
    return "\n".join(each.value for each in (*app.markdown, *app.caption))
