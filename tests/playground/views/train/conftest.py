"""The page Train over jobs that work in this process: the same folders and states, no worker."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from playground import engine, state
from playground.catalogue import app_runs
from playground.jobs import Job, Jobs, Limits, NotYours, Refused
from playground.jobs.folder import JobFolder
from playground.jobs.service import digest
from tests.playground.helpers import shelves, write_plugin
from zoo.launch import Order, launch
from zoo.registry import discover
from zoo.training import train

TRAIN = "pages/train.py"


class InProcess:
    """What the page asks of `Jobs`. An order is trained at once, for as many steps as `until` says."""

    def __init__(self, root: Path) -> None:
        self.root, self.limits = root, Limits()
        self.jobs: dict[str, Job] = {}
        self.orders: list[tuple[Order, str | None]] = []
        self.calls: list[tuple[str, str]] = []
        self.refusal = ""
        self.until = 10**9
        self.ends = "done"
        self._door = threading.Lock()

    def submit(self, order: Order, owner: str, text: str | None = None) -> str:
        if self.refusal:
            raise Refused(self.refusal)
        self.orders.append((order, text))
        run_id = f"run{len(self.orders):013d}"
        folder = self.root / run_id
        if text is not None:
            folder.mkdir(parents=True)
            (folder / "corpus.txt").write_text(text, encoding="utf-8")
            order = order.model_copy(update={"corpus": str(folder / "corpus.txt")})
        started = launch(order, folder, discover())
        for event in train(started.run, started.plugin, started.corpus):
            if event["step"] >= self.until:
                break
        self.jobs[run_id] = Job(
            run_id, self.ends, "", folder, 0, 0, (), created=time.time(), memory=0, pid=None, owner=digest(owner)
        )
        return run_id

    def look(self, job: str) -> Job:
        if job not in self.jobs:
            raise LookupError("no such run")
        return self.jobs[job]

    def mine(self, owner: str) -> list[Job]:
        return [job for job in self.jobs.values() if job.owned_by(owner)]

    def change(self, job: str, **what: object) -> None:
        self.jobs[job] = replace(self.jobs[job], **what)

    def _told(self, what: str, job: str, owner: str, state: str | None) -> None:
        if not self.look(job).owned_by(owner):
            raise NotYours("this is somebody else's run")
        self.calls.append((what, job))
        if state:
            self.change(job, state=state)

    def play(self, job: str, owner: str) -> None:
        self._told("play", job, owner, "running")

    def pause(self, job: str, owner: str) -> None:
        self._told("pause", job, owner, "paused")

    def step(self, job: str, owner: str, steps: int = 1) -> None:
        self._told("step", job, owner, "paused")

    def stop(self, job: str, owner: str) -> None:
        self._told("stop", job, owner, "stopped")

    def beat(self, job: str, owner: str) -> None:
        self._told("beat", job, owner, None)

    def delete(self, job: str, owner: str) -> None:
        self._told("delete", job, owner, None)
        del self.jobs[job]

    def _own(self, job: str, owner: str) -> JobFolder:
        self._told("rename", job, owner, None)
        return JobFolder(self.look(job).folder)

    rename = Jobs.rename

    def is_warm(self) -> bool:
        return True


@pytest.fixture
def jobs(offer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: None) -> InProcess:
    """The jobs of this test's server, which offers one plugin beside the built-in models."""
    shelves(tmp_path)
    write_plugin(tmp_path / "plugins", "Averager")
    offer(tmp_path)
    found = InProcess(app_runs())
    monkeypatch.setattr(engine, "jobs", lambda: found)
    monkeypatch.setattr(state, "owner", lambda: "me")  # without a browser there is no cookie to know it by
    return found


@pytest.fixture
def visit(jobs: InProcess):
    """(**query) -> the page Train at this address."""
    from streamlit.testing.v1 import AppTest

    from tests.playground.helpers import ROOT

    def go(**query: object) -> AppTest:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=90)
        app.switch_page(TRAIN)
        for name, value in query.items():
            app.query_params[name] = str(value)
        return app.run()

    return go


@pytest.fixture
def set_up(visit):
    """The setup of a very small and short run: the Averager on 200 stories, for four steps."""

    def go():
        app = visit()
        app.selectbox(key="train.model").set_value("you/averager")
        app.segmented_control(key="train.unit").set_value("steps")
        app.select_slider(key="train.stories").set_value(200)
        app.run()
        app.number_input(key="train.budget.steps").set_value(4)
        app.number_input(key="train.recipe.you/averager.batch").set_value(2)
        app.number_input(key="train.recipe.you/averager.held_out_windows").set_value(2)
        return app.run()

    return go


@pytest.fixture
def trained(set_up):
    """The page after such a run."""

    def go():
        app = set_up()
        return app.button(key="train.go").click().run()

    return go
