"""What a glass-box language is written in: tables, variables, and beats of sentences. Data only.

`tables.py`, `asides.py` and `plots.py` write the stories in it; `network.py` turns them into states.

A line is one sentence or more of plain words and punctuation, with five kinds of places in it:

    (soft|warm|cool)     one of these, each equally likely; "(3* soft|warm)" says soft three times in four.
                         An option may have several words: "(a small|an old)".
    <mood>               one of the program's list of that name, written in the same way
    [pet]                a value is drawn for the variable `pet`, each equally likely, and said
    {pet}                the value of `pet`, which was drawn before, is said again
    [pet.sound] {pet.sound}   the same, but said in another form of the table

A weight may stand before a whole line too: "2* The sky was blue."
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Values and their forms, each one word: a row is a value, its first column the value's own name."""

    forms: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def words(self, form: str) -> tuple[str, ...]:
        """The words of a column, one a row; "" is the first column."""
        if form and form not in self.forms:
            raise ValueError(f"there is no form {form!r} among {', '.join(self.forms)}")
        column = self.forms.index(form) if form else 0
        return tuple(row[column] for row in self.rows)


def table(text: str) -> Table:
    """A table as it is read: a line of column names, then a line a value.

    Raises:
        ValueError: no value, a row that is too short or too long, or the same value twice.
    """
    lines = [tuple(line.split()) for line in text.strip().splitlines()]
    forms, rows = lines[0], tuple(lines[1:])
    if not rows or any(len(row) != len(forms) for row in rows):
        raise ValueError(f"the table of {forms[0]} needs rows of {len(forms)} words")
    if len({row[0] for row in rows}) < len(rows):
        raise ValueError(f"the table of {forms[0]} has the same value twice")
    return Table(forms, rows)


@dataclass(frozen=True)
class Variable:
    """Something that a story remembers."""

    name: str
    table: Table
    other_than: tuple[str, ...] = ()
    """Variables of the same table whose values it never takes."""


@dataclass(frozen=True)
class Beat:
    """A step of the story: one of the lines is told; with `chance` below 1 sometimes none."""

    lines: tuple[str, ...]
    chance: float = 1.0


@dataclass(frozen=True)
class Fork:
    """How the story goes on depends on a variable, which is drawn in silence if it has no value yet."""

    variable: str
    branches: tuple[tuple[str, tuple[Beat, ...]], ...]
    draw: bool = False


@dataclass(frozen=True)
class Asides:
    """Here sentences may stand that the story does not need; how many is the language's knob.

    The families stand in a ring. The first aside is from any of them, each next one from one of the
    `reach` families that follow, so that nothing is said again soon.
    """

    families: tuple[tuple[str, ...], ...]
    reach: int = 3


@dataclass(frozen=True)
class Program:
    """A whole language: every story runs through all the steps."""

    variables: tuple[Variable, ...]
    steps: tuple[Beat | Fork | Asides, ...]
    lists: tuple[tuple[str, str], ...] = ()
    """Names and options of lists that several lines share: ("mood", "3* busy|quiet")."""
