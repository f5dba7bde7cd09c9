"""`python -m zoo list`, `check` and `new`: what there is, whether it keeps the contract, and one more."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.cli import BadInput, installed, one_thread

if TYPE_CHECKING:
    from zoo.plugin import ModelPlugin
    from zoo.registry import Registry
    from zoo.testing import CheckResult

MARKS = {True: "pass", False: "FAIL", None: "skip"}


def list_command(options: argparse.Namespace) -> int:
    """Print the plugins, and those that could not be loaded."""
    registry = installed()
    rows = [_row(registry, model) for model in sorted(registry.plugins)]
    if options.json:
        broken = [{"source": each.source, "error": each.error} for each in registry.broken]
        print(json.dumps({"plugins": rows, "broken": broken}))
        return 0
    for row in rows:
        weights = "trained weights shipped" if row["shipped"] else "no trained weights yet"
        print(f"{row['id']}  {row['title']} ({row['family']}), {weights}")
        print(f"    {row['summary']}")
        print(f"    from {row['source']}")
        if row["missing"]:
            print(f"    needs: pip install {' '.join(row['missing'])}")
    for each in registry.broken:
        print(f"broken  {each.source}\n    {each.error}")
    return 0


def _row(registry: Registry, model: str) -> dict[str, Any]:
    from zoo.pretrained.shipped import shipped_folder

    spec = registry.get(model).spec
    folder = shipped_folder(model)
    return {
        "id": spec.id,
        "title": spec.title,
        "family": spec.family,
        "task": spec.task,
        "summary": spec.summary,
        "source": registry.sources[model],
        "shipped": folder is not None and (folder / "run.json").exists(),
        "missing": registry.missing_requirements(model),
    }


def check_command(options: argparse.Namespace) -> int:
    """Print a table of the conformance kit's checks; returns 1 where one fails."""
    from zoo.testing import check_plugin

    one_thread()
    results = {plugin.spec.id: check_plugin(plugin) for plugin in _plugins(options.plugin)}
    if options.json:
        rows = [{"plugin": model, **asdict(each)} for model, found in results.items() for each in found]
        print(json.dumps(rows))
    else:
        print("\n".join(line for model, found in results.items() for line in _table(model, found)))
    return int(any(each.ok is False for found in results.values() for each in found))


def _plugins(source: str) -> list[ModelPlugin]:
    """The plugins of a file, or the one with this id."""
    from zoo.registry import Registry

    path = Path(source)
    if path.suffix != ".py" and not path.exists():
        return [installed().get(source)]
    if not path.is_file():
        raise BadInput(f"{source} is not a file: give a plugin's .py file, or the id of an installed one")
    registry = Registry()
    registry.load_file(path)
    if registry.broken:
        raise BadInput(f"{source} cannot be loaded: {registry.broken[0].error}")
    return list(registry.plugins.values())


def _table(model: str, results: list[CheckResult]) -> list[str]:
    width = max(len(each.name) for each in results)
    failed = sum(each.ok is False for each in results)
    lines = [model, *(f"  {MARKS[each.ok]}  {each.name:{width}}  {each.message}".rstrip() for each in results)]
    return [*lines, f"  {failed} of {len(results)} checks failed" if failed else "  all checks passed"]


def new_command(options: argparse.Namespace) -> int:
    """Write the template; it passes `check` as it is."""
    from zoo.testing import TEMPLATE

    path = Path(options.folder) / "averager.py"
    if path.exists():
        raise BadInput(f"{path} is there already: rename it, or choose another folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}") from error
    print(f"wrote {path}; change it, then: python -m zoo check {path}")
    return 0
