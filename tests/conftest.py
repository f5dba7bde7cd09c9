"""For every test: one torch thread, property tests without a deadline, and where the shared fixtures lie.

On a developer's machine a test that lacks what it needs is skipped. Where all must run, it fails:
REQUIRE_BROWSER=1 is for the browser tests, FORBID_SKIPS=1 for every test (but ../shared may be absent).
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

torch.set_num_threads(1)
settings.register_profile(
    "ci", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of corpora and models beside the checkout; skips where there is none."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared, which is not part of the repository")
    return SHARED


@pytest.fixture(scope="session")
def stories260k(shared: Path) -> Path:
    """A small, really trained model of the Llama architecture, in Hugging Face format."""
    folder = shared / "models" / "stories260k"
    if not folder.is_dir():
        pytest.skip("needs ../shared/models/stories260k, which is not part of the repository")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip becomes a failure where the environment asks for it."""
    report = yield
    required = os.environ.get("REQUIRE_BROWSER") == "1" and item.get_closest_marker("browser") is not None
    _refuse_skip(report, required)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a file that skips all of its tests."""
    report = yield
    _refuse_skip(report, required=False)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport, required: bool) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        allowed = "../shared" in reason and not SHARED.is_dir()
        if required or (os.environ.get("FORBID_SKIPS") == "1" and not allowed):
            report.outcome = "failed"
            report.longrepr = f"{report.nodeid} was skipped, and all must run here: {reason}"
