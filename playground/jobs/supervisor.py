"""One thread per server that starts the next run in line, and sees to those that run.

It notices workers that end (done, killed, out of memory), hang, will not stop, or whose page is gone,
and leaves a status that says so. Its owner (`Jobs`) calls it from the threads of the pages.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
import time
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from playground.jobs import failures, forking
from playground.jobs.folder import ENDED, Control, JobFolder, Status
from playground.jobs.forking import Worker
from playground.jobs.limits import Limits

TICK = 0.2
"""Seconds between two looks at what goes on."""


class Supervisor:
    """The line, the workers, and the thread. Every method may be called from any thread."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.RLock()
        self._line: list[JobFolder] = []
        self._workers: dict[Path, Worker] = {}
        self._beats: dict[Path, float] = {}
        self._unsaid: dict[Path, Status] = {}
        """What could not be written yet, as on a full disk."""
        self._thread: threading.Thread | None = None
        self._ended = False
        self._bell, self._ring = multiprocessing.Pipe(duplex=False)

    def enqueue(self, job: JobFolder) -> None:
        """Put a run in line, unless it stands there already."""
        with self._lock:
            if job not in self._line:
                self.say(job, Status(state="queued", message="Waiting in line.", step=job.status.step))
                self._line.append(job)
            self._beats[job.path] = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._live, name="jobs", daemon=True)
                self._thread.start()
        self._wake()

    def leave_line(self, job: JobFolder, status: Status) -> bool:
        """Take a run out of the line; False where it stands in none."""
        with self._lock:
            if job not in self._line:
                return False
            self._line.remove(job)
            self.say(job, status)
            return True

    def tell(self, job: JobFolder, control: Control) -> bool:
        """Leave word for the worker; False where there is none.

        Raises:
            OSError: the disk is full. A worker that was to stop is ended all the same.
        """
        with self._lock:
            worker = self._workers.get(job.path)
            if worker is not None:
                worker.asked = time.monotonic() if control.wish == "stop" else None
                worker.moved = time.monotonic()
            job.write(control)
            return worker is not None

    def place(self, job: JobFolder) -> int:
        """1 for the next in line; 0 for what does not wait."""
        with self._lock:
            return self._line.index(job) + 1 if job in self._line else 0

    def waiting(self) -> int:
        """How many stand in line."""
        return len(self._line)

    def pid(self, job: JobFolder) -> int | None:
        """The worker's process."""
        with self._lock:
            worker = self._workers.get(job.path)
            return worker.process.pid if worker and worker.process else None

    def status(self, job: JobFolder) -> Status:
        """How a run goes, also where its server or its disk is gone."""
        with self._lock:
            ours = job in self._line or job.path in self._workers
            status = self._unsaid.get(job.path) or job.status
        if ours or status.state in (*ENDED, "paused") or job.is_claimed():
            return status
        step = job.kept_step()
        return Status(state="stopped", message=failures.interrupted(step), step=step or 0)

    def beat(self, job: JobFolder) -> None:
        """The owner's page is there."""
        self._beats[job.path] = time.monotonic()

    def remove(self, job: JobFolder) -> None:
        """Delete a run with its folder; its worker is killed first, and that is not waited for."""
        with self._lock:
            self.leave_line(job, Status(state="stopped"))
            worker = self._workers.get(job.path)
            if worker is None:
                self._forget(job)
            else:
                worker.doomed = True
                (job.path / "order.json").unlink(missing_ok=True)  # from now on nobody finds it
                worker.kill(Status(state="stopped"))
        self._wake()

    def close(self, seconds: float = 3.0) -> None:
        """Have every worker save and leave, kill those that don't, and end the thread."""
        with self._lock:
            thread, self._ended = self._thread, True
            for worker in self._workers.values():
                with suppress(OSError):
                    worker.job.write(Control(wish="pause", leave=True))
        deadline = time.monotonic() + seconds
        while thread is not None and self._workers and time.monotonic() < deadline:
            time.sleep(0.02)
        for worker in list(self._workers.values()):
            worker.kill(Status(state="stopped", message=failures.interrupted(worker.job.kept_step())))
        self._wake()
        if thread is not None:
            thread.join(10)
        self._bell.close()
        self._ring.close()

    def _live(self) -> None:
        """The thread's life. Nothing may end it before the server does."""
        while not (self._ended and not self._workers):
            try:
                self._see_to_all()
            except Exception:
                traceback.print_exc()
                time.sleep(TICK)

    def _see_to_all(self) -> None:
        """One round."""
        for worker in list(self._workers.values()):
            assert worker.process is not None  # only this thread starts them
            if worker.process.is_alive():
                worker.look(self._limits)
            else:
                self._bury(worker, worker.process)
        self._give_up_the_left()
        self._start_next()
        self._repeat_the_unsaid()
        self._rest()

    def _rest(self) -> None:
        """Until a worker ends, a page rings, or it is time to look again."""
        sentinels = [worker.process.sentinel for worker in self._workers.values() if worker.process]
        busy = self._workers or self._line or self._unsaid or self._ended
        for ready in wait([self._bell, *sentinels], TICK if busy else None):
            if isinstance(ready, Connection):
                ready.recv_bytes()

    def _wake(self) -> None:
        with suppress(OSError):
            self._ring.send_bytes(b".")

    def _start_next(self) -> None:
        """Give processes to the next in line, as many as there may be."""
        while (worker := self._next()) is not None:
            job = worker.job
            try:
                process = forking.start(job.path)
            except Exception as error:
                with self._lock:
                    del self._workers[job.path]
                    self.say(job, Status(state="failed", message=f"No process could be started: {error}."))
                continue
            with self._lock:
                worker.process, worker.moved = process, time.monotonic()
                if worker.verdict:
                    process.kill()

    def _next(self) -> Worker | None:
        """The next in line, if there is room for it."""
        with self._lock:
            job = next((job for job in self._line if job.path not in self._workers), None)
            if self._ended or job is None:
                return None
            if len(self._workers) >= self._limits.at_once:
                self._put_away_the_paused()
                return None
            self._line.remove(job)
            worker = self._workers[job.path] = Worker(job)
            self.say(job, Status(state="starting", message="Starting.", step=job.status.step))
            return worker

    def _put_away_the_paused(self) -> None:
        """Others wait: a paused run gives its process back."""
        for worker in self._workers.values():
            control = worker.job.control
            if worker.job.status.state == "paused" and control.wish == "pause" and not control.leave:
                with suppress(OSError):
                    worker.job.write(control.model_copy(update={"leave": True}))

    def _bury(self, worker: Worker, process: BaseProcess) -> None:
        """A worker's process is over: leave a status where it could not, and go on where its page wants it to."""
        job, code = worker.job, process.exitcode
        if code == failures.LOST and job.is_claimed():
            with suppress(ProcessLookupError):
                os.kill(process.pid or 0, signal.SIGKILL)
            return
        with self._lock:
            del self._workers[job.path]
            process.close()
            if worker.doomed:
                return self._forget(job)
            if job not in self._line:
                self._conclude(worker, code)

    def _conclude(self, worker: Worker, code: int | None) -> None:
        job, status = worker.job, worker.job.status
        if worker.verdict and status.state != "done":
            self.say(job, worker.verdict)
        elif status.state not in (*ENDED, "paused") or (status.state == "paused" and code != 0):
            step = job.kept_step()
            message = failures.of_exit(code, job.ticket.model, step)
            self.say(job, Status(state="failed", message=message, step=step or 0))
        elif status.state == "paused" and not self._ended:
            control = job.control
            if control.wish == "play" or control.until > status.step:  # asked for while it was leaving
                self.enqueue(job)

    def _give_up_the_left(self) -> None:
        """Stop what nobody looks at any more."""
        limit, now = self._limits.patience, time.monotonic()
        why = f"Stopped, for its page was closed more than {limit / 60:g} minutes ago. Press play to go on."
        with self._lock:
            left = [job for job in self._line if now - self._beats.get(job.path, now) > limit]
            for job in left:
                self.leave_line(job, Status(state="stopped", message=why, step=job.status.step))
            for worker in self._workers.values():
                if worker.asked is None and now - self._beats.get(worker.job.path, now) > limit:
                    with suppress(OSError):
                        self.tell(worker.job, Control(wish="stop", why=why))

    def say(self, job: JobFolder, status: Status) -> None:
        """Write a status; what the disk has no room for is kept in mind."""
        try:
            job.write(status)
            self._unsaid.pop(job.path, None)
        except OSError:
            self._unsaid[job.path] = status

    def _repeat_the_unsaid(self) -> None:
        with self._lock:
            for path, status in list(self._unsaid.items()):
                self.say(JobFolder(path), status)

    def _forget(self, job: JobFolder) -> None:
        shutil.rmtree(job.path, ignore_errors=True)
        self._beats.pop(job.path, None)
        self._unsaid.pop(job.path, None)
