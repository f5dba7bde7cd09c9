"""A text coloured by how surprised two models are at each of its tokens, and by the difference between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.components.bundle import pack
from playground.components.mount import show


def surprise_text(
    pieces: Sequence[str], names: tuple[str, str], losses: NDArray[Any], *, ceiling: float, key: str
) -> None:
    """Show the text three times: in the colours of each model's surprise, and of the difference.

    Everything happens in the browser: the token that is pointed at, in any of the three, is marked in
    all of them, and its numbers are written out.

    Args:
        pieces: what each token adds to the text; blanks are kept as they are.
        names: what the two models are called.
        losses: (2, tokens) −log p of each token in nats; NaN where a model predicts nothing, as for the first.
        ceiling: log of the vocabulary, in nats: where the colour is full, because guessing evenly does as well.
        key: the component's key; unique on the page.

    Raises:
        ValueError: there is not one loss of each model for each piece.
    """
    show("surprise", prepare(pieces, names, losses, ceiling, key), key=key)


def prepare(pieces: Sequence[str], names: tuple[str, str], losses: NDArray[Any], ceiling: float, key: str) -> bytes:
    """The text and its colours as bytes for the browser: `difference` is the first model's loss less the second's."""
    if losses.shape != (2, len(pieces)):
        raise ValueError(f"losses of shape {losses.shape} don't fit {len(pieces)} pieces: give (2, pieces)")
    difference = losses[0] - losses[1]
    known = np.abs(difference[np.isfinite(difference)])
    head = {
        "key": key,
        "pieces": list(pieces),
        "names": list(names),
        "ceiling": float(ceiling),
        "limit": float(known.max()) if known.size else 0.0,
    }
    return pack(head, {"losses": losses.astype(np.float32), "difference": difference.astype(np.float32)})
