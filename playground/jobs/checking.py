"""The conformance kit in a process of its own: a check that never comes back costs its own process, not the server.

Used by the page Model zoo. No torch in this process, and no Streamlit.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from playground.jobs import forking, worker
from playground.jobs.limits import LIMITS

PATIENCE = 60.0
"""Seconds that one check may take; the kit's own take a few seconds, all together."""


class Found(NamedTuple):
    """What one check found: the fields of `zoo.testing.CheckResult`."""

    name: str
    ok: bool | None
    message: str


def check(model: str, folders: list[Path], names: list[str], patience: float = PATIENCE) -> list[Found]:
    """The report of one plugin: a result for each of `names`, which are the checks of the kit in their order.

    Args:
        model: a plugin's id.
        folders: where plugin files lie, beside those that are built in or installed.
        names: `list(zoo.testing.CHECKS)`.
        patience: seconds without a result after which the process is ended.

    Raises:
        OSError, EOFError: no process could be started.
    """
    ours, theirs = multiprocessing.Pipe(duplex=False)
    with ours:
        process = forking.forked(_run, theirs, model, [str(folder.resolve()) for folder in folders])
        theirs.close()
        try:
            found = list(_received(ours, model, names, patience))
        finally:
            process.kill()
            process.join()
            process.close()
    return found


def _received(pipe: Connection, model: str, names: list[str], patience: float) -> Iterator[Found]:
    """Results as they come; where no more come, the reason, and what was not run."""
    for place, name in enumerate(names):
        try:
            result = Found(*pipe.recv()) if pipe.poll(patience) else None
            reason = _hung(model, patience)
        except (EOFError, OSError):
            result, reason = None, "its process ended without an answer: out of memory, or ended by the plugin itself"
        if result is None:
            yield Found(name, False, reason)
            yield from (Found(each, None, "not run: the check before it did not end") for each in names[place + 1 :])
            return
        yield result


def _hung(model: str, patience: float) -> str:
    return (
        f"no answer within {patience:g} seconds, so it was stopped; look for a loop without an end, or wait for it"
        f" with python -m zoo check {model}"
    )


def _run(pipe: Connection, model: str, folders: list[str]) -> None:
    """In the process: every check, each result sent at once."""
    worker.settle(LIMITS)
    from zoo.registry import discover
    from zoo.testing import each_check

    with suppress(BrokenPipeError):
        for each in each_check(discover(map(Path, folders)).get(model)):
            pipe.send((each.name, each.ok, each.message))
    pipe.close()
