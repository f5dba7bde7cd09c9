"""The names under which the session keeps what was set on this page."""

from __future__ import annotations


def key(*parts: str) -> str:
    """The name of a setting: key("start", "zoo/gpt") -> "train.start.zoo/gpt"."""
    return ".".join(("train", *parts))
