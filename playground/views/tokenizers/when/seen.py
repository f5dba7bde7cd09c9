"""What was measured of a tokenizer, and the form in which a use is talked about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from playground.text import escaped, number, percent
from playground.views.tokenizers.table_words import names
from zoo.tokenizers.across import Cost
from zoo.tokenizers.fertility import Share


@dataclass(frozen=True)
class Seen:
    """What was measured of one tokenizer."""

    title: str
    costs: Mapping[str, Cost]
    """By preset."""
    shares: Sequence[Share]
    rows: int
    """Of its embedding."""
    the_apart: bool
    """Whether “The” and “the” become different tokens."""

    @property
    def name(self) -> str:
        """In bold."""
        return names([self.title])


@dataclass(frozen=True)
class Claim:
    """A use, what follows for it, and the figures from which it follows."""

    use: str
    sentence: str
    header: list[str]
    rows: list[list[str]]


def claim(
    use: str, sentence: str, header: Sequence[str], seen: Sequence[Seen], cells: Callable[[Seen], list[str]]
) -> Claim:
    """A claim with a row for each tokenizer."""
    return Claim(use, sentence, ["", *header], [[escaped(each.title), *cells(each)] for each in seen])


def ranked(seen: Sequence[Seen], value: Callable[[Seen], float | None]) -> list[tuple[float, Seen]]:
    """Those that have a value, with it; the largest first."""
    known = [(found, each) for each in seen if (found := value(each)) is not None]
    return sorted(known, key=lambda pair: -pair[0])


def level(found: Sequence[tuple[float, Seen]], value: float) -> str:
    """The names of those with this very value."""
    return names([each.title for other, each in found if other == value])


def figure(value: float | None) -> str:
    """A number in a table."""
    return "–" if value is None else number(value)


def part(share: float) -> str:
    """A share in a table."""
    return "none" if not share else percent(share)
