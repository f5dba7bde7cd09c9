"""A twin, and the board on which they stand: what every part of the page draws from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from playground.catalogue import Choice, Weights
from playground.figures.style import MODEL, QUIET
from playground.lessons import lesson
from playground.text import escaped, percent
from zoo.trace.trace import Trace

if TYPE_CHECKING:
    from zoo.inference import LoadedModel
    from zoo.tokenizers import Tokenizer

UNTRAINED, SHUFFLED, HALFWAY, TRAINED = "untrained", "shuffled", "halfway", "trained"
SLOTS = (UNTRAINED, SHUFFLED, HALFWAY, TRAINED)
SEEDS = ("seed0", "seed1", "seed2", "seed3")
"""The twins of a model that nobody has trained: random weights from this seed and the three after it."""
LOOKS: dict[str, dict[str, str]] = {
    **dict(zip(SEEDS, [{"dash": dash} for dash in ("solid", "dash", "dot", "dashdot")], strict=True)),
    UNTRAINED: {"colour": QUIET, "dash": "dash", "symbol": "circle-open"},
    SHUFFLED: {"colour": "#B07A4B", "dash": "dot", "symbol": "x"},
    HALFWAY: {"colour": "#AC98E8", "dash": "dashdot", "symbol": "diamond"},
    TRAINED: {"colour": MODEL, "dash": "solid", "symbol": "circle"},
}
"""Colour, line and mark of each twin in the charts: told apart without the colour, too."""


@dataclass(frozen=True)
class Twin:
    """One set of weights in the architecture that all share."""

    slot: str
    name: str
    """What the page calls it: "Shuffled weights, seed 0"."""
    weights: Weights
    model: LoadedModel
    trace: Trace
    """Of the prompt."""

    @property
    def look(self) -> dict[str, str]:
        """Its colour, line and mark in a chart."""
        return {"colour": QUIET, "dash": "solid", "symbol": "circle"} | LOOKS[self.slot]


@dataclass(frozen=True)
class Board:
    """The twins that are shown, from the least trained to the most, and the prompt that all of them read."""

    choice: Choice
    twins: tuple[Twin, ...]
    ids: tuple[int, ...]

    @property
    def model(self) -> LoadedModel:
        """Any of the models, for what they have in common: tokenizer, context, architecture."""
        return self.twins[0].model

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that all share."""
        return self.model.tokenizer

    @property
    def follows(self) -> bool:
        """Whether they say what comes next."""
        return self.model.task == "next-token"

    @property
    def judged(self) -> bool:
        """Whether they predict a text word by word, from what is before a word or from both sides of it."""
        return self.follows or self.model.fills_blanks

    def of(self, slot: str) -> Twin | None:
        """The twin in this slot, where it is shown."""
        return next((twin for twin in self.twins if twin.slot == slot), None)


def columns(board: Board) -> list[tuple[Twin, Any]]:
    """A column for each twin, with its name on top: on a phone, where they stand below each other, it is needed."""
    found = list(zip(board.twins, st.columns(len(board.twins), gap="medium"), strict=True))
    for twin, column in found:
        column.markdown(f"**{escaped(twin.name)}**")
    return found


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; the cells are Markdown that is safe already. All but the first column lie to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def share(value: float) -> str:
    """A percentage that a narrow column does not break in two."""
    return percent(value).replace(" ", "\u00a0")


def idea(lesson_id: str) -> None:
    """A lesson, to be opened."""
    with st.expander("The idea", icon=":material/lightbulb:"):
        st.markdown(lesson(lesson_id))
