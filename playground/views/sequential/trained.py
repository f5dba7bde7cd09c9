"""Which of the models on offer were trained for a task on a text of ours: read from their runs, nothing is loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from playground import engine
from playground.catalogue import Weights


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
    from zoo.registry import discover

    plugins, found = discover().plugins, []
    for choice in engine.choices():
        folder = run_folder(choice.key) if choice.trained else None
        if folder is None:
            continue
        info = json.loads((folder / "run.json").read_bytes())
        plugin = plugins.get(info["model"])
        if plugin is None or plugin.spec.task not in tasks or known(info["corpus"]) is None:
            continue
        name = plugin.spec.title
        title = choice.title if choice.title.startswith(name) else f"{name}: {choice.title}"
        found.append(Trained(title, plugin.spec.id, plugin.spec.task, Weights(choice.key, stamp=choice.stamp)))
    return found


def one_each(found: list[Trained], most: int) -> list[Trained]:
    """The first of each plugin."""
    firsts = {each.plugin: each for each in reversed(found)}
    return [each for each in found if firsts[each.plugin] is each][:most]
