"""Which of the models on offer were trained for a task on a text of ours: read from their runs, nothing is loaded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from playground import engine
from playground.catalogue import Weights, checkpoints
from playground.run_files import last_event, run_info, text_of
from playground.text import count, escaped, plural

if TYPE_CHECKING:
    from zoo.training import Event


@dataclass(frozen=True)
class Trained:
    """A model with trained weights."""

    title: str
    """No two are the same."""
    plugin: str
    task: str
    weights: Weights


def trained(tasks: Collection[str], known: Callable[[Mapping[str, str]], object]) -> list[Trained]:
    """The models on offer that were trained for one of these tasks on a corpus that is `known`, shipped ones first."""
    from zoo.pretrained.shipped import run_folder

    plugins, found = engine.registry().plugins, []
    for choice in engine.choices():
        folder = run_folder(choice.key) if choice.trained else None
        if folder is None:
            continue
        info = run_info(folder)
        plugin = plugins.get(info.get("model", ""))
        if plugin is None or plugin.spec.task not in tasks or text_of(info, known) is None:
            continue
        name = plugin.spec.title
        title = choice.title if choice.title.startswith(name) else f"{name}: {choice.title}"
        found.append(Trained(title, plugin.spec.id, plugin.spec.task, choice.weights))
    return found


def learned(models: Sequence[Trained]) -> str:
    """Size and training of each, from its run, so that a difference is not laid at one cause's door alone."""
    from zoo.pretrained.shipped import run_folder

    said = []
    for each in models:
        folder = run_folder(each.weights.key)
        info, event = (run_info(folder), _event(folder)) if folder else ({}, None)
        parts = [plural(info["parameters"], "parameter")] if isinstance(info.get("parameters"), int) else []
        if event is not None and "tokens" in event and "elapsed" in event:
            parts.append(f"{plural(event['tokens'], 'token')} read in {count(round(event['elapsed']))} s")
        said.append(f"{escaped(each.title)}: {', '.join(parts) or 'not known'}")
    return f"Size and training, which may matter as well as the kind of model. {'; '.join(said)}."


def _event(folder: Path) -> Event | None:
    """The newest event up to the weights that are shown: a run may have gone on since."""
    return last_event(folder, "tokens", until=max(checkpoints(str(folder)), default=float("inf")))


def one_each(found: list[Trained], most: int) -> list[Trained]:
    """The first of each plugin."""
    firsts = {each.plugin: each for each in reversed(found)}
    return [each for each in found if firsts[each.plugin] is each][:most]
