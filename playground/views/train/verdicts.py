"""What can truly be said of a run, from its own figures: how far it has come, and whether it learns by heart.

Each function gives a sentence, or "" where the figures do not carry one.
"""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

from playground.text import count, number, percent

if TYPE_CHECKING:
    from playground.views.train.history import History
    from zoo.training import Yardsticks

NEAR = 0.03
"""Within this share of the floor a run counts as having reached it."""
RISE = 0.02
"""By this share held-out loss must have risen, and training loss fallen, before anything is said: noise does less."""
LEAST_RISE = 0.01
"""Nats that it must have risen by, too: near zero a share of it is nothing."""
STILL_FALLING = 0.01
"""A loss that fell by this share in the last quarter of the evaluations is still falling."""


def way(history: History, yardsticks: Yardsticks | None, unit: str) -> str:
    """How far the held-out loss has come between guessing and knowing."""
    if not history.held_out or yardsticks is None:
        return ""
    loss, step = history.held_out[-1], history.held_out_steps[-1]
    if yardsticks.unigram is None or yardsticks.bigram is None:
        return _against_ceiling(loss, step, yardsticks.ceiling, unit)
    if yardsticks.floor is None:
        return _against_bigram(loss, step, yardsticks.bigram, unit)
    floor, start = yardsticks.floor, yardsticks.unigram
    if loss <= floor * (1 + NEAR):
        return (
            f"After {count(step)} steps it is within {percent(max(0.0, loss / floor - 1))} of the floor: "
            f"{number(loss, 3)} nats per {unit}, where nobody who knows this language could do better than "
            f"{number(floor, 3)}."
        )
    if loss >= start:
        return (
            f"After {count(step)} steps it knows less than how frequent each {unit} is: {number(loss)} nats per "
            f"{unit}, where the frequencies alone give {number(start)}."
        )
    gone = (start - loss) / (start - floor)
    pairs = f" Knowing only the {unit} before would give {number(yardsticks.bigram)}."
    pairs = pairs if loss >= yardsticks.bigram else ""
    return (
        f"From knowing the frequencies ({number(start)}) to knowing the language ({number(floor)}), it has gone "
        f"{percent(gone)} of the way: {number(loss - floor, 3)} nats per {unit} are missing.{pairs}"
    )


def overfitting(history: History) -> str:
    """Said only where held-out loss has risen above its lowest while training loss went on falling."""
    losses, steps = history.held_out, history.held_out_steps
    if len(losses) < 4:
        return ""
    lowest = min(range(len(losses)), key=losses.__getitem__)
    later = losses[lowest + 1 :]
    around = mean(losses[max(0, lowest - 1) : lowest + 2])  # a single low figure may be luck
    if len(later) < 3 or mean(later[-3:]) < around + max(LEAST_RISE, around * RISE):
        return ""
    half = max(1, (steps[-1] - steps[lowest]) // (2 * len(later)))  # half the way between two evaluations
    before = history.training_loss(steps[lowest] - half, steps[lowest] + half)
    now = history.training_loss(steps[-1] - 2 * half, steps[-1])
    if before is None or now is None or now > before * (1 - RISE):
        return ""
    return (
        f"It is overfitting: since step {count(steps[lowest])} the loss on held-out text has risen from "
        f"{number(losses[lowest], 3)} to {number(losses[-1], 3)}, while on the text it is trained on it fell from "
        f"{number(before, 3)} to {number(now, 3)}. It learns that text by heart. More text, a smaller model or a "
        f"shorter training would help; of the checkpoints, one near step {count(steps[lowest])} is probably the best."
    )


def why_not(history: History, yardsticks: Yardsticks | None) -> str:
    """Of a finished run that did not reach the floor: what its figures say about the reason."""
    if yardsticks is None or yardsticks.floor is None or len(history.held_out) < 4:
        return ""
    losses, floor = history.held_out, yardsticks.floor
    if losses[-1] <= floor * (1 + NEAR) or overfitting(history):
        return ""
    start = "It did not come within 3 % of the floor. "
    quarter = losses[-1 - max(1, len(losses) // 4)]
    if quarter - losses[-1] > STILL_FALLING * losses[-1]:
        return start + (
            f"The held-out loss was still falling at the end, by {number(quarter - losses[-1], 3)} nats in the last "
            "quarter: give it more time."
        )
    steps = history.held_out_steps
    training = history.training_loss(steps[-1] - max(1, steps[-1] // 10), steps[-1])
    if training is not None and training < losses[-1] * (1 - NEAR):
        return start + (
            f"On the text it was trained on it came to {number(training, 3)}, further down than on held-out text: "
            "more stories would help more than more time."
        )
    return start + (
        "It had stopped improving, on training text too: a larger model, one that sees more of the text, or another "
        "architecture has more room."
    )


def _against_bigram(loss: float, step: int, bigram: float, unit: str) -> str:
    """Where nobody knows the language, the counted pairs are the yardstick."""
    gap = bigram - loss
    if gap > 0:
        return (
            f"After {count(step)} steps it is {number(gap)} nats per {unit} better than counting which {unit} follows "
            f"which ({number(bigram)}): it uses more than the {unit} before."
        )
    return (
        f"After {count(step)} steps it has not passed the counted pairs yet: {number(loss)} nats per {unit}, where "
        f"knowing only the {unit} before gives {number(bigram)}."
    )


def _against_ceiling(loss: float, step: int, ceiling: float, unit: str) -> str:
    """Where nothing else is known, a blind guess is the yardstick."""
    return (
        f"After {count(step)} steps it loses {number(loss, 3)} nats per {unit}, where a blind guess loses "
        f"{number(ceiling, 3)}."
    )
