"""`python -m zoo compare`: models of one size, trained alike and measured, as a table."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.cli import BadInput, installed, one_thread

if TYPE_CHECKING:
    from zoo.compare.table import Plan


def compare_command(options: argparse.Namespace) -> int:
    """Train what is not trained yet, measure, and print; returns 1 where a training diverged."""
    from zoo.compare.result import written
    from zoo.compare.table import compare
    from zoo.training import Diverged, Unwritable

    one_thread()
    plan = _plan(options)
    _check_out(options.out)
    try:
        found = compare(plan, installed(), say=lambda text: print(text, file=sys.stderr, flush=True))
    except Diverged as error:
        print(f"zoo: {error}", file=sys.stderr)
        return 1
    except Unwritable as error:
        raise BadInput(str(error)) from error
    text = found.model_dump_json(indent=1)
    if options.out:
        _write(Path(options.out), text + "\n")
    print(text if options.json else written(found))
    return 0


def _plan(options: argparse.Namespace) -> Plan:
    from zoo.compare.table import Plan

    models = [each.strip() for each in options.models.split(",") if each.strip()]
    if not models:
        raise BadInput("name the models with --models, with commas between them: zoo/lstm,zoo/gpt")
    return Plan(
        models=models,
        corpus=options.corpus,
        seconds=options.seconds,
        steps=options.steps,
        tokens=options.tokens,
        seeds=options.seeds,
        parameters=options.parameters,
        context=options.context,
        stories=options.stories,
        runs=Path(options.runs),
        command=_command(options, models),
    )


def _command(options: argparse.Namespace, models: list[str]) -> str:
    """What gives the same again: where its files lie does not matter to it."""
    words = ["python", "-m", "zoo", "compare", "--models", ",".join(models), "--corpus", options.corpus]
    for name in ("seconds", "steps", "tokens", "seeds", "parameters", "context", "stories"):
        if (value := getattr(options, name)) is not None:
            words += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join(words)


def _check_out(out: str | None) -> None:
    """Before anything is trained for a file that cannot be written."""
    if out and (Path(out).is_dir() or not Path(out).absolute().parent.is_dir()):
        raise BadInput(f"cannot write {out}: it is a folder, or lies in one that is not there")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}") from error
