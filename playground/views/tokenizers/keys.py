"""The names under which the session keeps what was set on this page."""

from __future__ import annotations


def key(*parts: str) -> str:
    """The name of a setting: key("kind", "own") -> "tokenizers.kind.own"."""
    return ".".join(("tokenizers", *parts))


PART = key("part")
"""What is looked at below the tokens."""
HOW = "How it got there"
"""The part that a click on a token opens."""
