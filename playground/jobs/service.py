"""`Jobs`: what the pages call to train. Every order is checked here, and nobody reaches the run of another.

A job is a folder under the root; its id is a secret in the address. The pages read the folder's files
and call these methods; the work is done by processes (`playground.jobs.worker`), one thread sees to them.
"""

from __future__ import annotations

import hmac
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from playground.jobs import archive, forking
from playground.jobs.folder import ENDED, Control, JobFolder, State, Status, Ticket, new_id
from playground.jobs.limits import LIMITS, MAX_TITLE, Limits, Refused, held
from playground.jobs.room import Room, checked_text, digest, is_owner
from playground.jobs.supervisor import Supervisor

if TYPE_CHECKING:
    from zoo.launch import Order
    from zoo.plugin import ModelPlugin
    from zoo.registry import Registry


class NotYours(PermissionError):
    """Somebody else's run; the message is one sentence."""


@dataclass(frozen=True)
class Job:
    """A run as it stands."""

    id: str
    state: State
    message: str
    """A sentence on how it goes; names and error messages in it are a plugin's words: escape it for Markdown."""
    folder: Path
    place: int
    """In line: 1 for the next; 0 for what does not wait."""
    step: int
    """Where it stood when the state last changed; events.jsonl knows the present one."""
    notes: tuple[str, ...]
    """What of the order was cut to the limits, a sentence each."""
    created: float
    """Seconds since 1970."""
    memory: int
    """Bytes that the worker holds; 0 without one."""
    pid: int | None
    owner: str = field(repr=False)
    """SHA-256 of the owner's token."""

    def owned_by(self, owner: str) -> bool:
        """Whether this token is the owner's."""
        return bool(self.owner) and hmac.compare_digest(self.owner, digest(owner))

    @property
    def can_play(self) -> bool:
        """Whether there is something to go on with."""
        return self.state in ("paused", "stopped", "failed")


def _installed() -> Registry:
    from zoo.registry import discover

    return discover()


class Jobs:
    """All runs under `root`. One object a server; every method may be called from any thread."""

    def __init__(
        self, root: str | Path, limits: Limits = LIMITS, registry: Callable[[], Registry] = _installed
    ) -> None:
        self.root, self.limits = Path(root).absolute(), limits
        self._registry = registry
        self._supervisor = Supervisor(limits)
        self._room = Room(self.root, limits, self._supervisor)
        self._door = threading.Lock()
        """One comes in at a time, so that two together cannot take the last place."""
        self._unpacking = threading.Lock()
        """One upload at a time: it takes memory, and room on the disk that nobody has counted yet."""

    def warm_up(self) -> None:
        """Load the fork server in the background, so that the first training begins at once."""
        forking.warm_up()

    def is_warm(self) -> bool:
        """Whether a training can begin within a moment."""
        return forking.is_warm()

    def submit(self, order: Order, owner: str, text: str | None = None) -> str:
        """Put an order in line, with the text to learn from where it is the user's own; returns the new run's id.

        Raises:
            Refused: one sentence, with the way out.
        """
        raw = None if text is None else checked_text(text, self.limits)
        plugin = self._plugin(order)
        order, notes = held(order, plugin, self.limits, own_text=raw is not None)
        job = JobFolder(self.root / new_id())
        changes = {"model": plugin.spec.id} | ({"corpus": str(job.path / "corpus.txt")} if raw is not None else {})
        fields = order.model_copy(update=changes).model_dump(mode="json")
        ticket = Ticket(owner=digest(owner), created=time.time(), order=fields, limits=self.limits, notes=notes)
        with self._door:
            self._room.check_disk(owner)
            self._room.check_line(owner)
            self._create(job, ticket, raw)
            self._supervisor.enqueue(job)
        return job.path.name

    def look(self, job: str) -> Job:
        """A run by its id.

        Raises:
            LookupError: there is none.
        """
        return self._job(JobFolder.of(self.root, job))

    def mine(self, owner: str) -> list[Job]:
        """This owner's runs, the newest first."""
        return sorted(map(self._job, self._room.of(owner)), key=lambda job: -job.created)

    def play(self, job: str, owner: str) -> None:
        """Go on, from where the run stands.

        Raises:
            NotYours, LookupError
            Refused: it is done, or the line is full.
        """
        self._go_on(self._own(job, owner), owner, Control())

    def step(self, job: str, owner: str, steps: int = 1) -> None:
        """Take so many steps, then pause. A run that is under way pauses after as many."""
        folder = self._own(job, owner)
        status = self._supervisor.status(folder)
        now = folder.last_step() if status.state == "running" else status.step
        base = max(now, folder.control.until) if folder.control.wish == "pause" else now
        self._go_on(folder, owner, Control(wish="pause", until=base + max(1, min(steps, self.limits.steps))))

    def pause(self, job: str, owner: str) -> None:
        """Hold the run after its present step; nothing where it does not run."""
        folder = self._own(job, owner)
        out = Status(state="paused", message="Taken out of the line.", step=folder.status.step)
        if not self._supervisor.leave_line(folder, out):
            self._tell(folder, Control(wish="pause"))

    def stop(self, job: str, owner: str) -> None:
        """End the run after its present step and save it; nothing where it has ended."""
        folder = self._own(job, owner)
        out = Status(state="stopped", message="Taken out of the line.", step=folder.status.step)
        if self._supervisor.leave_line(folder, out):
            return
        with suppress(OSError):  # on a full disk the worker does not hear of it, and is ended by force
            if self._supervisor.tell(folder, Control(wish="stop")):
                return
        if (status := self._supervisor.status(folder)).state == "paused":
            message = f"Stopped at step {status.step:,}."
            self._supervisor.say(folder, Status(state="stopped", message=message, step=status.step))

    def rename(self, job: str, owner: str, title: str) -> None:
        """Call the run so, in at most `MAX_TITLE` characters.

        Raises:
            NotYours, LookupError
            Refused: the title is empty, or there is no run yet.
        """
        folder = self._own(job, owner)
        if not (title := " ".join(title.split())[:MAX_TITLE]):
            raise Refused("give it a name first")
        try:
            with self._door:
                folder.rename(title)
        except (OSError, ValueError) as error:
            raise Refused("the run cannot be given a name now: wait until it has begun") from error

    def delete(self, job: str, owner: str) -> None:
        """Remove the run and all of its files."""
        self._supervisor.remove(self._own(job, owner))

    def beat(self, job: str, owner: str) -> None:
        """The owner's page is still there; without this for a while the run is stopped."""
        self._supervisor.beat(self._own(job, owner))

    def load(self, data: bytes, owner: str) -> str:
        """Take in a run that was downloaded (`archive.pack`); returns its new id.

        Raises:
            Refused: it is not one, or there is no room for it.
        """
        name = new_id()
        draft = JobFolder(self.root / f".{name}")  # no id begins so: nobody finds it yet
        with self._unpacking:
            with self._door:
                self._room.check_disk(owner)
            try:
                archive.unpack(data, draft.path, self.limits)
                self._finish_loading(draft, owner)
                with self._door:
                    self._room.check_disk(owner)
                    draft.path.rename(self.root / name)
            finally:
                shutil.rmtree(draft.path, ignore_errors=True)
        return name

    def close(self) -> None:
        """Have the workers save and leave; for the end of the server."""
        self._supervisor.close()

    def _own(self, job: str, owner: str) -> JobFolder:
        folder = JobFolder.of(self.root, job)
        if not is_owner(folder, owner):
            raise NotYours("this run belongs to another visitor: you can watch it, but not steer it")
        return folder

    def _go_on(self, folder: JobFolder, owner: str, control: Control) -> None:
        status = self._supervisor.status(folder)
        if status.state == "done":
            raise Refused("this run has used up its budget: start a new one")
        self._room.check_run(folder)
        with self._door:
            if self._tell(folder, control) and status.state not in ENDED:
                return
            if not self._supervisor.place(folder):
                self._room.check_line(owner)
                self._supervisor.enqueue(folder)

    def _tell(self, folder: JobFolder, control: Control) -> bool:
        try:
            return self._supervisor.tell(folder, control)
        except OSError as error:
            raise Refused(f"the run cannot be steered now ({error.strerror}): try again, or stop it") from error

    def _plugin(self, order: Order) -> ModelPlugin:
        """What is to be trained; for fine-tuning, the model of the weights that it begins from."""
        from zoo.training import Run

        model = order.model
        try:
            if order.start and not model:
                model = Run.open(order.start).info.model if Path(order.start).is_dir() else order.start
            return self._registry().get(model)
        except (LookupError, ValueError) as error:
            raise Refused(str(error)) from error

    def _job(self, folder: JobFolder) -> Job:
        ticket, status, pid = folder.ticket, self._supervisor.status(folder), self._supervisor.pid(folder)
        return Job(
            id=folder.path.name,
            state=status.state,
            message=status.message,
            folder=folder.path,
            place=self._supervisor.place(folder),
            step=status.step,
            notes=ticket.notes,
            created=ticket.created,
            memory=forking.memory(pid),
            pid=pid,
            owner=ticket.owner,
        )

    def _create(self, job: JobFolder, ticket: Ticket, text: bytes | None) -> None:
        """Write what the worker needs; order.json last, for it makes the folder a job."""
        try:
            job.path.mkdir(parents=True)
            if text is not None:
                (job.path / "corpus.txt").write_bytes(text)
            job.write(Control())
            job.write(ticket)
        except OSError as error:
            shutil.rmtree(job.path, ignore_errors=True)
            raise Refused(f"the server cannot keep a run now ({error.strerror}): try again later") from error

    def _finish_loading(self, job: JobFolder, owner: str) -> None:
        """A loaded run gets its owner; its model must be one that is here."""
        from zoo.training import Run

        try:
            run = Run(job.path)
            archive.check_fit(run, self._registry().get(run.info.model), self.limits)
            job.write(Status(state="done", message="Loaded from a file.", step=run.steps()[-1]))
            job.write(Ticket(owner=digest(owner), created=time.time(), limits=self.limits))
        except Refused:
            raise
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise Refused(f"the run cannot be kept: {reason}") from error
