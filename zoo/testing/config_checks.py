"""Checks of what a plugin says about itself: its sentence, its recipe, and a Config that keeps what it promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import torch
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from zoo.plugin import context_of
from zoo.testing.subject import Fails, Skipped, Subject, logits_of
from zoo.training.recipe import Recipe
from zoo.training.run import parameter_count
from zoo.validation import readable

SMALL_ENOUGH = 5_000_000
"""Parameters up to which a large model is run too, and not only built."""


def builds(subject: Subject) -> str:
    """The default config is valid, and a module comes of it that runs."""
    try:
        _ = subject.config
    except ValidationError as error:
        raise Fails(f"give every field of Config a valid default: {readable(error)}") from error
    logits_of(subject.module, subject.ids())
    return f"{parameter_count(subject.module):,} parameters"


def summary(subject: Subject) -> str:
    """The catalogue's line is one sentence."""
    text = subject.plugin.spec.summary
    if len(text.split()) < 2 or not text[0].isalnum() or text[0].islower() or text[-1] not in ".?!" or "\n" in text:
        raise Fails(f"make spec.summary one sentence, from a capital letter to a full stop: {text!r}")
    return text


def recipe(subject: Subject) -> str:
    """What the author recommends for training is a recipe."""
    fields = dict(subject.plugin.recipe())
    budget = {} if {"steps", "seconds"} & fields.keys() else {"steps": 1}
    if unknown := sorted(fields.keys() - Recipe.model_fields.keys()):
        raise Fails(f"recipe() names {', '.join(unknown)}, and a Recipe has no such field: correct or delete it")
    try:
        Recipe.model_validate(fields | budget)
    except ValidationError as error:
        raise Fails(f"recipe() is no Recipe: {readable(error)}") from error
    return ", ".join(f"{name}={value}" for name, value in fields.items()) or "the defaults"


def small_configs(subject: Subject) -> str:
    """Every field at its lower bound, and every choice, gives a model that runs, or is refused by Config."""
    tried, extremes = 0, [given for given in _small(subject.plugin.Config.model_fields) if given]
    for given in extremes:
        if (config := _valid(subject, given)) is not None:
            _run(subject, config, given)
            tried += 1
    return f"{_some(tried, extremes)} small configs run"


def large_configs(subject: Subject) -> str:
    """All fields at their upper bounds, and each on its own, can be built; what is small enough runs too."""
    built, ran, extremes = 0, 0, [given for given in _large(subject.plugin.Config.model_fields) if given]
    for given in extremes:
        if (config := _valid(subject, given)) is None:
            continue
        size = _size(subject, config, given)
        built += 1
        if size <= SMALL_ENOUGH:
            _run(subject, config, given)
            ran += 1
    return f"{_some(built, extremes)} large configs can be built; {ran} of them, small enough to be tried, run"


def _some(tried: int, extremes: list[dict[str, Any]]) -> int:
    """How many were tried.

    Raises:
        Skipped: there was nothing to try.
    """
    if not extremes:
        raise Skipped("no field of Config has a bound here, so nothing was tried: give its numbers Field(ge=…, le=…)")
    if not tried:
        raise Skipped("Config refuses each of its own bounds, so nothing was tried: choose bounds that fit together")
    return tried


def _valid(subject: Subject, given: dict[str, Any]) -> BaseModel | None:
    """The config, or None where its fields do not fit together and it has said so."""
    try:
        return subject.plugin.Config(**given)
    except ValidationError:
        return None


def _run(subject: Subject, config: BaseModel, given: dict[str, Any]) -> None:
    try:
        logits_of(subject.build(config).eval(), subject.ids(time=min(4, context_of(config))))
    except Exception as error:
        raise Fails(
            f"make {_words(given)} work, or have Config refuse it: {type(error).__name__}: {_first_line(error)}"
        ) from error


def _size(subject: Subject, config: BaseModel, given: dict[str, Any]) -> int:
    """How many parameters the model would have; built without memory, on torch's "meta" device.

    Raises:
        Fails: it cannot be built.
        Skipped: it reads its own numbers while it is built, which takes memory.
    """
    try:
        with torch.device("meta"):
            return parameter_count(subject.build(config))
    except Exception as error:
        if "meta" in str(error):
            raise Skipped(f"{_words(given)} is too large to try: build reads values, so it needs memory") from error
        raise Fails(
            f"make {_words(given)} work, or have Config refuse it: {type(error).__name__}: {_first_line(error)}"
        ) from error


def _small(fields: dict[str, FieldInfo]) -> Iterator[dict[str, Any]]:
    """All fields as small as their bounds allow; then the same with each choice of each field."""
    lowest = _bounds(fields, _lower_bound)
    yield lowest
    for name, field in fields.items():
        choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
        for choice in (False, True) if field.annotation is bool else choices:
            yield {**lowest, name: choice}


def _large(fields: dict[str, FieldInfo]) -> Iterator[dict[str, Any]]:
    """All fields as large as their bounds allow; then each of them so, and the others as small as they may be."""
    lowest, highest = _bounds(fields, _lower_bound), _bounds(fields, _upper_bound)
    yield highest
    for name, high in highest.items():
        yield {**lowest, name: high}


def _bounds(fields: dict[str, FieldInfo], bound: Any) -> dict[str, Any]:
    return {name: found for name, field in fields.items() if (found := bound(field)) is not None}


def _lower_bound(field: FieldInfo) -> Any:
    for each in field.metadata:
        if (low := getattr(each, "ge", None)) is not None:
            return low
        if (low := getattr(each, "gt", None)) is not None and field.annotation is int:
            return low + 1
    return None


def _upper_bound(field: FieldInfo) -> Any:
    for each in field.metadata:
        if (high := getattr(each, "le", None)) is not None:
            return high
        if (high := getattr(each, "lt", None)) is not None and field.annotation is int:
            return high - 1
    return None


def _words(given: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in given.items()) or "the default config"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]
