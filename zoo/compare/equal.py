"""Models of equal size: the width with which a plugin comes nearest to a number of parameters.

Used by `zoo.compare.table`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import annotated_types
import torch
from pydantic import BaseModel, ValidationError

from zoo.plugin import ModelPlugin
from zoo.training.run import parameter_count, seeded_build

MOST_WIDTH = 4096
"""Where a Config sets no bound of its own."""


@dataclass(frozen=True)
class Sized:
    """A config, and how many numbers a model of it learns."""

    config: BaseModel
    parameters: int


def nearest(plugin: ModelPlugin, vocab_size: int, parameters: int, fixed: Mapping[str, Any]) -> Sized:
    """The config whose model has as nearly `parameters` as its `width` allows; all other fields stay.

    A plugin without a `width`, or whose size does not depend on it, is taken as it is. Parameters are taken to
    grow with the width.

    Raises:
        ValidationError: `fixed` does not fit the Config.
    """
    start = Sized(plugin.Config.model_validate(dict(fixed)), 0)
    widths = _widths(plugin, fixed)
    if not widths:
        return sized(plugin, start.config, vocab_size)
    low, high = 0, len(widths) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if _at(plugin, vocab_size, fixed, widths[middle]).parameters < parameters:
            low = middle
        else:
            high = middle
    both = [_at(plugin, vocab_size, fixed, widths[each]) for each in (low, high)]
    return min(both, key=lambda each: abs(each.parameters - parameters))


def sized(plugin: ModelPlugin, config: BaseModel, vocab_size: int) -> Sized:
    """Count its parameters; without making them, where its `build` allows that."""
    try:
        with torch.device("meta"):
            return Sized(config, parameter_count(plugin.build(config, vocab_size)))
    except Exception:
        module = seeded_build(lambda: plugin.build(config, vocab_size), 0)
        return Sized(config, parameter_count(module))


def _at(plugin: ModelPlugin, vocab_size: int, fixed: Mapping[str, Any], width: int) -> Sized:
    return sized(plugin, plugin.Config.model_validate({**fixed, "width": width}), vocab_size)


def _widths(plugin: ModelPlugin, fixed: Mapping[str, Any]) -> list[int]:
    """Every width that the Config takes: within its bounds, and for attention a multiple of the heads."""
    field = plugin.Config.model_fields.get("width")
    if field is None:
        return []
    low, high = 1, MOST_WIDTH
    for bound in field.metadata:
        if isinstance(bound, annotated_types.Ge):
            low = int(bound.ge)  # type: ignore[call-overload]
        elif isinstance(bound, annotated_types.Le):
            high = int(bound.le)  # type: ignore[call-overload]
    return [width for width in range(low, high + 1) if _valid(plugin, {**fixed, "width": width})]


def _valid(plugin: ModelPlugin, values: Mapping[str, Any]) -> bool:
    try:
        plugin.Config.model_validate(values)
    except ValidationError:
        return False
    return True
