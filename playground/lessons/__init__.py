"""The prose, in Markdown, loaded by id. It holds no numbers of a model: those are measured."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_OF_STEP = {
    "embed.tok": "embedding",
    "embed.prev": "embedding",
    "embed.pos": "position",
    "embed.out": "stream",
    "norm1": "norm",
    "q": "query_key_value",
    "k": "query_key_value",
    "v": "query_key_value",
    "q_norm": "norm",
    "k_norm": "norm",
    "q_rot": "rotation",
    "k_rot": "rotation",
    "scores": "scores",
    "mask": "mask",
    "pattern": "pattern",
    "z": "values",
    "attn.out": "values",
    "resid_mid": "stream",
    "norm2": "norm",
    "pre": "feed_forward",
    "up": "feed_forward",
    "act": "feed_forward",
    "mlp.out": "feed_forward",
    "resid": "stream",
    "final_norm": "norm",
    "logits": "logits",
    "probs": "probabilities",
}
"""A step's name, its last two parts, or its last part -> the lesson's id."""


@cache
def lesson(lesson_id: str) -> str:
    """The Markdown of a lesson."""
    return Path(__file__).with_name(f"{lesson_id}.md").read_text(encoding="utf-8").strip()


def lesson_of(step: str) -> str | None:
    """The lesson about a step of the trace; None for a step outside of the vocabulary."""
    parts = step.split(".")
    found = next((_OF_STEP[name] for name in (step, ".".join(parts[-2:]), parts[-1]) if name in _OF_STEP), None)
    return lesson(found) if found else None
