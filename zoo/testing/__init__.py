"""The conformance kit: does a plugin keep its contract? Used by `python -m zoo check`, the app and plugins' own tests.

In a plugin's tests:

    @parametrize_with_checks([MyPlugin()])
    def test_my_plugin(check):
        check()
"""

from pathlib import Path

from zoo.testing.kit import CHECKS, CheckResult, check_plugin, each_check, run_check
from zoo.testing.pytest_glue import parametrize_with_checks

TEMPLATE = Path(__file__).parent / "template.py"
"""A small plugin to start from: what `python -m zoo new` writes."""

__all__ = ["CHECKS", "TEMPLATE", "CheckResult", "check_plugin", "each_check", "parametrize_with_checks", "run_check"]
