"""The names under which the session keeps what was set on this page."""

from __future__ import annotations


def key(*parts: str) -> str:
    """The name of a setting: key("inside", "zoo/gpt") -> "model_zoo.inside.zoo/gpt"."""
    return ".".join(("model_zoo", *parts))
