"""The conformance kit in a process of its own: its report is the kit's, and a plugin that hangs costs itself alone."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from playground.jobs.checking import check
from zoo.registry import discover
from zoo.testing import CHECKS, check_plugin

pytestmark = pytest.mark.usefixtures("fork_server")
NAMES = list(CHECKS)


@pytest.mark.parametrize("model", ["zoo/window", "test/good"])
def test_the_report_is_the_kits_own(model: str, folder_of_plugins: Path) -> None:
    expected = check_plugin(discover([folder_of_plugins]).get(model))
    found = check(model, [folder_of_plugins], NAMES)
    assert [tuple(each) for each in found] == [(each.name, each.ok, each.message) for each in expected]


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("hangs", "no answer within 4 seconds"),
        ("holds", "no answer within 4 seconds"),  # in C, with no Python thread running: only a process can be ended
        ("exits", "ended without an answer"),
        ("crashes", "ended without an answer"),
    ],
)
def test_what_never_answers_is_ended_and_what_was_found_before_stays(
    deed: str, words: str, folder_of_plugins: Path
) -> None:
    begun = time.monotonic()
    found = check(f"test/{deed}", [folder_of_plugins], NAMES, patience=4.0)
    assert time.monotonic() - begun < 60
    assert [each.name for each in found] == NAMES
    assert found[0].ok
    culprit = next(each for each in found if words in each.message)
    assert culprit.ok is False
    rest = found[found.index(culprit) + 1 :]
    assert rest
    assert all(each.ok is None and each.message.startswith("not run") for each in rest)
    assert multiprocessing.active_children() == []
