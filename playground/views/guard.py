"""One failing part does not take the page with it. Used by the pages, and by parts that are run on their own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec

import streamlit as st

from playground.text import escaped, sentence

Given = ParamSpec("Given")


def guarded(part: Callable[Given, None], *args: Given.args, **kwargs: Given.kwargs) -> None:
    """Draw a part. What users bring may raise anything: that is one sentence, and the other parts go on.

    Whoever runs the server finds the traceback in its log.
    """
    try:
        part(*args, **kwargs)
    except Exception as error:
        logging.getLogger(__name__).exception("a part of the page failed")
        st.error(escaped(sentence(f"this part failed with {type(error).__name__}: {error}")), icon=":material/error:")
