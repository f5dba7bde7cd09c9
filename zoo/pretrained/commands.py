"""The commands that a model card gives: how the run was started, and how the card itself was made."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zoo.pretrained.facts import Card
from zoo.tokenizers import Tokenizer, kind_of
from zoo.training.recipe import Recipe


def training_command(card: Card) -> str:
    """The command that the run was started with, one option a line; settings at their defaults are left out."""
    info = card.info
    recipe = {name: value for name, value in info.recipe.model_dump().items() if name not in ("seconds", "steps")}
    changed = [
        *_changed(info.config, {name: field.default for name, field in card.fields.items()}),
        *_changed(recipe, {name: field.default for name, field in Recipe.model_fields.items()}),
    ]
    budget = "seconds" if info.recipe.seconds is not None else "steps"
    options = [
        ("--model", info.model),
        ("--corpus", info.corpus["name"]),
        ("--run", card.source),
        *tokenizer_options(card.tokenizer),
        (f"--{budget}", plain(getattr(info.recipe, budget))),
        *(("--set", f"{name}={plain(value)}") for name, value in changed),
    ]
    return _command("python -m zoo train", options)


def ship_command(card: Card) -> str:
    """The command that wrote the card."""
    options = [("--corpus", card.info.corpus["name"]), ("--out", card.out)]
    return _command(f"python -m zoo.pretrained.ship {shlex.quote(card.source)}", options)


def portable(path: Path) -> str:
    """A path to write down: as typed where it is relative, else its name alone, so that no machine is named."""
    inside = not path.is_absolute() and ".." not in path.parts and path.name
    return path.as_posix() if inside else path.resolve().name


def plain(value: Any) -> str:
    """A setting as one would type it: 5100.0 is 5100."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _changed(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in values.items() if name not in defaults or value != defaults[name]]


def tokenizer_options(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    """How `zoo train` is told to make this tokenizer of a text; one that it cannot make is named as a file."""
    kind, size = kind_of(tokenizer), ("--vocab-size", str(tokenizer.vocab_size))
    if not kind:
        return [("--tokenizer", "tokenizer.json")]
    return [size] if kind == "bpe" else [("--tokenizer", kind), size]  # "bpe" is the default


def _command(start: str, options: Iterable[tuple[str, str]]) -> str:
    return " \\\n    ".join([start, *(f"{name} {shlex.quote(value)}" for name, value in options)])
