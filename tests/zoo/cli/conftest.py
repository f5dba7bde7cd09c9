"""A command runner, a text, a small trained run, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.__main__ import main
from zoo.registry import FOLDERS

SMALL = [word for each in ("blocks=1", "heads=2", "width=16", "context=16", "batch=4") for word in ("--set", each)]
Outcome = tuple[int, str, str]


@pytest.fixture(autouse=True)
def _no_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ./plugins of the developer's own; runs land in the test's own folder."""
    monkeypatch.delenv(FOLDERS, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command; returns its status, what it printed, and what it complained of."""

    def command(*arguments: str) -> Outcome:
        capsys.readouterr()
        try:
            status = main(arguments)
        except SystemExit as stop:
            status = int(stop.code or 0)
        return status, *capsys.readouterr()

    return command


@pytest.fixture
def refused() -> Callable[[Outcome, str], None]:
    """Asserts exit status 2, nothing on standard output, and one line with this message in it."""

    def check(outcome: Outcome, message: str) -> None:
        status, out, err = outcome
        assert (status, out) == (2, ""), err
        assert err.startswith("zoo: ")
        assert err.count("\n") == 1
        assert message in err

    return check


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text file that says the same thing again and again."""
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    path.write_text("the cat sat on the mat and the dog sat on the log. " * 30)
    return path


@pytest.fixture(scope="session")
def train_command(corpus: Path) -> Callable[..., list[str]]:
    """The arguments that train a small GPT in a folder: `train_command(folder, "--steps", "2", text=…)`."""

    def command(folder: Path, *more: str, text: Path = corpus) -> list[str]:
        return ["train", "--model", "zoo/gpt", "--corpus", str(text), "--run", str(folder), *SMALL, *more]

    return command


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, train_command: Callable[..., list[str]]) -> Path:
    """A small GPT, trained for a few steps by the command itself."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert main(train_command(folder, "--steps", "8", "--vocab-size", "300")) == 0
    return folder
