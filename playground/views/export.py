"""Taking a view along: every recorded step as a file, and the words to recompute it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from playground.views.controls import Subject
from zoo.trace.trace import Trace


def draw(subject: Subject) -> None:
    """A download of the whole trace; the address of the page is its permalink."""
    st.download_button(
        "Download every number",
        data=lambda: as_bytes(subject.trace),
        file_name="trace.safetensors",
        mime="application/octet-stream",
        icon=":material/download:",
        on_click="ignore",
        help="Every recorded step under its name, as safetensors. The page's address reopens this view.",
    )


def as_bytes(trace: Trace) -> bytes:
    """The trace in the format that `python -m zoo trace --out` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.safetensors"
        trace.save(path)
        return path.read_bytes()
