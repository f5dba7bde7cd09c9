"""The model zoo: models, tokenizers, training and traces. Knows nothing of the app.

The public names are loaded on first use, so `import zoo` costs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.inference import LoadedModel, load
    from zoo.plugin import API_VERSION, Anatomy, ModelPlugin, ModelSpec
    from zoo.registry import Broken, Registry
    from zoo.trace import Trace
    from zoo.trace.record import record
    from zoo.trace.verify import verify

_HOME = {
    "API_VERSION": "zoo.plugin",
    "Anatomy": "zoo.plugin",
    "Broken": "zoo.registry",
    "LoadedModel": "zoo.inference",
    "ModelPlugin": "zoo.plugin",
    "ModelSpec": "zoo.plugin",
    "Registry": "zoo.registry",
    "Trace": "zoo.trace",
    "load": "zoo.inference",
    "record": "zoo.trace.record",
    "verify": "zoo.trace.verify",
}

__all__ = [
    "API_VERSION",
    "Anatomy",
    "Broken",
    "LoadedModel",
    "ModelPlugin",
    "ModelSpec",
    "Registry",
    "Trace",
    "load",
    "record",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
