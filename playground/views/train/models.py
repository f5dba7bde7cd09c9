"""What can be trained on this page, what cannot and why, and the weights that a training can begin from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from playground import engine, state
from playground.engine import registry

if TYPE_CHECKING:
    from zoo.plugin import ModelPlugin


@dataclass(frozen=True)
class Start:
    """Trained weights that a run can begin from."""

    title: str
    source: str
    """What `zoo.load` takes."""


def trainable() -> list[ModelPlugin]:
    """The plugins that this page can train, in the order of their titles."""
    found = registry()
    fit = [each for each in found.plugins.values() if not _obstacle(each)]
    return sorted(fit, key=lambda plugin: plugin.spec.title.lower())


def untrainable() -> list[tuple[str, str]]:
    """The others: their title or file, and the reason."""
    found = registry()
    reasons = [(each.spec.title, _obstacle(each)) for each in found.plugins.values()]
    broken = [(each.source, f"it could not be loaded: {each.error}") for each in found.broken]
    return [(title, reason) for title, reason in [*reasons, *broken] if reason]


def _obstacle(plugin: ModelPlugin) -> str:
    """Why this plugin cannot be trained here; "" where it can."""
    if missing := registry().missing_requirements(plugin.spec.id):
        return f"it needs {', '.join(missing)}: pip install {' '.join(missing)}"
    return ""


@st.cache_data(max_entries=256, show_spinner=False)
def counts(model: str, source: str) -> bool:
    """Whether a plugin's model counts, and has no number that a gradient moves; `source` is where it came from."""
    try:
        module = registry().get(model).build(registry().get(model).Config(), 300)
    except Exception:  # a user's own plugin may raise anything; the training will say what
        return False
    return hasattr(module, "count") and not any(each.requires_grad for each in module.parameters())


def starts(model: str) -> list[Start]:
    """The shipped weights of a plugin, and those of this browser's own runs of it."""
    from zoo.pretrained.shipped import shipped_folder

    shipped = [Start("The trained weights shipped with the app", model)] if shipped_folder(model) is not None else []
    return shipped + own(model)


def own(model: str) -> list[Start]:
    """This browser's runs of a model that have weights to begin from, the newest last."""
    from zoo.training import Run

    found = []
    for job in engine.jobs().mine(state.owner()):
        if job.state not in ("done", "stopped"):
            continue
        try:
            run = Run.open(job.folder)
        except ValueError:
            continue
        if run.info.model == model and run.steps():
            found.append(Start(f"My run “{run.info.title or run.info.model}” ({job.id[:6]})", str(job.folder)))
    return found
