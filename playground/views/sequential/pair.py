"""The two models on the clock: how large each is, what it read, and which predicts better, where that was measured.

From the files of their runs. Bits per character are set side by side only where both models were scored on the very
same held-out text in the same tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from playground.catalogue import checkpoints
from playground.run_files import card_score, last_event, run_info
from playground.text import count, escaped, number

if TYPE_CHECKING:
    from playground.catalogue import Weights
    from zoo.inference import LoadedModel

TIE = 0.01
"""Bits per character: two models that are closer are told to tie."""


class Bits(NamedTuple):
    """Bits per character of two models on one text."""

    one: float
    other: float
    where: str
    """The text, in words."""


def about(one: tuple[LoadedModel, Weights], other: tuple[LoadedModel, Weights]) -> str:
    """Both models' size and training, and who is ahead, as Markdown."""
    folders = [_folder(weights) for _, weights in (one, other)]
    bits = None if None in folders else scored(*[folder for folder in folders if folder])
    given = (bits.one, bits.other) if bits else (None, None)
    said = [
        f"{escaped(model.title)}: {', '.join(_facts(model, weights, folder, loss))}."
        for (model, weights), folder, loss in zip((one, other), folders, given, strict=True)
    ]
    return " ".join([*said, _verdict(bits, one[0].title, other[0].title)])


def _folder(weights: Weights) -> Path | None:
    """The run that these weights came out of; None where they are not trained, or came from elsewhere."""
    from zoo.pretrained.shipped import run_folder

    return run_folder(weights.key) if weights.kind == "trained" else None


def _facts(model: LoadedModel, weights: Weights, folder: Path | None, bits: float | None) -> list[str]:
    found = [f"{count(sum(each.numel() for each in model.module.parameters()))} parameters"]
    event = last_event(folder, "tokens", until=_newest(folder)) if folder else None
    if event is not None:
        found.append(f"{count(event['tokens'])} tokens read in training")
    elif weights.kind != "trained":
        found.append("not trained")
    return found if bits is None else [*found, f"**{number(bits, 3)}** bits per character"]


def _verdict(bits: Bits | None, one: str, other: str) -> str:
    if bits is None:
        return "The two were not scored on the same held-out text in the same tokens, so nothing says who is ahead."
    gap = abs(bits.one - bits.other)
    if gap < TIE:
        return f"{bits.where} they tie: less than {TIE} bits per character apart."
    ahead = one if bits.one < bits.other else other
    return f"{bits.where} {escaped(ahead)} is ahead by {number(gap, 3)} bits per character."


def scored(one: Path, other: Path) -> Bits | None:
    """Two runs' bits per character: those of their cards, else those of their last events; None where texts differ."""
    infos = [run_info(folder) for folder in (one, other)]
    texts = [(info.get("corpus", {}).get("sha256"), info.get("tokenizer")) for info in infos]
    if texts[0] != texts[1] or not all(texts[0]):
        return None
    cards = [card_score(folder) for folder in (one, other)]
    if cards[0] and cards[1] and cards[0][1:] == cards[1][1:]:
        return Bits(cards[0][0], cards[1][0], f"On the same {count(cards[0][1])} held-out tokens")
    windows = [_windows(info) for info in infos]
    events = [last_event(folder, "bits_per_character", until=_newest(folder)) for folder in (one, other)]
    if windows[0] != windows[1] or not all(windows[0]) or not (events[0] and events[1]):
        return None
    where = f"On the first {count(windows[0][0])} windows of held-out text, as their trainings scored them,"
    return Bits(events[0]["bits_per_character"], events[1]["bits_per_character"], where)


def _windows(info: Mapping[str, Any]) -> tuple[Any, Any]:
    """How many windows of held-out text a training was scored on, and their tokens."""
    return info.get("recipe", {}).get("held_out_windows"), info.get("config", {}).get("context")


def _newest(folder: Path) -> float:
    """The step of the weights that are shown: a run may have gone on since."""
    return max(checkpoints(str(folder)), default=float("inf"))
