"""Between two steps: what the app wants of the training now, and what the worker makes of it. No torch.

Used by the worker alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from playground.jobs.folder import Control, JobFolder, Status
from playground.jobs.limits import Limits

if TYPE_CHECKING:
    from zoo.training import Event, Recipe

POLL = 0.02
"""Seconds between two looks at the control while paused."""
GLANCE = 0.5
"""Seconds after which the control is read though nothing shows that it changed."""


class Reins:
    """The control as it stands, read again only where it may have changed: one `stat` a step."""

    def __init__(self, job: JobFolder) -> None:
        self._job = job
        self._mark: tuple[int, int] | None = None
        self._read = 0.0
        self._control = Control()

    def look(self) -> Control:
        """What the worker is to do."""
        mark, now = self._stat(), time.monotonic()
        if mark != self._mark or now - self._read > GLANCE:  # two writes within one tick of the clock look the same
            self._control, self._mark, self._read = self._job.control, mark, now
        return self._control

    def _stat(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._job.path / "control.json")
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino


def follow(job: JobFolder, events: Iterable[Event], recipe: Recipe, limits: Limits) -> Status:
    """Train to the end, or to where the app or the limits want it to stop; returns the status to leave behind."""
    reins, step, running = Reins(job), job.kept_step() or 0, False
    for event in events:
        step = event["step"]
        if recipe.steps is not None and step < recipe.steps and event["elapsed"] >= limits.seconds:
            return Status(state="stopped", message=_too_long(step, limits), step=step)
        if step >= limits.events and recipe.spent(step, event["elapsed"]) < 1:
            return Status(state="stopped", message=_too_many(step), step=step)
        control = reins.look()
        if _waits(control, step):
            control, running = _hold(job, reins, step, limits), False
        if control.wish == "stop":
            return Status(state="stopped", message=control.why or f"Stopped at step {step:,}.", step=step)
        if _waits(control, step):
            message = f"Paused at step {step:,}, and put away: press play to go on."
            return Status(state="paused", message=message, step=step)
        if not running:
            job.write(Status(state="running", message="Training.", step=step))
            running = True
    return Status(state="done", message=f"Done after {step:,} steps.", step=step)


def _waits(control: Control, step: int) -> bool:
    return control.wish == "pause" and step >= control.until


def _hold(job: JobFolder, reins: Reins, step: int, limits: Limits) -> Control:
    """Wait with all in memory, so that play and single steps are instant; not for ever."""
    job.write(Status(state="paused", message=f"Paused at step {step:,}.", step=step))
    deadline = time.monotonic() + limits.hold
    while True:
        control = reins.look()
        if not _waits(control, step) or control.leave or time.monotonic() > deadline:
            return control
        time.sleep(POLL)


def _too_many(step: int) -> str:
    return f"Stopped at step {step:,}: a run may take no more of them here. Larger batches make fewer steps."


def _too_long(step: int, limits: Limits) -> str:
    return f"Stopped at step {step:,}: {limits.seconds:,.0f} seconds of training are the most that a run may take here."
