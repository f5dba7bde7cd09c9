"""The figures of the tokenizers as tables, and what can truly be said of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from playground.text import count, escaped, number, percent, plural
from playground.views.tokenizers.grid import Grid
from zoo.tokenizers.across import Cost
from zoo.tokenizers.table import Row

SORTS = {
    "case": "capital letters",
    "accents": "accents",
    "spaces": "spaces and line breaks",
    "form": "the Unicode form",
    "unknown": "what is unknown to it",
    "left out": "what it leaves out",
    "other": "something else",
}
"""Sort of loss -> its name for the reader."""

LEGEND = (
    "Bytes: of the text in UTF-8. Unknown: tokens that only say “something that I do not know”. The embedding has a "
    "vector for each id (M: millions of numbers); a model whose output matrix is not tied to it "
    "pays that twice. Speed: MB of text on this machine, the median of repeated encodings of this text (a single one "
    "where that takes long). Some tokenizers remember the words that they met, so for them a new text is slower. A "
    "short text tells little, since beginning takes longer than the work. In bold: the most characters per token "
    "among those that give the text back unchanged."
)
MATRIX_LEGEND = (
    "Characters per token; the most in bold, among those that give the text back unchanged. "
    "✗ part of the text is unknown or left out, so a high figure is no merit. "
    "≈ all is read, but case, accents, blanks or the Unicode form are not kept."
)


@dataclass(frozen=True)
class Line:
    """One tokenizer's figures; None where it gave an error."""

    title: str
    row: Row | None
    speed: float | None


def main(lines: Sequence[Line], width: int) -> Grid:
    """A row for each figure, a column for each tokenizer."""
    best = longest([line.row.characters_per_token if line.row and _same(line.row) else None for line in lines])

    def cells(write: Callable[[Row], str]) -> list[str]:
        return [write(line.row) if line.row else "–" for line in lines]

    rows = [
        ["Tokens", *cells(lambda row: count(row.tokens))],
        ["Characters per token", *_bold(cells(lambda row: _figure(row.characters_per_token)), best)],
        ["Bytes per token", *cells(lambda row: _figure(row.bytes_per_token))],
        ["Unknown tokens", *cells(_unknown)],
        ["Comes back", *cells(lambda row: "yes" if _same(row) else "no")],
        ["Vocabulary", *cells(lambda row: count(row.vocab_size))],
        [f"Embedding at width {count(width)}", *cells(lambda row: parameters(row.embedding_parameters))],
        ["MB encoded per second", *(_figure(line.speed or None) for line in lines)],
    ]
    return Grid(["", *(escaped(line.title) for line in lines)], rows)


def matrix(costs: Sequence[tuple[str, Mapping[str, Cost]]]) -> Grid:
    """Characters per token: a row for each preset, a column for each tokenizer (title, its costs by preset)."""
    rows = []
    for name in costs[0][1]:
        found = [each[name] for _, each in costs]
        best = longest([each.characters_per_token if each.lossless else None for each in found])
        rows.append([escaped(name), *_bold([_cell(each) for each in found], best)])
    return Grid(["", *(escaped(title) for title, _ in costs)], rows)


def longest(figures: Sequence[float | None]) -> set[int]:
    """Which are the largest; None takes no part, and where there is only one tokenizer none is the best."""
    most = max((value for value in figures if value is not None), default=None)
    return {i for i, value in enumerate(figures) if value is not None and value == most and len(figures) > 1}


def notice(lines: Sequence[Line]) -> str:
    """Who needs the fewest tokens for this text, and who does not give it back."""
    rows = [(line.title, line.row) for line in lines if line.row is not None and line.row.characters]
    if not rows:
        return "There is nothing to count in this text: write a few words."
    said = [_fewest(rows), *(_unread(title, row) for title, row in rows if row.unread)]
    said += [f"**{escaped(title)}** makes no token of it." for title, row in rows if not row.unread and not row.tokens]
    if changed := [title for title, row in rows if not _same(row) and not row.unread and row.tokens]:
        reads, its = ("reads", "its") if len(changed) == 1 else ("read", "their")
        said.append(f"{names(changed)} {reads} all of it, but not as it was written: {its} figures leave that out.")
    return " ".join(each for each in said if each)


def _fewest(rows: Sequence[tuple[str, Row]]) -> str:
    known = sorted(((row.tokens, title) for title, row in rows if _same(row)), key=lambda each: each[0])
    if not known:
        return "None of these tokenizers gives this text back unchanged." if len(rows) > 1 else ""
    (low, shortest), (high, longest) = known[0], known[-1]
    if len(known) == 1:
        alone = "alone " if len(rows) > 1 else ""
        return f"**{escaped(shortest)}** {alone}gives this text back unchanged, with {plural(low, 'token')}."
    if low == high:
        return f"{names([title for _, title in known])} need equally many tokens for this text: {count(low)}."
    return (
        f"Of those that give this text back unchanged, **{escaped(shortest)}** needs the fewest tokens, {count(low)}; "
        f"**{escaped(longest)}** needs {times(high / low)} as many. Each token takes a place in what a "
        "model can see at once, and has to be computed."
    )


def _unread(title: str, row: Row) -> str:
    if row.unread == row.characters:
        return f"**{escaped(title)}** reads nothing of this text."
    share = row.unread / row.characters
    little = ", so its figures say little" if share > POOR else ""
    return f"**{escaped(title)}** does not read {percent(share)} of the characters{little}."


POOR = 0.1
"""Of the characters: where more than that is unread, the number of tokens says little."""


def _same(row: Row) -> bool:
    return row.round_trip.lossless


def times(ratio: float) -> str:
    """1.3 times, 1.04 times: never "1.0 times" for what is more."""
    return f"{number(ratio, 1 if ratio >= 1.05 else 3)} times"


def names(titles: Sequence[str]) -> str:
    """**A**, **B** and **C**."""
    bold = [f"**{escaped(title)}**" for title in titles]
    return bold[0] if len(bold) == 1 else f"{', '.join(bold[:-1])} and {bold[-1]}"


def parameters(n: int) -> str:
    """34,560 · 38.6 M, for millions."""
    return f"{n / 1e6:,.1f} M" if n >= 1e6 else count(n)


def _figure(value: float | None) -> str:
    return "–" if value is None else number(value)


def _unknown(row: Row) -> str:
    return "none" if not row.unknown else percent(row.unknown_share)


def _cell(cost: Cost) -> str:
    mark = " ✗" if cost.unread else "" if cost.lossless else " ≈"
    return _figure(cost.characters_per_token) + mark


def _bold(cells: Sequence[str], best: set[int]) -> list[str]:
    return [f"**{cell}**" if i in best else cell for i, cell in enumerate(cells)]
