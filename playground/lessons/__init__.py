"""The prose, in Markdown, loaded by id. It holds no numbers of a model: those are measured."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from zoo.trace.schema import entry

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
    **{f"cell.{letter}": "gates" for letter in "iforz"},
    **{f"cell.{letter}": "candidate" for letter in "gn"},
    **{f"cell.{letter}": "state" for letter in "ch"},
    "encoder.out": "state",
    "decoder.out": "mixed",
    "context": "context",
    "start": "context",
    **{f"cross.{leaf}": "cross" for leaf in ("scores", "mask", "pattern", "context")},
    "norm_cross": "norm",
    "cross.out": "values",
    "resid_cross": "stream",
    "head.pre": "logits",
    "head.act": "logits",
    "head.norm": "norm",
    **{f"bag.{leaf}": "counting" for leaf in ("counts", "shares", "mean")},
    **{f"window.{leaf}": "window" for leaf in ("input", "pre", "hidden")},
    "cbow.shares": "neighbours",
    "cbow.mean": "neighbours",
    **{f"ngram.{leaf}": "back_off" for leaf in ("counts.{n}", "own.{n}", "discount", "seen", "back_off", "mix")},
}
"""A step's name or the vocabulary's name for it, its last two parts, or its last part -> the lesson's id."""


@cache
def lesson(lesson_id: str) -> str:
    """The Markdown of a lesson."""
    return Path(__file__).with_name(f"{lesson_id}.md").read_text(encoding="utf-8").strip()


def lesson_of(step: str) -> str | None:
    """The lesson about a step of the trace; None for a step outside of the vocabulary."""
    parts, known = step.split("."), entry(step)
    asked = (step, known.name if known else step, ".".join(parts[-2:]), parts[-1])
    found = next((_OF_STEP[name] for name in asked if name in _OF_STEP), None)
    return lesson(found) if found else None
