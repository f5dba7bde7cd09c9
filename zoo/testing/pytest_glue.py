"""One pytest case a plugin and check. pytest is needed only where this is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.plugin import ModelPlugin
from zoo.testing.kit import CHECKS, run
from zoo.testing.subject import Subject

if TYPE_CHECKING:
    import pytest

Expected = Mapping[str, str] | Callable[[ModelPlugin], Mapping[str, str]]
"""Check -> why it is expected to fail; or a function that says so of each plugin."""


@dataclass(frozen=True)
class PluginCheck:
    """What the test function is handed: call it."""

    subject: Subject
    name: str
    expected: str = ""
    """Why it is expected to fail."""

    @property
    def plugin(self) -> ModelPlugin:
        """The plugin under test."""
        return self.subject.plugin

    def __call__(self) -> None:
        """Run the check: an AssertionError where it fails, a skip with its reason where it does not apply."""
        import pytest

        result = run(self.subject, self.name)
        if result.ok is None and self.expected:
            pytest.fail(f"{self.name} is expected to fail, and does not apply ({result.message}): delete it there")
        if result.ok is None:
            pytest.skip(result.message)
        assert result.ok, f"{self.plugin.spec.id}: {result.name}: {result.message}"


def parametrize_with_checks(
    plugins: Iterable[ModelPlugin], expected_failures: Expected | None = None
) -> pytest.MarkDecorator:
    """Decorator for a test function with the one argument `check`.

    `expected_failures` tells of checks that a plugin fails, each with its reason: {"causality": "reads backwards, as
    its paper does"}. They are reported as expected; one that passes after all is an error, so that the list stays true.

    Raises:
        ValueError: a check of that name does not exist, or it is given no reason.
    """
    import pytest

    cases = [case for plugin in plugins for case in _cases(plugin, expected_failures or {})]
    return pytest.mark.parametrize("check", [pytest.param(case, id=_id(case), marks=_marks(case)) for case in cases])


def _cases(plugin: ModelPlugin, expected: Expected) -> Iterator[PluginCheck]:
    reasons = expected(plugin) if callable(expected) else expected
    if unknown := sorted(set(reasons) - set(CHECKS)):
        raise ValueError(f"there is no check {', '.join(unknown)}: choose from {', '.join(CHECKS)}")
    if silent := [name for name, reason in reasons.items() if not reason.strip()]:
        raise ValueError(f"{', '.join(silent)}: give a reason for each check that is expected to fail")
    subject = Subject(plugin)  # shared by its cases, so that its model is built and taught once
    return (PluginCheck(subject, name, reasons.get(name, "")) for name in CHECKS)


def _id(case: PluginCheck) -> str:
    return f"{case.plugin.spec.id}: {case.name}"


def _marks(case: PluginCheck) -> list[pytest.MarkDecorator]:
    import pytest

    return [pytest.mark.xfail(reason=case.expected, strict=True, raises=AssertionError)] if case.expected else []
