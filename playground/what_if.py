"""Interventions by name: "blocks.0.attn.z:2" silences head 2 of block 0, "embed.pos" the positions.

The name sits in the URL. No Streamlit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.trace import Trace
    from zoo.trace.record import Edit

_NAME = re.compile(r"(embed\.pos|blocks\.\d{1,3}\.(?:attn|mlp)\.out|blocks\.\d{1,3}\.attn\.z:\d{1,3})")


def options(trace: Trace, block: int) -> dict[str, str]:
    """What can be switched off in this trace, near this block: name -> words for the user."""
    found = {"": "Nothing is switched off"}
    if "embed.pos" in trace:
        found["embed.pos"] = "Positions off"
    attention, heads = f"blocks.{block}.attn", f"blocks.{block}.attn.z"
    if f"{attention}.out" in trace:
        found[f"{attention}.out"] = f"Block {block}: all attention off"
    if heads in trace:
        found |= {f"{heads}:{head}": f"Block {block}: head {head} off" for head in range(len(trace[heads]))}
    if f"blocks.{block}.mlp.out" in trace:
        found[f"blocks.{block}.mlp.out"] = f"Block {block}: feed-forward off"
    return found


def edits(name: str) -> dict[str, Edit]:
    """The edit that sets the named value to zero; none for an empty or unknown name."""
    if not _NAME.fullmatch(name):
        return {}
    step, _, head = name.partition(":")
    return {step: silence(int(head) if head else None)}


def silence(head: int | None) -> Edit:
    """Zeros instead of the value, or instead of one head (batch, head, time, head_dim) of it."""

    def edit(value: Tensor) -> Tensor:
        changed = value.clone()
        if head is None:
            changed.zero_()
        elif head < changed.shape[1]:
            changed[:, head] = 0
        return changed

    return edit
