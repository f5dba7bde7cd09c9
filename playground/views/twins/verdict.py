"""What follows from the losses that were measured, in words: nothing is claimed that these numbers don't show."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from playground.text import count, escaped, number, plural
from playground.views.twins.twin import SEEDS, SHUFFLED, TRAINED, UNTRAINED, Board
from zoo.evaluation import Score

SURE = 2.0
"""How many standard errors a difference must have before it is called one."""


def verdict(board: Board, scores: Mapping[str, Score], ceiling: float) -> str:
    """The order of the twins on this text, and whether it shows what training put there."""
    sentences = [_order(board, scores, ceiling)]
    if board.twins[0].slot in SEEDS:
        sentences.append(_only_random(scores, ceiling))
    for slot, words in ((SHUFFLED, _SHUFFLED), (UNTRAINED, _RANDOM)):
        if slot in scores and TRAINED in scores:
            sentences.append(_compared(scores[TRAINED], scores[slot], words))
            break
    return " ".join(sentences)


def _order(board: Board, scores: Mapping[str, Score], ceiling: float) -> str:
    size = round(math.exp(ceiling))
    found = [(scores[twin.slot].loss, escaped(twin.name[:1].lower() + twin.name[1:])) for twin in board.twins]
    found.append((ceiling, f"guessing evenly among {count(size)} tokens, which is ln {count(size)}"))
    named = [f"{name} `{number(loss)}`" for loss, name in sorted(found)]
    return f"On the text below, from the least surprised to the most, in nats per token: {'; '.join(named)}."


_SHUFFLED = (
    "The shuffled twin has the same architecture and, tensor by tensor, the very same numbers as the trained one",
    "only in other places",
    "So what was learned is in the values and where they stand, and not in the architecture.",
)
_RANDOM = (
    "The random twin has the same architecture as the trained one",
    "only other numbers in it",
    "So what was learned is in the values, and not in the architecture.",
)


def _compared(trained: Score, other: Score, words: tuple[str, str, str]) -> str:
    """What it costs to lose the values: claimed only where it stands out from the noise of the text."""
    same, different, lesson = words
    cost, error = apart(other.surprisal, trained.surprisal)
    noise = f" (± {number(error)}, one standard error)" if math.isfinite(error) else ""
    amount = f"**{number(abs(cost))}** nats per token{noise}"
    if cost > SURE * error:
        return f"{same}, {different}: that costs it {amount}. {lesson}"
    if cost < -SURE * error:
        return f"{same}, {different}; yet here it does {amount} better: on this text the training did not help."
    return (
        f"{same}, {different}; on {plural(len(trained), 'predicted token')} the two differ by {amount}, "
        "which is too little to tell them apart: try a longer text, or one like those that the model was trained on."
    )


def apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """Mean difference of two losses, token by token, and its standard error (infinite for a single token)."""
    difference = one - other
    spread = difference.std(ddof=1) / math.sqrt(len(difference)) if len(difference) > 1 else math.inf
    return float(difference.mean()), float(spread)


def _only_random(scores: Mapping[str, Score], ceiling: float) -> str:
    losses = [score.loss for score in scores.values()]
    far = max(abs(loss - ceiling) for loss in losses)
    return (
        "All have the same architecture, and other random numbers in it. The furthest from guessing is "
        f"{number(far)} nats away from it: nothing has been learned that would set them apart."
    )
