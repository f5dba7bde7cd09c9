"""Asking a tokenizer of somebody else in a process that can be ended: it may take forever, or all memory.

The page asks here whatever it asks of a tokenizer from a file or from the Hub. A process is kept for the next
question to the same tokenizer, and ends by itself when there is none for a while, or when this server is gone.
What it does is in `playground.guarded_worker`. It is started as a program of its own, since a fork of this
process, or of the one that trains, would bring torch along. No Streamlit here.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from signal import SIGABRT, SIGKILL, SIGSEGV
from typing import Any

from pydantic import ValidationError

import playground
from playground import guarded_worker
from playground.guarded_worker import LARGEST, MEMORY, answer_type, read_frame, write_frame

LOAD, ANSWER = 20.0, 5.0
"""Seconds that a tokenizer may take to load, and for one answer."""
WAIT = 20.0
"""Seconds that a question waits while other tokenizers are being asked."""
AT_ONCE = 2
"""Processes at a time."""
_HOME = str(Path(playground.__file__).resolve().parents[1])


class Busy(ValueError):
    """It was not asked, because others are: the same question may be answered in a moment."""


@dataclass(frozen=True)
class Loaded:
    """What the process says of a tokenizer that it could load."""

    kind: str
    """The library's type of model, such as "BPE"."""
    size: int
    """Entries of the vocabulary, added tokens included."""


def load_guarded(content: bytes) -> Loaded:
    """Load a strange `tokenizer.json` in a process of its own, which then waits for questions.

    Raises:
        ValueError: it is not sound, took too long or too much; one or two sentences for the reader.
    """
    with _POOL.process(content) as process:
        return process.loaded


def ask_guarded(content: bytes, question: str, arguments: Mapping[str, Any], largest: int = LARGEST) -> Any:
    """What the function `question`, "module:name" in `zoo.tokenizers`, answers of a strange tokenizer.

    Arguments and answer travel as JSON; the answer comes back as what the function says that it returns.
    `largest`: bytes of that JSON; names in a vocabulary may be of any length, and the page would have to hold them.

    Raises:
        ValueError: the tokenizer cannot answer, took too long or too much; one or two sentences for the reader.
        LookupError: there is no such question.
    """
    answers = answer_type(question)
    message = json.dumps({"question": question, "arguments": dict(arguments), "largest": largest}).encode()
    with _POOL.process(content) as process:
        answer = process.ask(message)
    try:
        return answers.validate_json(answer)
    except ValidationError as error:  # a score that is no number, for one, which JSON cannot write
        raise ValueError("This tokenizer's answer is not sound: choose another one.") from error


class _Gone(Exception):
    """The process ended without an answer."""


@dataclass(eq=False)
class _Process:
    """One worker and the tokenizer that it holds. One question at a time."""

    content: bytes
    popen: subprocess.Popen[bytes] = field(init=False)
    loaded: Loaded = field(init=False)
    _answers: SimpleQueue[bytes | None] = field(init=False)

    def start(self) -> None:
        """Start it, and have it load.

        Raises:
            ValueError: it could not.
        """
        path = os.pathsep.join(filter(None, (_HOME, os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": path, **guarded_worker.ENVIRONMENT}
        try:
            self.popen = subprocess.Popen(
                [sys.executable, "-P", "-m", guarded_worker.__name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError as error:
            raise ValueError(f"No process could be started for this tokenizer: {error}.") from error
        self._answers = SimpleQueue()
        listening = (self.popen, self._answers)
        threading.Thread(target=_listen, args=listening, name="answers of a tokenizer", daemon=True).start()
        try:
            self.loaded = Loaded(**json.loads(self._said(self.content, LOAD, "to load")))
        except _Gone:
            raise ValueError(self._why()) from None

    def ask(self, message: bytes) -> bytes:
        """The answer, as JSON.

        Raises:
            ValueError: there is none.
        """
        try:
            return self._said(message, ANSWER, "over this text")
        except _Gone:
            why = self._why()
        if self.popen.returncode not in (0, -SIGKILL):
            raise ValueError(why)
        self.start()  # it left, or somebody else ended it, perhaps before it was asked
        try:
            return self._said(message, ANSWER, "over this text")
        except _Gone:
            raise ValueError(self._why()) from None

    def _said(self, message: bytes, limit: float, over: str) -> bytes:
        try:
            assert self.popen.stdin is not None
            write_frame(self.popen.stdin, message)
            said = self._answers.get(timeout=limit)
        except OSError:
            raise _Gone from None
        except Empty:
            self.end()
            raise ValueError(
                f"This tokenizer took longer than {limit:g} seconds {over}, and was stopped: "
                f"{'shorten the text, or ' if limit == ANSWER else ''}choose another one."
            ) from None
        if said is None:
            raise _Gone
        if said[:1] == guarded_worker.FAILED:
            raise ValueError(said[1:].decode())
        if said[:1] == guarded_worker.BROKEN:
            print(said[1:].decode(), file=sys.stderr)
            raise ValueError("This tokenizer could not be asked this: choose another one.")
        return said[1:]

    def _why(self) -> str:
        self.end()
        if -self.popen.returncode in (SIGABRT, SIGKILL, SIGSEGV):
            return (
                f"This tokenizer needed more than the {MEMORY / 2**30:g} GB of memory that it may have, "
                "and was stopped: shorten the text, or choose another one."
            )
        return f"The process of this tokenizer ended ({self.popen.returncode}) without an answer: choose another one."

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self.popen.poll() is None

    def end(self) -> None:
        """Kill it, if it is still there, and wait for its end."""
        if not hasattr(self, "popen"):
            return
        self.popen.kill()
        self.popen.wait()
        with suppress(OSError):
            assert self.popen.stdin is not None
            self.popen.stdin.close()


def _listen(popen: subprocess.Popen[bytes], answers: SimpleQueue[bytes | None]) -> None:
    """The thread of one process's answers; its last is None."""
    assert popen.stdout is not None
    with suppress(OSError, EOFError), popen.stdout:
        while True:
            answers.put(read_frame(popen.stdout))
    popen.wait()
    answers.put(None)


class _Pool:
    """The processes of this server, by their tokenizer. May be used from any thread."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._idle: dict[str, _Process] = {}
        """The one that was asked longest ago comes first."""
        self._busy: set[str] = set()

    @contextmanager
    def process(self, content: bytes) -> Iterator[_Process]:
        """The loaded process of this tokenizer, for one question.

        Raises:
            ValueError: it cannot be loaded, or others are being asked for too long.
        """
        name = hashlib.sha256(content).hexdigest()
        process = self._take(name) or _Process(content)
        try:
            if not hasattr(process, "popen"):
                process.start()
            yield process
        finally:
            self._give_back(name, process)

    def _take(self, name: str) -> _Process | None:
        """Its process, or None and the right to start one."""
        with self._free:
            if not self._free.wait_for(lambda: name not in self._busy and len(self._busy) < AT_ONCE, WAIT):
                raise Busy("Other tokenizers are being asked just now: try again in a moment.")
            self._busy.add(name)
            found = self._idle.pop(name, None)
            for each, process in list(self._idle.items()):
                if not process.alive or len(self._idle) + len(self._busy) > AT_ONCE:
                    del self._idle[each]
                    process.end()
            if found is not None and not found.alive:  # nobody had asked it for a while
                found.end()
                found = None
            return found

    def _give_back(self, name: str, process: _Process) -> None:
        with self._free:
            self._busy.discard(name)
            if hasattr(process, "loaded") and process.alive:
                self._idle[name] = process
            else:
                process.end()
            self._free.notify_all()

    def close(self) -> None:
        """End all that wait."""
        with self._free:
            for process in self._idle.values():
                process.end()
            self._idle.clear()


_POOL = _Pool()
atexit.register(_POOL.close)
