"""Which models the app offers: the zoo's plugins, finished runs, and Hugging Face folders. No Streamlit.

Nothing is loaded here.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

RUNS = "PLAYGROUND_RUNS"
"""Environment variable: the folder with run folders; ./runs where it is not set."""
MODELS = "PLAYGROUND_MODELS"
"""Environment variable: the folder with Hugging Face models; ./models where it is not set."""


@dataclass(frozen=True)
class Choice:
    """One model on offer."""

    key: str
    """What `zoo.load` takes."""
    title: str
    """What the user sees, and what stands in the URL: no two are the same."""
    trained: bool = True
    """False: there are no trained weights, so only the untrained model can be shown."""
    stamp: int = 0
    """Changes when a folder's newest weights do: a run that goes on training is loaded anew."""


def choices() -> list[Choice]:
    """Everything on offer, the shipped models first."""
    from zoo.pretrained.shipped import shipped_folder
    from zoo.registry import discover

    plugins = discover().plugins
    shipped = [
        Choice(each, plugin.spec.title, trained=shipped_folder(each) is not None) for each, plugin in plugins.items()
    ]
    shipped.sort(key=lambda choice: (not choice.trained, choice.key))
    folders = _folders(RUNS, "runs", "run.json", "run") + _folders(MODELS, "models", "config.json", "folder")
    return _distinct(shipped + folders)


def _distinct(found: list[Choice]) -> list[Choice]:
    """Models that share a title get their key beside it."""
    titles = Counter(choice.title for choice in found)
    return [replace(c, title=f"{c.title} ({c.key})") if titles[c.title] > 1 else c for c in found]


def _folders(variable: str, default: str, marker: str, kind: str) -> list[Choice]:
    root = Path(os.environ.get(variable, default))
    found = sorted(path.parent for path in root.glob(f"*/{marker}")) if root.is_dir() else []
    stamps = {path: _newest_weights(path) for path in found}
    return [Choice(str(path), f"{path.name} ({kind})", stamp=stamp) for path, stamp in stamps.items() if stamp]


def _newest_weights(folder: Path) -> int:
    """When the newest weights were written; 0 where there are none yet, as in a run that has just begun."""
    files = [*folder.glob("*.safetensors"), *folder.glob("checkpoints/[0-9]*.safetensors")]
    return max((file.stat().st_mtime_ns for file in files), default=0)
