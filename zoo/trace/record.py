"""Recording a forward pass: what models call (`record`) and what callers call (`record_trace`).

Rules, each held by a test:
1. A hook acts only for the trace that installed it (a ContextVar): cached models are shared by threads.
2. A value is copied when it is recorded: a later in-place change must not rewrite history. The output
   alone (`OUTPUT`) is kept as the model returned it.
3. There is a budget in bytes; what did not fit is named in `Recording.dropped`.
4. The same name twice in one pass becomes call 0, 1, 2, …
5. Tracing runs in eval mode without gradients and restores everything, also when the model raises.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

BUDGET = 64 * 2**20
"""Bytes of recorded values that one trace may hold, unless told otherwise."""

OUTPUT = "logits"
"""The step that is what the model returns: the one value that is not copied, often larger than all others."""

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


@dataclass(eq=False)
class _Kept:
    """One value that went into the recording (or would have: `copy` is None where the budget ended)."""

    name: str
    copy: Tensor | None
    size: int
    tap: bool


class Recorder:
    """Collects the values of one forward pass, and applies interventions where they are named.

    With `dedupe` (level 0, where every submodule is tapped) a value that an author records by name
    replaces the tap of the same memory, and a tap of memory already recorded adds nothing. Of a tap
    and a recorded value of one name, the recorded one stays.
    """

    def __init__(self, edits: Mapping[str, Edit], budget: int, dedupe: bool) -> None:
        self.edits, self.budget, self.dedupe = edits, budget, dedupe
        self.path: list[str] = []
        self.recording = Recording(output=torch.empty(0))
        self._used = 0
        self._kept: dict[_Key, _Kept] = {}
        self._taps: dict[str, list[_Kept]] = {}
        self._named: set[str] = set()
        self._results: dict[_Key, str] = {}  # what an edit gave -> the step that it was named by
        self._alive: list[Tensor] = []  # holds the originals, so that no address is used twice

    def record(self, name: str, value: Tensor, at: str | None = None) -> Tensor:
        """Keep a copy under `at`.name (by default the running module's path) after any intervention."""
        prefix = at if at is not None else (self.path[-1] if self.path else "")
        return self._put(f"{prefix}.{name}" if prefix else name, value, tap=False)

    def tap(self, name: str, value: Tensor) -> Tensor:
        """Keep a module's output, unless the author has recorded the same value by name."""
        return self._put(name, value, tap=True)

    def _put(self, name: str, value: Tensor, tap: bool) -> Tensor:
        value = self._edit(name, value)
        if not self.dedupe:
            self._keep(name, value, tap)
        elif not tap or (name not in self._named and _key(value) not in self._kept):
            self._keep_once(name, value, tap)
        return value

    def _edit(self, name: str, value: Tensor) -> Tensor:
        """The value to go on with. The edit works on a copy: the original may be a view of a weight."""
        edit = self.edits.get(name)
        if edit is None or self._results.get(_key(value)) == name:
            return value
        result = edit(value.clone())
        if result.shape != value.shape:
            raise ValueError(f"the edit of {name} gave shape {tuple(result.shape)} instead of {tuple(value.shape)}")
        self.recording.edited.add(name)
        self._alive.append(result)
        self._results[_key(result)] = name
        return result

    def _keep(self, name: str, value: Tensor, tap: bool) -> _Kept:
        size = value.numel() * value.element_size()
        dropped = self.recording.dropped
        if name in dropped or self._used + size > self.budget:  # once out, always out: calls keep their numbers
            dropped[name] = dropped.get(name, 0) + size
            return _Kept(name, None, size, tap)
        self._used += size
        copy = value.detach() if name == OUTPUT else value.detach().clone()
        self.recording.steps.setdefault(name, []).append(copy)
        return _Kept(name, copy, size, tap)

    def _keep_once(self, name: str, value: Tensor, tap: bool) -> None:
        key = _key(value)
        if not tap:
            self._named.add(name)
            before = self._kept.get(key)
            for each in self._taps.pop(name, []):
                self._forget(each)
            if before is not None and before.tap and before.name != name:
                self._taps[before.name].remove(before)
                self._forget(before)
                if before.name in self.recording.edited:
                    self.recording.edited.add(name)
        kept = self._keep(name, value, tap)
        if tap:
            self._taps.setdefault(name, []).append(kept)
        self._kept[key] = kept
        self._alive.append(value)

    def _forget(self, kept: _Kept) -> None:
        steps, dropped = self.recording.steps, self.recording.dropped
        if kept.copy is None:
            dropped[kept.name] -= kept.size
            if not dropped[kept.name]:
                del dropped[kept.name]
            return
        self._used -= kept.size
        steps[kept.name] = [each for each in steps[kept.name] if each is not kept.copy]
        if not steps[kept.name]:
            del steps[kept.name]


_Key = tuple[int, int, torch.dtype, int]


def _key(value: Tensor) -> _Key:
    """Two tensors of one key hold the same numbers: memory, size, and no change in place between them."""
    if not value.numel() or value.is_inference():  # no memory, or no count of changes: like nothing else
        return id(value), -1, value.dtype, 0
    return value.data_ptr(), value.numel(), value.dtype, value._version


_eval_lock = threading.Lock()
_evals: dict[int, tuple[int, list[nn.Module]]] = {}  # id of a module in use -> how many traces, who was training


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode for the time of a trace; the last trace of a shared module gives each part its own mode back."""
    with _eval_lock:
        traces, training = _evals.get(id(module), (0, []))
        if not traces:
            training = [each for each in module.modules() if each.training]
            if training:
                module.eval()
        _evals[id(module)] = (traces + 1, training)
    try:
        yield
    finally:
        with _eval_lock:
            traces, training = _evals.pop(id(module))
            if traces > 1:
                _evals[id(module)] = (traces - 1, training)
            else:
                for each in training:
                    each.training = True


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
    with every hook and mode restored. A compiled module is traced as it was before it was compiled.

    Raises:
        ValueError: the module does not return logits, or an edit changed a value's shape.
    """
    from zoo.trace.taps import tapped

    module = getattr(module, "_orig_mod", module)
    recorder = Recorder(edits or {}, budget, dedupe=names is None)
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(_evaluating(module))
        stack.enter_context(tapped(module, recorder, names))
        token = _active.set(recorder)
        stack.callback(_active.reset, token)
        output = module(ids)
    recorder.recording.output = logits_of(output)
    return recorder.recording


def logits_of(output: object) -> Tensor:
    """The logits in what a module returned: a tensor, an attribute `logits`, or the first of a tuple."""
    first = output[0] if isinstance(output, tuple) and output else output
    logits = getattr(output, "logits", first)
    if not isinstance(logits, Tensor):
        raise ValueError(f"the model returned {type(output).__name__}; it must return logits (batch, time, vocab)")
    return logits


def active() -> Recorder | None:
    """The recorder of this thread's running trace, for hooks and attention functions."""
    return _active.get()
