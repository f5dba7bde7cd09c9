"""The residual stream as a vertical line: each block's branches leave it, and are added back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from playground.components.bundle import pack
from playground.components.mount import choose

KINDS = ("input", "stream", "branch", "output")


def spine(
    steps: list[dict[str, Any]],
    *,
    selected: str,
    key: str,
    on_select: Callable[[str], None] | None = None,
) -> str | None:
    """Show a model's steps in order along the stream, and return the id of the selected one.

    Args:
        steps: in the order of the computation, each with `id`, `title`, `kind` ("input", "stream",
            "branch" or "output"), `block` (a number, or None outside the blocks), `note` (one real
            number of the step, as text) and `missing` (True: the model has no such step, or does not
            show it).
        selected: the id that the page selects; the reader's click holds until this changes.
        key: the component's key; unique on the page.
        on_select: called with the new id, before the page runs again.

    Raises:
        ValueError: a step lacks a field, or has an unknown kind.
    """
    ids = {step["id"] for step in steps if "id" in step}
    value = choose(
        "spine",
        lambda step: prepare(steps, step, key),
        key=key,
        given=selected,
        valid=lambda chosen: isinstance(chosen, str) and chosen in ids,
        on_select=on_select,
    )
    return None if value is None else str(value)


def prepare(steps: Sequence[dict[str, Any]], selected: str, key: str) -> bytes:
    """The steps as bytes for the browser."""
    return pack({"key": key, "selected": selected, "steps": [_step(step) for step in steps]}, {})


def _step(step: dict[str, Any]) -> dict[str, Any]:
    lacking = [name for name in ("id", "title", "kind") if not step.get(name)]
    if lacking:
        raise ValueError(f"step {step!r} lacks {', '.join(lacking)}")
    if step["kind"] not in KINDS:
        raise ValueError(f"step {step['id']!r} has unknown kind {step['kind']!r}; choose one of {', '.join(KINDS)}")
    return {
        "id": step["id"],
        "title": step["title"],
        "kind": step["kind"],
        "block": step.get("block"),
        "note": step.get("note") or "",
        "missing": bool(step.get("missing")),
    }
