"""Every head's attention pattern as a thumbnail, and one of them enlarged with its tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.components.bundle import pack
from playground.components.mount import choose


def head_grid(
    patterns: NDArray[Any],
    *,
    tokens: Sequence[str],
    key: str,
    selected: tuple[int, int] | None,
    on_select: Callable[[tuple[int, int]], None] | None = None,
) -> tuple[int, int] | None:
    """Show all heads, and return the (block, head) that is selected.

    Looking at a head needs no trip to the server; the choice is sent all the same, so that other
    views can follow.

    Args:
        patterns: (blocks, heads, time, time) shares of attention: row = the token that looks.
        tokens: the text's pieces, one for each position.
        key: the component's key; unique on the page.
        selected: the (block, head) that the page selects; the reader's click holds until it changes.
        on_select: called with the new (block, head), before the page runs again.

    Raises:
        ValueError: the shape is not (blocks, heads, time, time), or the tokens don't fit it.
    """
    blocks, heads = prepare_check(patterns, tokens)
    value = choose(
        "heads",
        lambda pair: prepare(patterns, tokens, key, pair),
        key=key,
        given=list(selected) if selected is not None else None,
        valid=lambda pair: is_head(pair, blocks, heads),
        on_select=None if on_select is None else lambda pair: on_select((pair[0], pair[1])),
    )
    return None if value is None else (int(value[0]), int(value[1]))


def prepare(patterns: NDArray[Any], tokens: Sequence[str], key: str, selected: tuple[int, int] | None) -> bytes:
    """The patterns as bytes for the browser: float32, with the masked cells marked."""
    head = {"key": key, "tokens": list(tokens), "selected": selected}
    return pack(head, {"patterns": patterns.astype(np.float32), "masked": masked(patterns)})


def prepare_check(patterns: NDArray[Any], tokens: Sequence[str]) -> tuple[int, int]:
    """How many blocks and heads there are.

    Raises:
        ValueError: the shape is not (blocks, heads, time, time), or the tokens don't fit it.
    """
    if patterns.ndim != 4 or patterns.shape[2:] != (len(tokens), len(tokens)):
        raise ValueError(
            f"patterns of shape {patterns.shape} don't fit {len(tokens)} tokens: give (blocks, heads, time, time)"
        )
    return patterns.shape[0], patterns.shape[1]


def masked(patterns: NDArray[Any]) -> NDArray[np.uint8]:
    """(time, time): 1 where every head's share of a later token is exactly 0, as a causal mask leaves it."""
    later = np.triu(np.ones(patterns.shape[2:], dtype=bool), k=1)
    return np.asarray(later & (patterns == 0).all(axis=(0, 1)), dtype=np.uint8)


def is_head(value: object, blocks: int, heads: int) -> bool:
    """Whether a value from the browser is a [block, head] of these patterns."""
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(isinstance(n, int) for n in value):
        return False
    return bool(0 <= value[0] < blocks and 0 <= value[1] < heads)
