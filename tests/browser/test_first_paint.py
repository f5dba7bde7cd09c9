"""A server that was just started: home is finished at once, from a recording that says so, and then live.

Torch takes seconds to import; the recorded trace fills them. Deep links work on the first hit, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import reading
from tests.browser.app import FORWARD_PASS, IDLE, NEXT_WORD, App, OpenPage, finished, start_app

pytestmark = pytest.mark.browser

LABEL = "This is a recording"


@pytest.fixture
def fresh(settings: dict[str, str], tmp_path: Path) -> Iterator[App]:
    """A server that nobody has asked for anything yet."""
    running = start_app(tmp_path, settings)
    yield running
    log = running.stop()
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:5000]


def test_home_is_finished_at_once_and_becomes_live_by_itself(fresh: App, watch: OpenPage) -> None:
    page = watch().page
    page.goto(fresh.address())
    page.wait_for_selector(".candidate")
    assert page.get_by_text(LABEL).count() == 1
    page.wait_for_selector(IDLE)
    recorded, chips = reading.read_candidates(page), reading.read_chips(page)
    assert page.get_by_text(LABEL).count() == 1
    assert page.locator(".station").count() == 6
    assert page.get_by_role("button", name="Add one token").count() == 0

    page.get_by_role("button", name="Add one token").wait_for(timeout=60_000)
    finished(page, NEXT_WORD)
    live = reading.read_candidates(page)
    assert reading.read_chips(page) == chips
    assert live.ids == recorded.ids
    assert [each.text for each in live.probs] == [each.text for each in recorded.probs]
    assert [each.text for each in live.logits] == [each.text for each in recorded.logits]


@pytest.mark.parametrize("path", [FORWARD_PASS, "next_word"])
def test_the_first_hit_may_be_a_deep_link(fresh: App, watch: OpenPage, path: str) -> None:
    page = watch().page
    page.goto(fresh.address(path, prompt="The cat", step="blocks.0.attn.q"))
    finished(page, FORWARD_PASS if path == FORWARD_PASS else NEXT_WORD)
    assert page.get_by_text("Page not found").count() == 0
    assert page.get_by_role("link", name="Next word").count() == 1
    assert [piece for piece, _ in reading.read_chips(page)] == ["The", "␣cat"]
    if path == FORWARD_PASS:
        assert page.locator(".spine .step[aria-current]").get_attribute("data-step") == "blocks.0.attn.q"
