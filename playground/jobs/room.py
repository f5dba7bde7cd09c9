"""Whether there is room for one more run: in the line, among an owner's runs, on the disk. Used by `Jobs`."""

from __future__ import annotations

import hashlib
import hmac
import time
from contextlib import suppress
from pathlib import Path

from playground.jobs.folder import JobFolder, State
from playground.jobs.limits import MIB, Limits, Refused
from playground.jobs.supervisor import Supervisor

UNDER_WAY: tuple[State, ...] = ("queued", "starting", "running")


def digest(owner: str) -> str:
    """What is kept of an owner's token."""
    return hashlib.sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()


def is_owner(folder: JobFolder, owner: str) -> bool:
    """Whether this token is the owner's, in a time that does not tell how much of it is right."""
    return hmac.compare_digest(folder.ticket.owner, digest(owner))


class Room:
    """The runs under one root, counted."""

    def __init__(self, root: Path, limits: Limits, supervisor: Supervisor) -> None:
        self._root, self._limits, self._supervisor = root, limits, supervisor

    def of(self, owner: str) -> list[JobFolder]:
        """This owner's runs."""
        return [folder for folder in self._all() if is_owner(folder, owner)]

    def check_line(self, owner: str) -> None:
        """Raises `Refused` where the line is full, or the owner has enough under way."""
        limits = self._limits
        if self._supervisor.waiting() >= limits.queue:
            raise Refused(f"{limits.queue} runs wait in line, which is as long as it gets: try again in a few minutes")
        if sum(self._supervisor.status(folder).state in UNDER_WAY for folder in self.of(owner)) >= limits.unfinished:
            raise Refused(f"you have {limits.unfinished} runs under way or in line: stop one, or wait for it")

    def check_disk(self, owner: str) -> None:
        """Raises `Refused` where the owner keeps enough runs, or all of them together fill their share of the disk."""
        limits = self._limits
        if (kept := len(self.of(owner))) >= limits.kept:
            raise Refused(f"you keep {kept} runs, which is as many as there is room for: delete one")
        if self._used() > limits.disk:
            self._remove_the_forgotten()
        if self._used() > limits.disk:
            raise Refused(f"the server's {limits.disk // MIB:,} MB for runs are used up: delete a run, or try tomorrow")

    def check_run(self, folder: JobFolder) -> None:
        """Raises `Refused` where a run that is to go on has had its share: each stop keeps one more checkpoint."""
        if folder.last_step() >= self._limits.events:
            raise Refused(f"this run has taken the {self._limits.events:,} steps that it may: start a new one")
        if folder.size() > self._limits.run_disk:
            raise Refused(
                f"this run has filled the {self._limits.run_disk // MIB:,} MB that it may have: start a new one"
            )

    def _all(self) -> list[JobFolder]:
        found = []
        for path in self._root.glob("*/order.json"):
            with suppress(LookupError):
                found.append(JobFolder.of(self._root, path.parent.name))
        return found

    def _used(self) -> int:
        return sum(folder.size() for folder in self._all())

    def _remove_the_forgotten(self) -> None:
        """Away with ended runs that nobody has touched for long, the oldest first, until there is room."""
        resting = [each for each in self._all() if self._supervisor.status(each).state not in UNDER_WAY]
        for folder in sorted(resting, key=JobFolder.touched):
            if time.time() - folder.touched() > self._limits.left_alone and self._used() > self._limits.disk:
                self._supervisor.remove(folder)


def checked_text(text: str, limits: Limits) -> bytes:
    """A user's own text, as it is stored.

    Raises:
        Refused: it is empty, too long, or no text.
    """
    if len(text) > limits.characters:
        most = limits.characters
        raise Refused(f"the text has {len(text):,} characters; at most {most:,} are trained on here: shorten it")
    if not text.strip():
        raise Refused("the text is empty: paste or upload some, or choose the glass-box stories")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Refused(f"the text is not valid Unicode at character {error.start:,}: take that out") from error
