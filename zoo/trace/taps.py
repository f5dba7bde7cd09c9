"""Level 0: what a trace sees of a module whose author wrote nothing.

Forward hooks give each submodule's output and keep track of the running path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from zoo.trace.record import Recorder, active


@contextmanager
def tapped(module: nn.Module, recorder: Recorder, names: Mapping[str, str] | None) -> Iterator[None]:
    """Hooks on `module` for the time of one trace, removed whatever happens."""
    rename = _renamer(names) if names is not None else lambda path: path
    handles = []
    try:
        for path, each in module.named_modules():
            if not path:
                continue
            handles.append(each.register_forward_pre_hook(_enter(recorder, path)))
            handles.append(each.register_forward_hook(_leave(recorder, rename(path))))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _renamer(names: Mapping[str, str]) -> Callable[[str], str | None]:
    """Path -> schema name by a table with `{i}` for numbers; None for a path that is not in it."""
    table = [(re.compile(re.escape(path).replace(r"\{i\}", r"(\d+)") + "$"), name) for path, name in names.items()]

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


def _leave(recorder: Recorder, name: str | None) -> Callable[..., Any]:
    def hook(module: nn.Module, args: Any, output: Any) -> Any:
        if active() is not recorder:
            return None
        recorder.path.pop()
        if name is None:
            return None
        if isinstance(output, Tensor):
            return recorder.tap(name, output)
        if isinstance(output, tuple) and output and isinstance(output[0], Tensor):
            return (recorder.tap(name, output[0]), *output[1:])
        return None

    return hook
