"""Switching parts of a model off: their words for the user, and the edits that do it. No Streamlit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.trace import Trace
    from zoo.trace.record import Edit

NOTHING = "Nothing is switched off"


def parts(trace: Trace) -> dict[str, tuple[str, int | None]]:
    """What can be switched off in this model: words -> (step, head or None for the whole step)."""
    found: dict[str, tuple[str, int | None]] = {}
    if "embed.pos" in trace:
        found["Positions off"] = ("embed.pos", None)
    for block in range(trace.blocks):
        heads = f"blocks.{block}.attn.z"
        if f"blocks.{block}.attn.out" in trace:
            found[f"Block {block}, attention off"] = (f"blocks.{block}.attn.out", None)
        if heads in trace:
            found |= {f"Block {block}, head {head} off": (heads, head) for head in range(len(trace[heads]))}
        if f"blocks.{block}.mlp.out" in trace:
            found[f"Block {block}, feed-forward off"] = (f"blocks.{block}.mlp.out", None)
    return found


def silence(head: int | None) -> Edit:
    """Zeros instead of the value, or instead of one head (batch, head, time, head_dim) of it."""

    def edit(value: Tensor) -> Tensor:
        changed = value.clone()
        if head is None:
            changed.zero_()
        else:
            changed[:, head] = 0
        return changed

    return edit
