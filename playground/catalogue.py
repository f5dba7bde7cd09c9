"""Which models the app offers: the zoo's plugins, runs, and Hugging Face folders. No Streamlit.

Nothing is loaded here. Runs that were started in the app lie in a folder of their own: only a session
that knows such a run's id is offered it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from playground.run_files import run_info

if TYPE_CHECKING:
    from zoo.plugin import ModelPlugin

RUNS = "PLAYGROUND_RUNS"
"""Environment variable: the folder with run folders; ./runs where it is not set."""
MODELS = "PLAYGROUND_MODELS"
"""Environment variable: the folder with Hugging Face models; ./models where it is not set."""

FIRST = "zoo/gpt"
"""The model that a first visitor meets."""

Kind = Literal["trained", "untrained", "shuffled"]


@dataclass(frozen=True)
class Weights:
    """Which weights of which model: what `zoo.load` takes, and what the caches know them by."""

    key: str
    kind: Kind = "trained"
    seed: int = 0
    """Of the untrained or shuffled weights."""
    stamp: int = 0
    """The choice's: it changes when the weights on disk do."""
    step: int | None = None
    """Which checkpoint of a run; None is the last."""


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

    @property
    def weights(self) -> Weights:
        """Its trained weights, or random ones where nobody has trained it."""
        return Weights(self.key, "trained" if self.trained else "untrained", 0, self.stamp)


def choices(plugins: Mapping[str, ModelPlugin]) -> list[Choice]:
    """Everything that every session is offered, the shipped models first; `plugins` are those of the registry."""
    from zoo.pretrained.shipped import RUNS as SHIPPED_RUNS
    from zoo.pretrained.shipped import shipped_folder

    built_in = [
        Choice(each, plugin.spec.title, trained=shipped_folder(each) is not None) for each, plugin in plugins.items()
    ]
    built_in.sort(key=lambda choice: (not choice.trained, choice.key != FIRST, choice.key))
    shipped_runs = [Choice(str(folder), title) for title, folder in SHIPPED_RUNS.items()]
    first = sum(choice.trained for choice in built_in)
    found = built_in[:first] + shipped_runs + built_in[first:]
    return distinct(
        found + _folders(RUNS, "runs", "run.json", "run") + _folders(MODELS, "models", "config.json", "folder")
    )


def app_runs() -> Path:
    """The folder of the runs that were started in the app; each has an id that cannot be guessed."""
    return Path(os.environ.get(RUNS, "runs")) / "app"


def app_choices(ids: Sequence[str]) -> list[Choice]:
    """The app's runs of these ids, as far as they are there and have weights."""
    found = [app_runs() / each for each in ids if each.replace("-", "").replace("_", "").isalnum()]
    stamps = {path: _newest_weights(path) for path in found if (path / "run.json").is_file()}
    return [Choice(str(path), _title(path), stamp=stamp) for path, stamp in stamps.items() if stamp]


def _title(run: Path) -> str:
    """What the user called the run, or its model."""
    info = run_info(run)
    return str(info.get("title") or info.get("model") or run.name)


def distinct(found: list[Choice]) -> list[Choice]:
    """Models that share a title get their folder's name beside it, or their id."""
    titles = Counter(choice.title for choice in found)
    return [replace(c, title=f"{c.title} ({_short(c.key)})") if titles[c.title] > 1 else c for c in found]


def _short(key: str) -> str:
    """What tells an app's run from another of its title; a server's folder is nobody's business."""
    path = Path(key)
    return path.name if path.parent == app_runs() else key


def _folders(variable: str, default: str, marker: str, kind: str) -> list[Choice]:
    root = Path(os.environ.get(variable, default))
    found = sorted(path.parent for path in root.glob(f"*/{marker}")) if root.is_dir() else []
    stamps = {path: _newest_weights(path) for path in found}
    return [Choice(str(path), f"{path.name} ({kind})", stamp=stamp) for path, stamp in stamps.items() if stamp]


def _newest_weights(folder: Path) -> int:
    """When the newest weights were written; 0 where there are none yet, as in a run that has just begun."""
    files = [*folder.glob("*.safetensors"), *folder.glob("checkpoints/[0-9]*.safetensors")]
    return max((file.stat().st_mtime_ns for file in files), default=0)


def checkpoints(key: str) -> list[int]:
    """The steps whose weights a model keeps, in order; empty where it is no run."""
    from zoo.pretrained.shipped import run_folder

    folder = run_folder(key)
    files = folder.glob("checkpoints/*.safetensors") if folder else ()
    return sorted(int(file.stem) for file in files if file.stem.isdigit())
