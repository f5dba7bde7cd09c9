"""Where everything must run, a skipped test fails the run (the hooks of conftest.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[1]
TESTS = """
import pytest

@pytest.mark.browser
def test_in_the_browser():
    pytest.skip("there is no Chromium")

@pytest.mark.skip(reason="needs ../shared/models")
def test_of_a_shared_model():
    pass

@pytest.mark.xfail(reason="known")
def test_that_is_known_to_fail():
    assert False

def test_that_passes():
    pass
"""


@pytest.fixture
def checkout(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A checkout with our conftest.py and the tests above, in which pytest can be run."""
    tests = pytester.mkdir("checkout") / "checks"  # "tests" is imported already, and knows another ../shared
    tests.mkdir()
    (tests / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tests / "test_some.py").write_text(TESTS)
    (tests.parent / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\nmarkers = browser")
    for name in ("REQUIRE_BROWSER", "FORBID_SKIPS"):
        monkeypatch.delenv(name, raising=False)
    pytester.chdir()
    monkeypatch.chdir(tests.parent)
    return pytester


def test_a_skip_is_allowed_on_a_developers_machine(checkout: pytest.Pytester) -> None:
    checkout.runpytest_inprocess().assert_outcomes(passed=1, skipped=2, xfailed=1)


def test_a_required_browser_test_must_not_be_skipped(
    checkout: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRE_BROWSER", "1")
    checkout.runpytest_inprocess().assert_outcomes(passed=1, failed=1, skipped=1, xfailed=1)


def test_where_skips_are_forbidden_an_absent_shared_folder_is_an_excuse(
    checkout: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORBID_SKIPS", "1")
    checkout.runpytest_inprocess().assert_outcomes(passed=1, failed=1, skipped=1, xfailed=1)


def test_where_skips_are_forbidden_nothing_else_is(checkout: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.mkdir("shared")
    monkeypatch.setenv("FORBID_SKIPS", "1")
    checkout.runpytest_inprocess().assert_outcomes(passed=1, failed=1, errors=1, xfailed=1)
