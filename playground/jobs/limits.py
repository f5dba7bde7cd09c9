"""What a training in the app may take, and how an order is held to it: on the server, and told plainly.

An order that asks for too much of what can be cut is cut, with a note; one that cannot be cut is
refused, with one sentence. Used by `Jobs`, which takes orders, and by the worker, which keeps to them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from zoo.launch import Order
    from zoo.plugin import ModelPlugin

Checked = TypeVar("Checked", bound=BaseModel)

MIB = 2**20
GLASS_BOX = "glass-box"
_LANGUAGE = re.compile(GLASS_BOX + r"(-pairs)?(:[a-z_]{1,20}=\d{1,9}(,[a-z_]{1,20}=\d{1,9}){0,4})?")
MAX_PROMPT, MAX_TITLE = 500, 80


class Refused(ValueError):
    """What was asked for is more than a run may have here; the message is one sentence with the way out."""


@dataclass(frozen=True)
class Limits:
    """The quotas of one server. "Cut": brought down to the limit, with a note. "Refused": with a sentence."""

    seconds: float = 900.0
    """Of training, for one run. Cut; a run with a budget in steps is stopped when they are over."""
    steps: int = 20_000
    """Cut."""
    events: int = 100_000
    """Steps whatever the budget, for the pages read an event of each. The run is stopped."""
    parameters: int = 5_000_000
    """Of the model. Refused, once it has been built."""
    characters: int = 2_000_000
    """Of a user's own text. Refused."""
    stories: int = 20_000
    """Of the glass-box corpus. Refused."""
    vocabulary: int = 4096
    """Entries of a tokenizer that is trained for the run. Cut."""
    batch: int = 64
    """Windows a step. Cut."""
    context: int = 256
    """Tokens a window. Cut."""
    evaluations: int = 100
    """Cut."""
    checkpoints: int = 24
    """Cut."""
    held_out_windows: int = 256
    """Cut."""
    save_every: float = 10.0
    """Seconds between two saves of what a run goes on from. Cut."""
    memory: int = 2048 * MIB
    """Bytes that a worker may take beyond what it starts with. The run fails, with a sentence."""
    run_disk: int = 512 * MIB
    """Bytes of one run's folder. Refused, once the model has been built."""
    packed: int = 128 * MIB
    """Bytes of a run in a zip, before and after it is unpacked: the server holds each in memory. What is downloaded
    has fewer of its checkpoints, what is uploaded is refused."""
    disk: int = 4096 * MIB
    """Bytes of all runs together. Refused; what has long been left alone is removed first."""
    left_alone: float = 86_400.0
    """Seconds after which a run that nobody touched may be removed to make room."""
    kept: int = 12
    """Runs that one owner keeps. Refused."""
    unfinished: int = 2
    """Runs of one owner that train or wait in line. Refused."""
    queue: int = 8
    """Runs that wait in line. Refused."""
    at_once: int = max(1, (os.cpu_count() or 2) // 2)
    """Workers at a time."""
    hang: float = 120.0
    """Seconds without a step after which a worker counts as hung."""
    start: float = 180.0
    """The same for a worker that reads the text and builds the model."""
    grace: float = 10.0
    """Seconds that a worker has to do as it is told."""
    hold: float = 30.0
    """Seconds that a paused worker keeps its process."""
    patience: float = 300.0
    """Seconds without a sign of the owner's page after which a run is stopped."""


LIMITS = Limits()

_CUT = {
    "seconds": "seconds of training",
    "steps": "steps",
    "batch": "windows a step",
    "evaluations": "evaluations",
    "checkpoints": "checkpoints",
    "held_out_windows": "held-out windows",
}
"""Fields of a recipe that are cut -> what is counted."""


def held(order: Order, plugin: ModelPlugin, limits: Limits, *, own_text: bool) -> tuple[Order, tuple[str, ...]]:
    """The order within the limits, and one note for each thing that was cut.

    `own_text`: the corpus is the user's own, and not one that the order names.

    Raises:
        Refused: a value makes no sense, or the order asks for a corpus or a tokenizer that is none of ours.
    """
    notes: list[str] = []
    _check_sources(order, limits, own_text)
    changes: dict[str, Any] = {
        "recipe": _recipe(order, plugin, limits, notes),
        "vocab_size": _cut(order.vocab_size, limits.vocabulary, "entries of the vocabulary", notes),
        "prompt": order.prompt[:MAX_PROMPT],
        "title": " ".join(order.title.split())[:MAX_TITLE],
    }
    if order.start is None:
        changes["config"] = _config(order.config, plugin, limits, notes)
    return order.model_copy(update=changes), tuple(notes)


def _check_sources(order: Order, limits: Limits, own_text: bool) -> None:
    """Only what the page offers: no path of the server's is read for an order, but the run's own text."""
    from zoo.tokenizers import KINDS

    if not own_text and not _LANGUAGE.fullmatch(order.corpus):
        raise Refused("choose the glass-box stories, or give a text of your own")
    if not own_text and (asked := re.search(r"(stories|pairs)=(\d+)", order.corpus)) and int(asked[2]) > limits.stories:
        raise Refused(f"at most {limits.stories:,} {asked[1]} can be told here; ask for fewer")
    if order.tokenizer not in ("", *KINDS):
        raise Refused(f"choose one of the tokenizers {', '.join(KINDS)}")


def _recipe(order: Order, plugin: ModelPlugin, limits: Limits, notes: list[str]) -> dict[str, Any]:
    """The author's advice, overruled by what was given, cut to the limits."""
    from zoo.launch import recipe_of

    recipe = _valid(lambda: recipe_of(order, plugin)).model_dump(exclude_none=True)
    for name, what in _CUT.items():
        if name in recipe:
            recipe[name] = _cut(recipe[name], getattr(limits, name), what, notes)
    return recipe | {"save_every": min(recipe["save_every"], limits.save_every)}


def _config(given: Mapping[str, Any], plugin: ModelPlugin, limits: Limits, notes: list[str]) -> dict[str, Any]:
    """The model's settings, checked against its own bounds; a context beyond the limit is cut."""
    config = _valid(lambda: plugin.Config.model_validate(dict(given)))
    context = getattr(config, "context", 0)
    if not isinstance(context, int) or context <= limits.context:
        return dict(given)
    shorter = dict(given) | {"context": _cut(context, limits.context, "tokens of context", notes)}
    _valid(lambda: plugin.Config.model_validate(shorter))
    return shorter


def _valid(make: Callable[[], Checked]) -> Checked:
    from zoo.validation import readable

    try:
        return make()
    except ValidationError as error:
        raise Refused(readable(error)) from error


def _cut(value: Any, most: Any, what: str, notes: list[str]) -> Any:
    if value <= most:
        return value
    notes.append(f"A run here has at most {most:,g} {what}; {value:,g} were asked for.")
    return most
