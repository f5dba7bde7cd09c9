"""Looking inside a model: one vocabulary, one `Trace`, and the arithmetic that checks it.

A saved `Trace` can be read, explained and verified with NumPy alone; `record_trace` needs torch and is
loaded on first use. `record` and `verify` are imported from the modules of those names, or from `zoo`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.trace.schema import SCHEMA, Entry, entry
from zoo.trace.trace import Trace

if TYPE_CHECKING:
    from zoo.trace.record import record_trace

__all__ = ["SCHEMA", "Entry", "Trace", "entry", "record_trace"]

_HOME = {"record_trace": "zoo.trace.record"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'zoo.trace' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
