"""One pytest case a plugin and check. pytest is needed only where this is called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.plugin import ModelPlugin
from zoo.testing.kit import CHECKS, run_check

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class PluginCheck:
    """What the test function is handed: call it."""

    plugin: ModelPlugin
    name: str

    def __call__(self) -> None:
        """Run the check: an AssertionError where it fails, a skip with its reason where it does not apply."""
        import pytest

        result = run_check(self.plugin, self.name)
        if result.ok is None:
            pytest.skip(result.message)
        assert result.ok, f"{self.plugin.spec.id}: {result.name}: {result.message}"


def parametrize_with_checks(plugins: Iterable[ModelPlugin]) -> pytest.MarkDecorator:
    """Decorator for a test function with the one argument `check`."""
    import pytest

    cases = [PluginCheck(plugin, name) for plugin in plugins for name in CHECKS]
    return pytest.mark.parametrize("check", cases, ids=[f"{case.plugin.spec.id}: {case.name}" for case in cases])
