"""A job's folder: the only channel between the app and a worker. Files are swapped in whole, never written in place.

order.json      what was asked for, and by whom (as a hash); written once, by the app
control.json    what the worker is to do; written by the app
status.json     how it goes; written by the worker, and by the supervisor once the worker is gone
corpus.txt      the user's own text, where there is one
lock            held by the worker as long as it lives

Beside them lie the files of the run itself (`zoo.training.run`). Used by `Jobs`, supervisor and worker.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from playground.jobs.limits import LIMITS, Limits
from playground.run_files import last_event, read_header

State = Literal["queued", "starting", "running", "paused", "done", "stopped", "failed"]
ACTIVE: tuple[State, ...] = ("queued", "starting", "running", "paused")
ENDED: tuple[State, ...] = ("done", "stopped", "failed")
_ID = re.compile(r"[A-Za-z0-9_-]{16}")
_CLAIM = 5.0
"""Seconds that a worker waits for its folder."""


class Ticket(BaseModel):
    """order.json."""

    owner: str
    """SHA-256 of the owner's token, in hexadecimal."""
    created: float
    order: dict[str, Any] | None = None
    """Fields of `zoo.launch.Order`; None for a run that was loaded from a file."""
    limits: Limits = LIMITS
    notes: tuple[str, ...] = ()
    """What of the order was cut to the limits."""

    @property
    def model(self) -> str:
        """What a sentence calls the model."""
        return str((self.order or {}).get("model") or "the model")


class Control(BaseModel):
    """control.json."""

    wish: Literal["play", "pause", "stop"] = "play"
    until: int = 0
    """Where the wish is to pause: go on to this step first."""
    leave: bool = False
    """Where the wish is to pause: save and let go of the process now."""
    why: str = ""
    """Where the wish is to stop: what the status then says."""


class Status(BaseModel):
    """status.json."""

    state: State = "queued"
    message: str = ""
    step: int = 0


Kind = TypeVar("Kind", bound=BaseModel)


def new_id() -> str:
    """An id that nobody can guess: 96 random bits, as they stand in an address."""
    return secrets.token_urlsafe(12)


@dataclass(frozen=True)
class JobFolder:
    """The paths of one job, and the reading and writing of its small files."""

    path: Path

    @classmethod
    def of(cls, root: Path, job: str) -> JobFolder:
        """The folder of an id.

        Raises:
            LookupError: there is no such job. What is no id never touches the disk.
        """
        path = root / job if _ID.fullmatch(job) else None
        if path is None or path.is_symlink() or not (path / "order.json").is_file():
            raise LookupError("there is no such run on this server: it was deleted, or the address is incomplete")
        return cls(path)

    @property
    def ticket(self) -> Ticket:
        """order.json; without an owner where it cannot be read, and so out of everybody's reach."""
        return self._read("order.json", Ticket) or Ticket(owner="", created=0.0)

    @property
    def control(self) -> Control:
        """What the worker is to do."""
        return self._read("control.json", Control) or Control()

    @property
    def status(self) -> Status:
        """How it goes."""
        return self._read("status.json", Status) or Status()

    def write(self, what: Ticket | Control | Status) -> None:
        """Swap in one of the three.

        Raises:
            OSError: it cannot be written; the old one stands.
        """
        name = {Ticket: "order.json", Control: "control.json", Status: "status.json"}[type(what)]
        self._swap(name, what.model_dump_json())

    def rename(self, title: str) -> None:
        """Swap in a run.json with this title.

        Raises:
            OSError: it cannot be written, or there is none; the old one stands.
            ValueError: the old one is damaged.
        """
        info = json.loads((self.path / "run.json").read_bytes())
        self._swap("run.json", json.dumps(info | {"title": title}, indent=2, ensure_ascii=False))

    def _swap(self, name: str, content: str) -> None:
        draft = self.path / f".{name}.{os.getpid()}"
        try:
            draft.write_text(content + "\n", encoding="utf-8")
            os.replace(draft, self.path / name)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def _read(self, name: str, kind: type[Kind]) -> Kind | None:
        try:
            return kind.model_validate_json((self.path / name).read_bytes())
        except (OSError, ValidationError):
            return None

    def kept_step(self) -> int | None:
        """The step that the run would go on from; None where nothing was saved yet."""
        last = read_header(self.path / "checkpoints" / "last.safetensors").get("__metadata__", {}).get("step", "")
        return int(last) if last.isdecimal() else None

    def last_step(self) -> int:
        """The step of the newest event; 0 where there is none."""
        event = last_event(self.path)
        return event["step"] if event else 0

    def touched(self) -> float:
        """When anything last happened to it, in seconds since 1970."""
        return max(_modified(self.path / name) for name in ("order.json", "control.json", "status.json")) / 1e9

    def size(self) -> int:
        """Bytes of all of its files."""
        return sum(size_of(each) for each in self.path.rglob("*"))

    def sign_of_life(self) -> tuple[int, ...]:
        """Changes whenever the worker has got something done."""
        names = ("events.jsonl", "status.json", "run.json", "tokenizer.json", "checkpoints")
        return tuple(_modified(self.path / name) for name in names)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder, so that no second worker writes into it; the system lets go when the process ends.

        Raises:
            BlockingIOError: another process holds it.
        """
        with (self.path / "lock").open("w") as file:
            deadline = time.monotonic() + _CLAIM
            while not _locked(file.fileno(), fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    raise BlockingIOError("another process is at work on this run")
                time.sleep(0.02)
            yield

    def is_claimed(self) -> bool:
        """Whether a living process holds the folder."""
        try:
            with (self.path / "lock").open("r") as file:
                return not _locked(file.fileno(), fcntl.LOCK_SH)
        except OSError:
            return False

    def clean(self) -> None:
        """Remove half-written files that a killed or stranded worker has left. For the worker that holds the folder."""
        for draft in [*self.path.rglob("*.tmp"), *self.path.glob(".status.json.*")]:
            draft.unlink(missing_ok=True)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where it has just gone, and for what is no file."""
    try:
        return path.lstat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
