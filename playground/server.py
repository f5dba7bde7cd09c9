"""What the server does before its first visitor, and after the last: imports the pages, puts training away.

Streamlit runs a script only when somebody comes; without this the first one waits for the imports.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, object]]:
    """Around the server's life; torch is not loaded here."""
    from playground import engine, recorded
    from playground.views import forward_pass, next_word, train, twins  # noqa: F401

    recorded.trace()
    recorded.tokenizer().piece(0)
    yield {}
    engine.put_away()
