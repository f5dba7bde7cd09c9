"""Running the checks: one result a check, whatever the plugin does."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from zoo.plugin import ModelPlugin
from zoo.testing import config_checks, learning_checks, model_checks, text_checks, trace_checks
from zoo.testing.subject import Fails, Skipped, Subject

CHECKS: dict[str, Callable[[Subject], str]] = {
    "builds": config_checks.builds,
    "summary": config_checks.summary,
    "recipe": config_checks.recipe,
    "small configs": config_checks.small_configs,
    "large configs": config_checks.large_configs,
    "shapes": model_checks.shapes,
    "batches": model_checks.batches,
    "determinism": model_checks.determinism,
    "causality": model_checks.causality,
    "gradient": learning_checks.gradient,
    "learns": learning_checks.learns,
    "save and load": learning_checks.save_and_load,
    "tokenizer": text_checks.tokenizer,
    "texts": text_checks.texts,
    "tracing changes nothing": trace_checks.changes_nothing,
    "steps recorded": trace_checks.records_steps,
    "schema": trace_checks.follows_schema,
    "arithmetic": trace_checks.arithmetic,
    "interventions": trace_checks.interventions,
}
"""Name -> check, in the order in which they run. A check returns what it found, or raises."""


@dataclass(frozen=True)
class CheckResult:
    """What one check found."""

    name: str
    ok: bool | None
    """None where the check says nothing about this plugin."""
    message: str
    """One sentence: what was found, or what to do."""


def check_plugin(plugin: ModelPlugin) -> list[CheckResult]:
    """Every check, one after the other; a plugin that does not build is not asked the rest."""
    return list(each_check(plugin))


def run_check(plugin: ModelPlugin, name: str) -> CheckResult:
    """One check of `CHECKS`, on its own."""
    return run(Subject(plugin), name)


def each_check(plugin: ModelPlugin) -> Iterator[CheckResult]:
    """The same, each result as soon as it is there."""
    subject, builds = Subject(plugin), True
    for name in CHECKS:
        result = run(subject, name) if builds else CheckResult(name, None, "not run: the model does not build")
        builds = builds and not (name == "builds" and result.ok is False)
        yield result


def run(subject: Subject, name: str) -> CheckResult:
    """One check of a subject that others may share; the caller's random numbers are left alone."""
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return CheckResult(name, True, CHECKS[name](subject))
    except Skipped as reason:
        return CheckResult(name, None, str(reason))
    except Fails as failure:
        return CheckResult(name, False, str(failure))
    except (Exception, SystemExit) as error:
        return CheckResult(name, False, f"correct this error{_where(error, subject)}: {_one_line(error)}")


def _one_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def _where(error: BaseException, subject: Subject) -> str:
    """The last line of the plugin's own file that the error came through: " in mixer.py, line 17"."""
    try:
        source = inspect.getfile(type(subject.plugin))
    except (OSError, TypeError):
        return ""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == source]
    return f" in {Path(source).name}, line {lines[-1]}" if lines else ""
