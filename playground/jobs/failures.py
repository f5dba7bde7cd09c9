"""What ended a training, in one sentence with the way out. Used by the worker and the supervisor. No torch."""

from __future__ import annotations

import errno
import re
import signal
import traceback

from playground.jobs.limits import MIB, Limits

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_OURS = ("zoo.launch", "zoo.training", "zoo.tasks", "zoo.data", "zoo.tokenizers", "zoo.registry", "playground.")
_LONGEST = 300
LOST = 255
"""What multiprocessing gives as the exit status where the fork server died, and nobody was left to tell it."""


def kept(step: int | None) -> str:
    """What is left of a run that ended before its time."""
    if step is None:
        return "nothing had been saved yet"
    return f"the last checkpoint, step {step:,}, is kept"


def of_error(error: BaseException, model: str, limits: Limits, step: int | None) -> str:
    """What was raised in the worker."""
    reason = _line(error)
    if is_full(error):
        return f"The disk is full, or this run's share of it: {kept(step)}. Make room, then press play to go on."
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        most = f"{limits.memory // MIB:,} MB"
        return (
            f"{model} asked for more memory than the {most} that a training may have here: {kept(step)}."
            " Choose a smaller batch, a shorter context or a smaller model."
        )
    if type(error).__name__ == "Diverged":
        return f"The training diverged: {reason}; {kept(step)}."
    if isinstance(error, ValueError | LookupError | OSError) and _is_ours(error):
        return f"{reason[:1].upper()}{reason[1:]}; {kept(step)}."
    if isinstance(error, SystemExit | KeyboardInterrupt):
        return f"{model} ended the training itself ({type(error).__name__}); {kept(step)}."
    return f"{model} raised {type(error).__name__}: {reason}; {kept(step)}."


def of_exit(code: int | None, model: str, step: int | None) -> str:
    """What became of a worker that left no word."""
    if code == -signal.SIGKILL:
        return (
            f"The system ended the training, most likely for lack of memory: {kept(step)}."
            " Choose a smaller model, batch or context, or press play to go on."
        )
    if code is not None and code < 0:
        return f"The training crashed ({_signal(-code)}) in native code that {model} called; {kept(step)}."
    if code == LOST:
        return f"The process that starts trainings ended, and this one with it; {kept(step)}. Press play to go on."
    return f"{model} ended its process (status {code}) in the middle of the training; {kept(step)}."


def of_hang(model: str, seconds: float, step: int | None) -> str:
    """A worker that got nothing done."""
    return f"{model} got no step done in {seconds:g} seconds, so the training was ended; {kept(step)}."


def of_force(model: str, step: int | None) -> str:
    """A worker that would not stop."""
    return f"{model} did not stop between two steps, so the training was ended; {kept(step)}."


def interrupted(step: int | None) -> str:
    """A run whose server is gone."""
    where = f"from step {step:,}" if step else "from the beginning"
    return f"Interrupted, for the server was started anew: press play to go on {where}."


def is_full(error: BaseException | None) -> bool:
    """Whether a write failed for want of room; safetensors says so in words only."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if any(f"os error {each}" in str(error) for each in _FULL):
            return True
        error = error.__cause__
    return False


def _is_ours(error: BaseException) -> bool:
    """Whether it was raised by our own code, whose messages are sentences for the reader, and not by a plugin."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and str(frames[-1].f_globals.get("__name__", "")).startswith(_OURS)


def _line(error: BaseException) -> str:
    """The first line of its message, without a full stop."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    lines = text.strip().splitlines()
    line = re.sub(r"[\x00-\x1f\x7f]+", " ", lines[0]).strip() if lines else "no reason given"
    return (line if len(line) <= _LONGEST else line[:_LONGEST] + "…").rstrip(".")


def _signal(number: int) -> str:
    names = {signal.SIGSEGV: "segmentation fault", signal.SIGABRT: "abort", signal.SIGBUS: "bus error"}
    try:
        return names.get(signal.Signals(number)) or signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
