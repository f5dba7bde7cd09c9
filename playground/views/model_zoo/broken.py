"""Plugins that could not be loaded, each with its reason."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from playground.engine import registry
from playground.text import escaped, plural, sentence
from playground.views.model_zoo.keys import key


def draw() -> None:
    """A card for each; nothing where all were loaded."""
    found = registry().broken
    if not found:
        return
    st.warning(f"{plural(len(found), 'plugin')} could not be loaded.", icon=":material/extension_off:")
    for number, each in enumerate(found):
        with st.container(border=True, gap="small", key=key("broken", str(number))):
            name = Path(each.source).name if each.source.endswith(".py") else each.source
            st.markdown(f"#### **{escaped(name)}**\n:red-badge[:material/error: broken]", anchors=False)
            st.markdown(escaped(sentence(each.error)))
            st.caption(f"From {escaped(each.source)}. The other models are not touched by it.")
            if each.traceback:
                with st.expander("Where it happened", icon=":material/bug_report:"):
                    st.code(each.traceback, language="python")
