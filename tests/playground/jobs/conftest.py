"""A fork server with plugins that misbehave, small orders, and nothing left running after a test."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest

from playground.jobs import Jobs, Limits, forking
from tests.playground.jobs.helpers import DEEDS, PLUGIN, children_of
from zoo.registry import FOLDERS


@pytest.fixture(scope="session")
def folder_of_plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file for each deed."""
    folder = tmp_path_factory.mktemp("plugins")
    for name, deed in DEEDS.items():
        (folder / f"{name}.py").write_text(PLUGIN.replace("{deed}", deed).replace("{name}", name))
    return folder


@pytest.fixture(scope="session")
def fork_server(folder_of_plugins: Path) -> Iterator[None]:
    """A fork server that knows the plugins; gone afterwards."""
    stop = forkserver._forkserver._stop  # what the standard library's own tests use
    stop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDERS, str(folder_of_plugins))
        forking.warm_up().join()
    yield
    stop()


@pytest.fixture
def make_jobs(
    fork_server: None, folder_of_plugins: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[..., Jobs]]:
    """`make_jobs(hang=1.0, …)`: a `Jobs` of its own with these limits. Afterwards no worker is left."""
    monkeypatch.setenv(FOLDERS, str(folder_of_plugins))
    made: list[Jobs] = []

    def make(root: Path = tmp_path / "app", **limits: Any) -> Jobs:
        made.append(Jobs(root, Limits(**{"at_once": 1, "hold": 30.0} | limits)))
        return made[-1]

    yield make
    for jobs in made:
        jobs.close()
    assert multiprocessing.active_children() == []
    server = forkserver._forkserver._forkserver_pid
    assert server is None or children_of(server) == []


@pytest.fixture
def jobs(make_jobs: Callable[..., Jobs]) -> Jobs:
    """With limits that a test is done with quickly."""
    return make_jobs(hang=2.0, grace=1.0)
