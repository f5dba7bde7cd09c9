"""Switching parts of a model off: their words for the user, and the edits that do it. No Streamlit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.trace import Trace
    from zoo.trace.record import Edit

NOTHING = "Nothing is switched off"


_HALF = r"(?:(encoder|decoder)\.)?"
_BLOCK, _CELL = _HALF + r"blocks\.(\d+)\.", _HALF + r"layers\.(\d+)\.cell\."
_STEPS = {
    _HALF + r"embed\.pos": "positions off",
    _BLOCK + r"attn\.out": "block {1}, attention off",
    _BLOCK + r"attn\.z": "block {1}, head {2} off",
    _BLOCK + r"cross\.out": "block {1}, look at the source off",
    _BLOCK + r"cross\.z": "block {1}, head {2} of the look at the source off",
    _BLOCK + r"mlp\.out": "block {1}, feed-forward off",
    _CELL + "f": "layer {1}, forget gate at 0: nothing is kept",
    _CELL + "z": "layer {1}, update gate at 0: nothing is kept as it was",
    _CELL + "h": "layer {1}, state off",
    "context|start": "what the encoder hands over off",
    r"decoder\.cross\.context": "look at the source off",
}
"""A step that can be switched off -> its words, with the number of its block or layer {1} and of its head {2}."""


def parts(trace: Trace) -> dict[str, tuple[str, int | None]]:
    """What can be switched off in this model: words -> (step, head or None for the whole step)."""
    found: dict[str, tuple[str, int | None]] = {}
    for step in trace.steps:
        for pattern, words in _STEPS.items():
            if match := re.fullmatch(pattern, step):
                half, number = (*match.groups(), None, None)[:2]
                text = f"{half} {words}" if half else words
                for head in range(len(trace[step])) if "{2}" in words else (None,):
                    found[(text[0].upper() + text[1:]).format(half, number, head)] = (step, head)
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
