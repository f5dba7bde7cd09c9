"""Level 0: what a trace sees of a module whose author wrote nothing.

Forward hooks give each submodule's output and keep track of the running path. What torch runs in one
call is opened: fused attention by `zoo.trace.fused`, recurrent modules by `zoo.trace.replay`.
A tuple's first tensor has the module's path as its name, the others "path[1]", "path[2]", …
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

from torch import Tensor, nn

from zoo.trace.fused import FusedAttentionTap
from zoo.trace.record import Recorder, active
from zoo.trace.replay import RECURRENT, replayed

INPUT_MARKS = (":input", ":stream")
"""Endings of a path in a name table that mean the module's first input instead of its output.

"norm2:input" names what the module is given; an intervention replaces it for this module alone.
"norm2:stream" names a residual stream that is also added to later, past the module; an intervention
is written into the tensor itself, so that the sum sees it too.
"""


@contextmanager
def tapped(module: nn.Module, recorder: Recorder, names: Mapping[str, str] | None) -> Iterator[None]:
    """Hooks on `module` for the time of one trace, removed whatever happens."""
    rename = _renamer(tuple(names.items())) if names is not None else lambda path: path
    handles = []
    try:
        for path, each in module.named_modules():
            if not path:
                continue
            name = rename(path)
            inputs = [(mark, rename(path + mark)) for mark in INPUT_MARKS] if names is not None else []
            if name is None and _silent(each) and not any(taken for _, taken in inputs):
                continue
            handles.append(each.register_forward_pre_hook(_enter(recorder, path)))
            for mark, taken in inputs:
                if taken is not None:
                    handles.append(each.register_forward_pre_hook(_take(recorder, taken, in_place=mark == ":stream")))
            handles.append(each.register_forward_hook(_leave(recorder, path, name), with_kwargs=True, always_call=True))
        with FusedAttentionTap(recorder, rename):
            yield
    finally:
        for handle in handles:
            handle.remove()


def _silent(module: nn.Module) -> bool:
    """Whether nothing can be recorded while it runs: one of torch's own layers, with no parts and no hooks."""
    torch_owns = type(module).__module__.startswith("torch.nn.modules.")
    opened = isinstance(module, (*RECURRENT, nn.MultiheadAttention))
    hooked = module._forward_hooks or module._forward_pre_hooks
    return torch_owns and not opened and not hooked and not module._modules


@lru_cache(maxsize=64)
def _renamer(names: tuple[tuple[str, str], ...]) -> Callable[[str], str | None]:
    """Path -> schema name by a table with `{i}` for numbers; None for a path that is not in it."""
    table = [(re.compile(re.escape(path).replace(r"\{i\}", r"(\d+)") + "$"), name) for path, name in names]

    @cache
    def rename(path: str) -> str | None:
        for pattern, name in table:
            if match := pattern.match(path):
                return name.format(i=match[1]) if match.groups() else name
        return None

    return rename


def _enter(recorder: Recorder, path: str) -> Callable[..., None]:
    def hook(module: nn.Module, args: Any) -> None:
        if active() is recorder:
            recorder.path.append(path)

    return hook


def _take(recorder: Recorder, name: str, in_place: bool) -> Callable[..., Any]:
    def hook(module: nn.Module, args: Any) -> Any:
        if active() is not recorder or not args or not isinstance(args[0], Tensor):
            return None
        value = recorder.tap(name, args[0])
        return (args[0].copy_(value) if in_place and value is not args[0] else value, *args[1:])

    return hook


def _leave(recorder: Recorder, path: str, name: str | None) -> Callable[..., Any]:
    def hook(module: nn.Module, args: Any, *rest: Any) -> Any:
        if active() is not recorder:  # another thread's call, which may come without keywords while we register
            return None
        kwargs, output = rest
        if isinstance(module, RECURRENT) and output is not None:
            output = replayed(recorder, path, module, args, kwargs, output)
        if recorder.path and recorder.path[-1] == path:
            recorder.path.pop()
        return output if name is None else _tap(recorder, name, output)

    return hook


def _tap(recorder: Recorder, name: str, output: Any) -> Any:
    """The output to go on with: the same object, unless an intervention replaced a tensor in it."""
    if isinstance(output, Tensor):
        return recorder.tap(name, output)
    if not isinstance(output, tuple):
        return output
    parts = [
        recorder.tap(f"{name}[{i}]" if i else name, part) if isinstance(part, Tensor) else part
        for i, part in enumerate(output)
    ]
    if all(new is old for new, old in zip(parts, output, strict=True)):
        return output
    return type(output)._make(parts) if hasattr(output, "_make") else tuple(parts)
