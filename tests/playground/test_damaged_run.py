"""A run whose run.json is damaged lies in the folder of runs: every page goes on without it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from playground import engine
from tests.playground.helpers import ROOT, faultless

DAMAGE = {
    "cut off": "{",
    "no object": "[]",
    "no text": json.dumps({"model": "zoo/gpt", "corpus": "stories", "config": 3}),
    "no such text": json.dumps({"model": "zoo/gpt", "corpus": {"name": "x", "open": "glass-box:x=1"}}),
    "no such pairs": json.dumps({"model": "zoo/seq2seq", "corpus": {"name": "x", "open": "glass-box-pairs:x=1"}}),
}


@pytest.fixture(scope="module")
def damaged(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An offer of one whole run, and of one with each kind of damage."""
    folder = tmp_path_factory.mktemp("damaged") / "offer"
    shutil.copytree(folders, folder)
    for name, text in DAMAGE.items():
        shutil.copytree(folder / "runs" / "tiny", folder / "runs" / name)
        (folder / "runs" / name / "run.json").write_text(text)
    return folder


@pytest.mark.parametrize("page", sorted(path.stem for path in (ROOT / "pages").glob("*.py")))
def test_every_page_goes_on(warm: None, offer: Callable[[Path], None], damaged: Path, page: str) -> None:
    offer(damaged)
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.switch_page(f"pages/{page}.py")
    faultless(app.run())
    assert {f"{name} (run)" for name in DAMAGE} <= {choice.title for choice in engine.choices()}
