"""The worker process: trains the run of one folder, and does what the folder's control.json says between two steps.

Started by the supervisor through the fork server, with the folder's path and nothing else. Never imports
Streamlit. Importing this module costs no torch: the app's process needs the name `work` only.
"""

from __future__ import annotations

import ctypes
import fcntl
import multiprocessing
import os
import resource
import signal
import sys
import traceback
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from playground.jobs import failures
from playground.jobs.folder import JobFolder, Status
from playground.jobs.following import follow
from playground.jobs.limits import MIB, Limits, Refused

if TYPE_CHECKING:
    from zoo.launch import Launch

_PR_SET_PDEATHSIG = 1


def work(folder: str) -> None:
    """The process's whole life: train, and leave a status that says how it ended."""
    job = JobFolder(Path(folder))
    limits = job.ticket.limits
    settle(limits)
    with job.claimed():
        job.clean()
        try:
            status = _train(job, limits)
        except BaseException as error:
            status = _failed(job, error, limits)
        job.write(status)


def rehearse() -> None:
    """A process that does nothing: once it is over, the fork server is known to be warm."""


def settle(limits: Limits) -> None:
    """Be a modest process: low priority, one thread, first to go when memory runs short, and never an orphan."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then ends this process
    os.nice(10)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900")
    _end_with_the_server()
    import torch

    torch.set_num_threads(1)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, limits.run_disk)
    with suppress(OSError):  # outside Linux nobody says what the process has by now, so memory is not limited there
        has = int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
        _limit(resource.RLIMIT_DATA, has + limits.memory)


def _end_with_the_server() -> None:
    """Have the system end this process as soon as the server, or the fork server, is gone: whatever a plugin does.

    The sentinel is the end of a pipe whose other end only the server holds. Nothing is ever written to it any
    more, so the one signal (SIGIO, deadly by default) that it can raise is that of its being closed.
    """
    if (server := multiprocessing.parent_process()) is not None:
        fcntl.fcntl(server.sentinel, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(server.sentinel, fcntl.F_GETFL)
        fcntl.fcntl(server.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
        if not server.is_alive():  # it went before that was set up
            os._exit(1)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # of the fork server


def _limit(kind: int, most: int) -> None:
    with suppress(ValueError, OSError):  # a stricter limit is set already
        resource.setrlimit(kind, (most, most))


def _train(job: JobFolder, limits: Limits) -> Status:
    from zoo.training import train

    launch = _launch(job, limits)
    with closing(train(launch.run, launch.plugin, launch.corpus)) as events:  # closing it keeps the model as it is
        return follow(job, events, launch.run.info.recipe, limits)


def _launch(job: JobFolder, limits: Limits) -> Launch:
    """Start the run, or go on with what is there."""
    from zoo.launch import Order, launch, relaunch
    from zoo.registry import discover

    if (job.path / "run.json").exists():
        return relaunch(job.path, discover())
    order = Order.model_validate(job.ticket.order)
    begun = launch(order, job.path, discover(), max_parameters=limits.parameters)
    info = begun.run.info
    need = 4 * info.parameters * (info.recipe.checkpoints + 1 + 2 * 3)  # kept ones, the first, and `last` twice
    if need > limits.run_disk:
        raise Refused(
            f"its checkpoints would take {need // MIB:,} MB, and a run may have {limits.run_disk // MIB:,} MB here:"
            " keep fewer of them, or make the model smaller"
        )
    return begun


def _failed(job: JobFolder, error: BaseException, limits: Limits) -> Status:
    """One sentence for the page; the whole story for the author of a plugin, on the server's terminal."""
    ticket, step = job.ticket, job.kept_step()
    if not isinstance(error, Refused):
        traceback.print_exception(error)
    if failures.is_full(error):
        job.clean()  # makes room for the status
    message = failures.of_error(error, ticket.model, limits, step).replace(str(job.path), "the run's folder")
    start = str((ticket.order or {}).get("start") or "")
    if Path(start).is_absolute():  # another run on this server, and not a plugin's id
        message = message.replace(start, "the run that it starts from")
        message = message.replace(Path(start).name, "the run that it starts from") if Path(start).name else message
    return Status(state="failed", message=message, step=step or 0)
