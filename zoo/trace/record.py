"""Recording a forward pass: what models call (`record`) and what callers call (`record_trace`).

Rules, each held by a test:
1. A hook acts only for the trace that installed it (a ContextVar): cached models are shared by threads.
2. A value is copied when it is recorded: a later in-place change must not rewrite history.
3. There is a budget in bytes; what did not fit is named in `Recording.dropped`.
4. The same name twice in one pass becomes call 0, 1, 2, …
5. Tracing runs in eval mode without gradients and restores everything, also when the model raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

BUDGET = 64 * 2**20
"""Bytes of recorded values that one trace may hold, unless told otherwise."""

Edit = Callable[[Tensor], Tensor]
"""An intervention: takes the value that the model computed, gives the one that it goes on with."""

_active: ContextVar[Recorder | None] = ContextVar("active_recorder", default=None)


def record(name: str, value: Tensor) -> Tensor:
    """Name a value inside a model's forward, and return it: `scores = record("scores", q @ k.mT)`.

    The name is prefixed with the path of the module that runs. Does nothing unless this thread is
    tracing. The value that comes back is the one to go on with: an intervention may have replaced it.
    """
    recorder = _active.get()
    return value if recorder is None else recorder.record(name, value)


@dataclass
class Recording:
    """What one traced forward pass left behind: copies, in the order in which they were made."""

    output: Tensor
    """What the module returned: logits (batch, time, vocab) for a language model."""
    steps: dict[str, list[Tensor]] = field(default_factory=dict)
    """Schema or native name -> one tensor a call."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Name -> bytes that the budget had no room for."""
    edited: set[str] = field(default_factory=set)
    """Names of the values that an intervention replaced."""


class Recorder:
    """Collects the values of one forward pass, and applies interventions where they are named."""

    def __init__(self, edits: Mapping[str, Edit], budget: int, dedupe: bool) -> None:
        self.edits, self.budget, self.dedupe = edits, budget, dedupe
        self.path: list[str] = []
        self.recording = Recording(output=torch.empty(0))
        self._used = 0
        self._storages: dict[tuple[int, int, int], str] = {}  # (address, size, version) -> step name
        self._taps: set[str] = set()
        self._alive: list[Tensor] = []  # holds the originals, so that no address is used twice

    def record(self, name: str, value: Tensor, at: str | None = None) -> Tensor:
        """Keep a copy under `at`.name (by default the running module's path) after any intervention."""
        prefix = at if at is not None else (self.path[-1] if self.path else "")
        return self._put(f"{prefix}.{name}" if prefix else name, value, tap=False)

    def tap(self, name: str, value: Tensor) -> Tensor:
        """Keep a module's output, unless the author has recorded the same value by name."""
        return self._put(name, value, tap=True)

    def _put(self, name: str, value: Tensor, tap: bool) -> Tensor:
        if (edit := self.edits.get(name)) is not None:
            value = edit(value)
            self.recording.edited.add(name)
        if not (self.dedupe and self._seen(name, value, tap)):
            self._keep(name, value)
        return value

    def _keep(self, name: str, value: Tensor) -> None:
        size = value.numel() * value.element_size()
        if self._used + size > self.budget:
            self.recording.dropped[name] = self.recording.dropped.get(name, 0) + size
            return
        self._used += size
        self.recording.steps.setdefault(name, []).append(value.detach().clone())

    def _seen(self, name: str, value: Tensor, tap: bool) -> bool:
        """Whether a tap repeats a recorded value; a recorded value replaces the tap that it repeats."""
        key = (value.data_ptr(), value.numel(), value._version)
        before = self._storages.get(key)
        if before is not None and tap:
            return True
        if before is not None and before in self._taps:
            copy = self.recording.steps.get(before, [])
            if copy:
                self._used -= copy[-1].numel() * copy[-1].element_size()
                copy.pop()
            if not copy:
                self.recording.steps.pop(before, None)
        self._storages[key] = name
        self._alive.append(value)
        if tap:
            self._taps.add(name)
        return False


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode for the time of a trace; each submodule gets its own mode back."""
    before = [(each, each.training) for each in module.modules() if each.training]
    module.eval()
    try:
        yield
    finally:
        for each, mode in before:
            each.training = mode


def record_trace(
    module: nn.Module,
    ids: Tensor,
    *,
    names: Mapping[str, str] | None = None,
    edits: Mapping[str, Edit] | None = None,
    budget: int = BUDGET,
) -> Recording:
    """Run `module` on ids (1, time) and keep what it records.

    `names` maps native module paths to schema names (see `ModelPlugin.names`); None taps every
    submodule. `edits` maps schema names to interventions. Whatever the model raises is raised,
    with every hook and mode restored.
    """
    from zoo.trace.taps import tapped

    recorder = Recorder(edits or {}, budget, dedupe=names is None)
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(_evaluating(module))
        stack.enter_context(tapped(module, recorder, names))
        token = _active.set(recorder)
        stack.callback(_active.reset, token)
        output = module(ids)
    recorder.recording.output = output if isinstance(output, Tensor) else output.logits
    return recorder.recording


def active() -> Recorder | None:
    """The recorder of this thread's running trace, for hooks and attention functions."""
    return _active.get()
