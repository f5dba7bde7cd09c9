"""One failing part does not take the page with it. Used by the page, and by the part that is run on its own."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from playground.text import escaped, sentence


def guarded(part: Callable[[], None]) -> None:
    """Draw a part. A user's own model may raise anything: that is one sentence, and the other parts go on."""
    try:
        part()
    except Exception as error:
        st.error(escaped(sentence(f"this part failed with {type(error).__name__}: {error}")), icon=":material/error:")
