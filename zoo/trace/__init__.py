"""Looking inside a model: one vocabulary, one `Trace`, and the arithmetic that checks it.

`record` and `record_trace` need torch and are loaded on first use; a saved `Trace` can be read,
explained and verified with NumPy alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.trace.schema import SCHEMA, Entry, entry
from zoo.trace.trace import Trace

if TYPE_CHECKING:
    from zoo.trace.record import record, record_trace
    from zoo.trace.verify import verify

__all__ = ["SCHEMA", "Entry", "Trace", "entry", "record", "record_trace", "verify"]

_HOME = {"record": "zoo.trace.record", "record_trace": "zoo.trace.record", "verify": "zoo.trace.verify"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'zoo.trace' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
