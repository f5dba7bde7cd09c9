"""Worker processes from a fork server that has torch and the glass box loaded, so that a training begins at once.

Used by the supervisor and `Jobs.warm_up`. No torch in this process.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path

import playground
from playground.jobs import failures, worker
from playground.jobs.folder import JobFolder, Status
from playground.jobs.limits import Limits

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["playground.jobs.preload"])
_HOME = str(Path(playground.__file__).resolve().parents[1])
_lock = threading.Lock()
_warm = threading.Event()


@dataclass
class Worker:
    """A run that has its process, or is about to get it."""

    job: JobFolder
    process: BaseProcess | None = None
    life: tuple[int, ...] = ()
    moved: float = field(default_factory=time.monotonic)
    """When `life` last changed."""
    asked: float | None = None
    """When it was told to stop."""
    verdict: Status | None = None
    """Why it was killed."""
    doomed: bool = False
    """Its folder is to be removed."""

    def kill(self, verdict: Status) -> None:
        """End the process, and remember why."""
        self.verdict = self.verdict or verdict
        if self.process is not None:
            self.process.kill()

    def look(self, limits: Limits) -> None:
        """Kill it where it hangs, or would not stop."""
        now, life = time.monotonic(), self.job.sign_of_life()
        if life != self.life:
            self.life, self.moved = life, now
        state, step, model = self.job.status.state, self.job.kept_step(), self.job.ticket.model
        patience = limits.start if state == "starting" else limits.hang
        if self.asked is not None and now - self.asked > limits.grace:
            self.kill(Status(state="stopped", message=failures.of_force(model, step), step=step or 0))
        elif state != "paused" and now - self.moved > patience:
            self.kill(Status(state="failed", message=failures.of_hang(model, patience, step), step=step or 0))


def start(folder: Path) -> BaseProcess:
    """A worker for this folder. Takes as long as the fork server needs to load, if it was not warm.

    Raises:
        OSError, EOFError: no process could be started.
    """
    try:
        return _started(folder)
    except (OSError, EOFError):  # the fork server died just now: there is a new one the second time
        return _started(folder)


def _started(folder: Path) -> BaseProcess:
    return forked(worker.work, str(folder))


def forked(target: Callable[..., None], *args: object) -> BaseProcess:
    """A process of the fork server that calls `target`, started.

    Raises:
        OSError, EOFError: it could not be started.
    """
    process = _CONTEXT.Process(target=target, args=args, daemon=True)
    _ensure_running()
    process.start()
    return process


def _ensure_running() -> None:
    """Start the fork server where there is none; it must find our modules, wherever the app was started."""
    with _lock:
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (_HOME, before)))
        try:
            forkserver.ensure_running()
        finally:
            if before is None:
                del os.environ["PYTHONPATH"]
            else:
                os.environ["PYTHONPATH"] = before


def warm_up() -> threading.Thread:
    """Start the fork server in the background, and have it fork once."""

    def rehearse() -> None:
        with suppress(OSError, EOFError):  # the first worker will say what is wrong
            _ensure_running()
            process = _CONTEXT.Process(target=worker.rehearse, daemon=True)
            process.start()
            process.join()
            process.close()
            _warm.set()

    thread = threading.Thread(target=rehearse, name="warm-up of the fork server", daemon=True)
    thread.start()
    return thread


def is_warm() -> bool:
    """Whether a worker can be at work within a moment."""
    return _warm.is_set()


def memory(pid: int | None) -> int:
    """Bytes of memory that a process holds (its resident set, what it shares with others included); 0 if unknown."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
