"""`python -m zoo train`: start a run folder, or go on with one."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.cli import BadInput, installed

if TYPE_CHECKING:
    from zoo.data import Corpus
    from zoo.plugin import ModelPlugin
    from zoo.registry import Registry
    from zoo.tokenizers import Tokenizer
    from zoo.training import Event, Run

SECONDS = 60.0
"""The budget where none is given."""


def train_command(options: argparse.Namespace) -> int:
    """Train until the budget is spent, one line an event; returns 1 where the training diverged."""
    import torch

    from zoo.data import read_corpus
    from zoo.training import Diverged, train

    torch.set_num_threads(options.threads)
    registry = installed()
    folder = Path(options.run or f"runs/{(options.model or '').replace('/', '-')}-{time.strftime('%Y%m%d-%H%M%S')}")
    going_on = (folder / "run.json").exists()
    plugin = _plugin(registry, _model(options, folder, going_on))
    try:
        corpus = read_corpus(options.corpus)
        run = _going_on(options, plugin, corpus, folder) if going_on else _new(options, plugin, corpus, folder)
        for event in train(run, plugin, corpus):
            _show(event, options.json)
    except Diverged as error:
        print(f"zoo: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BadInput(f"cannot write the run {folder}: {error.strerror or error}") from error
    if not options.json:
        print(f"saved in {folder}")
    return 0


def _model(options: argparse.Namespace, folder: Path, going_on: bool) -> str:
    """The id of the plugin that is to be trained."""
    from zoo.training import Run

    if not going_on:
        if not options.model:
            raise BadInput("name a model with --model; `python -m zoo list` shows them")
        return str(options.model)
    model = Run.open(folder).info.model
    if options.model not in (None, model):
        raise BadInput(f"{folder} is a run of {model}, not of {options.model}")
    return model


def _plugin(registry: Registry, model: str) -> ModelPlugin:
    plugin = registry.get(model)
    if missing := registry.missing_requirements(model):
        raise BadInput(f"{model} needs {', '.join(missing)}: pip install {' '.join(missing)}")
    return plugin


def _new(options: argparse.Namespace, plugin: ModelPlugin, corpus: Corpus, folder: Path) -> Run:
    from zoo.training import Recipe, Run
    from zoo.training.run import parameter_count, seeded_build

    config_fields, recipe_fields = _given(options, plugin)
    config = plugin.Config(**config_fields)
    budget = {} if {"seconds", "steps"} & set(recipe_fields) else {"seconds": SECONDS}
    recipe = Recipe.model_validate(recipe_fields | budget)
    tokenizer = _tokenizer(options, corpus)
    module = seeded_build(lambda: plugin.build(config, tokenizer.vocab_size), recipe.seed)
    return Run.create(
        folder,
        model=plugin.spec.id,
        config=config,
        tokenizer=tokenizer,
        corpus={"name": corpus.name, "sha256": corpus.sha256},
        recipe=recipe,
        parameters=parameter_count(module),
    )


def _going_on(options: argparse.Namespace, plugin: ModelPlugin, corpus: Corpus, folder: Path) -> Run:
    """The run in `folder`, if it is the one that the options describe."""
    from zoo.training import Recipe, Run

    run = Run.open(folder)
    info = run.info
    if corpus.sha256 != info.corpus.get("sha256"):
        raise BadInput(f"{folder} was started on another text ({info.corpus.get('name')}): choose another --run")
    config_fields, recipe_fields = _given(options, plugin)
    same = plugin.Config.model_validate(info.config | config_fields) == plugin.Config.model_validate(info.config)
    if not same or Recipe.model_validate(info.recipe.model_dump() | recipe_fields) != info.recipe:
        raise BadInput(f"{folder} was started with other settings: leave them out, or choose another --run")
    return run


def _given(options: argparse.Namespace, plugin: ModelPlugin) -> tuple[dict[str, object], dict[str, object]]:
    """The config's and the recipe's fields in --set, --seconds and --steps, as they were typed."""
    from zoo.training import Recipe

    config: dict[str, object] = {}
    recipe: dict[str, object] = {}
    for name, value in _assignments(options.set).items():
        if name in plugin.Config.model_fields:
            config[name] = value
        elif name in Recipe.model_fields:
            recipe[name] = value
        else:
            raise BadInput(_unknown_field(name, plugin.spec.id, [*plugin.Config.model_fields, *Recipe.model_fields]))
    recipe |= {name: getattr(options, name) for name in ("seconds", "steps") if getattr(options, name) is not None}
    return config, recipe


def _assignments(pairs: Sequence[str]) -> dict[str, str]:
    split = [pair.partition("=") for pair in pairs]
    for pair, (name, sign, _) in zip(pairs, split, strict=True):
        if not sign or not name:
            raise BadInput(f"--set takes NAME=VALUE, not {pair!r}")
    return {name: value for name, _, value in split}


def _unknown_field(name: str, model: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    return f"{model} has no field {name!r}; {hint}"


def _tokenizer(options: argparse.Namespace, corpus: Corpus) -> Tokenizer:
    from zoo.tokenizers import KINDS, Tokenizer, train_tokenizer

    if options.tokenizer in KINDS:
        return train_tokenizer(options.tokenizer, corpus.train, options.vocab_size)
    if not Path(options.tokenizer).is_file():
        raise BadInput(f"--tokenizer takes {', '.join(KINDS)} or a tokenizer.json, not {options.tokenizer!r}")
    return Tokenizer.load(options.tokenizer)


def _show(event: Event, as_json: bool) -> None:
    if as_json:
        print(json.dumps(event), flush=True)
    elif "valid_loss" in event:
        print(
            f"step {event['step']:6d}  {event['elapsed']:7.1f} s  loss {event['loss']:.3f}"
            f"  held out {event['valid_loss']:.3f} nats/token, {event['bits_per_character']:.3f} bits/character"
            f"  {event['tokens_per_second']:,.0f} tokens/s",
            flush=True,
        )
