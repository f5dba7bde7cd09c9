"""Which models the app offers: the zoo's plugins, finished runs, and Hugging Face folders. No Streamlit.

Nothing is loaded here; a key is what `zoo.load` takes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

RUNS = "PLAYGROUND_RUNS"
"""Environment variable: the folder with run folders; ./runs where it is not set."""
MODELS = "PLAYGROUND_MODELS"
"""Environment variable: the folder with Hugging Face models; ./models where it is not set."""


@dataclass(frozen=True)
class Choice:
    """One model on offer."""

    key: str
    title: str
    trained: bool = True
    """False: there are no trained weights, so only the untrained model can be shown."""


def choices() -> list[Choice]:
    """Everything on offer, the shipped models first."""
    from zoo.pretrained.shipped import shipped_folder
    from zoo.registry import discover

    plugins = discover().plugins
    shipped = [
        Choice(each, plugin.spec.title, trained=shipped_folder(each) is not None) for each, plugin in plugins.items()
    ]
    shipped.sort(key=lambda choice: (not choice.trained, choice.key))
    return shipped + _folders(RUNS, "runs", "run.json", "run") + _folders(MODELS, "models", "config.json", "folder")


def _folders(variable: str, default: str, marker: str, kind: str) -> list[Choice]:
    root = Path(os.environ.get(variable, default))
    found = sorted(path.parent for path in root.glob(f"*/{marker}")) if root.is_dir() else []
    return [Choice(str(path), f"{path.name} ({kind})") for path in found if _has_weights(path)]


def _has_weights(folder: Path) -> bool:
    """Whether there is something to load: a run that has just begun has no checkpoint yet."""
    patterns = ("*.safetensors", "checkpoints/[0-9]*.safetensors")
    return any(next(folder.glob(pattern), None) is not None for pattern in patterns)
