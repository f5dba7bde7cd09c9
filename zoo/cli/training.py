"""`python -m zoo train`: start a run folder, or go on with one; alone, or in each process that torchrun starts."""

from __future__ import annotations

import argparse
import difflib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from zoo.cli import BadInput, installed
from zoo.cli.progress import shown

if TYPE_CHECKING:
    from zoo.launch import Launch
    from zoo.plugin import ModelPlugin
    from zoo.registry import Registry
    from zoo.training import Run
    from zoo.training.distributed import Group

STOPPED = 130
"""The exit status after Ctrl-C."""


def train_command(options: argparse.Namespace) -> int:
    """Train until the budget is spent; returns 1 where the training diverged, 130 where it was stopped."""
    import torch

    from zoo.training import Diverged, Unwritable
    from zoo.training.distributed import Left, joined

    torch.set_num_threads(options.threads)
    registry = installed()
    try:
        with joined() as group:
            return _train(options, registry, group)
    except (Diverged, Left) as error:
        print(f"zoo: {error}", file=sys.stderr)
        return 1
    except Unwritable as error:
        raise BadInput(str(error)) from error


def _train(options: argparse.Namespace, registry: Registry, group: Group) -> int:
    from zoo.training import train

    began = _launched(options, registry, group)
    events = train(began.run, began.plugin, began.corpus, group)
    with _gently() as stopped:
        if group.leads:
            with shown(began.run, options.json) as show:
                for event in events:
                    show(event)
                    if stopped():
                        break
        else:
            for _ in events:
                if stopped():
                    break
        events.close()  # saves what is not saved yet
    if group.leads and not options.json:
        ending = f"stopped; to go on: python -m zoo train --run {began.run.folder}\n" if stopped() else ""
        print(f"{ending}saved in {began.run.folder}")
    return STOPPED if stopped() else 0


def _launched(options: argparse.Namespace, registry: Registry, group: Group) -> Launch:
    """The run that the options describe. The leader starts it, the others find it in the folder."""
    from zoo.launch import relaunch

    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(group.from_leader(time.time())))
    name = (options.model or options.start or "").split("@")[0].replace("/", "-")
    folder = Path(options.run or f"runs/{name}-{stamp}")
    if not group.leads:
        group.wait()
        return relaunch(folder, registry)
    going_on = (folder / "run.json").exists()
    began = _going_on(options, registry, folder) if going_on else _new(options, registry, folder)
    group.wait()
    return began


def _new(options: argparse.Namespace, registry: Registry, folder: Path) -> Launch:
    from zoo.launch import Order, launch

    if not options.model and not options.start:
        raise BadInput("name a model with --model; `python -m zoo list` shows them")
    if not options.corpus:
        raise BadInput("name a text with --corpus: glass-box, or a .txt or .jsonl file")
    source, step = _source(options.start)
    plugin = registry.get(options.model or _model_of(source, registry))
    config, recipe = _given(options, plugin)
    if source and (config or options.tokenizer):
        raise BadInput(f"the config and the tokenizer are those of {source}: leave {next(iter(config), 'it')} out")
    order = Order(
        model=plugin.spec.id,
        config=config,
        recipe=recipe,
        corpus=options.corpus,
        tokenizer=options.tokenizer or "",
        vocab_size=options.vocab_size,
        prompt=options.prompt or "",
        start=source,
        start_step=step,
    )
    return launch(order, folder, registry)


def _model_of(source: str | None, registry: Registry) -> str:
    """The plugin id of a run folder or of a plugin."""
    from zoo.training import Run

    folder = Path(source or "")
    return Run.open(folder).info.model if (folder / "run.json").is_file() else str(source)


def _source(text: str | None) -> tuple[str | None, int | None]:
    """ "runs/a@200" -> ("runs/a", 200)"""
    if text is None:
        return None, None
    source, sign, step = text.rpartition("@")
    return (source, int(step)) if sign and step.isdecimal() else (text, None)


def _going_on(options: argparse.Namespace, registry: Registry, folder: Path) -> Launch:
    """The run in `folder`, if it is the one that the options describe."""
    from zoo.data import open_corpus
    from zoo.launch import relaunch
    from zoo.training import Run

    run = Run.open(folder)
    model = run.info.model
    if options.model not in (None, model):
        raise BadInput(f"{folder} is a run of {model}, not of {options.model}")
    began = relaunch(folder, registry, open_corpus(options.corpus) if options.corpus else None)
    _check_same(options, run, began.plugin)
    return began


def _check_same(options: argparse.Namespace, run: Run, plugin: ModelPlugin) -> None:
    """What is typed again must be what the run was started with."""
    from zoo.training import Recipe

    info = run.info
    config, recipe = _given(options, plugin)
    same = plugin.Config.model_validate(info.config | config) == plugin.Config.model_validate(info.config)
    same = same and Recipe.model_validate(info.recipe.model_dump() | recipe) == info.recipe
    if options.start is not None:
        source, step = _source(options.start)
        begun = info.start or {}
        same = same and begun.get("source") == source and step in (None, begun.get("step"))
    if not same or options.prompt not in (None, info.prompt):
        raise BadInput(f"{run.folder} was started with other settings: leave them out, or choose another --run")


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


@contextmanager
def _gently() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C, or a polite kill, is heard between two steps, so that nothing is lost; the second at once."""
    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(heard)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
