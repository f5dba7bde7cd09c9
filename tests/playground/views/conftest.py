"""For the tests of the views: no token is selected, as on a fresh session."""

from __future__ import annotations

import pytest

from playground import state


@pytest.fixture(autouse=True)
def selected(monkeypatch):
    """Selects a position of the text; None, the end, to begin with."""

    def select(position: int | None) -> None:
        monkeypatch.setattr(state, "token", lambda: position)

    select(None)
    return select
