"""Arithmetic and letters: what follows from the way in which words are cut."""

from __future__ import annotations

from collections.abc import Sequence

from playground.text import number, percent, plural, quoted
from playground.views.tokenizers.table_words import names
from playground.views.tokenizers.when.seen import Claim, Seen, claim, figure, level, part, ranked
from zoo.tokenizers.across import Number

ALONE = 0.95
"""From this share of single characters on, letters stand by themselves."""
SINGLY, EVENLY, UNEVENLY, UNREAD = "digit by digit", "in even pieces", "in changing pieces", "not read"


def arithmetic(seen: Sequence[Seen]) -> Claim:
    """Numbers are cut so that units stand in line with units."""
    said = []
    if singly := [each.title for each in seen if way(each.costs["Numbers"].numbers) == SINGLY]:
        gives = "gives" if len(singly) == 1 else "give"
        said.append(
            f"{names(singly)} {gives} every digit a token of its own, so a column of a sum is a column of tokens."
        )
    else:
        said.append("None of these gives every digit a token of its own.")
    said += [_not_singly(each) for each in seen if each.title not in singly]
    return claim("Arithmetic", " ".join(said), ["numbers are cut", "digits per token"], seen, _digits)


def _not_singly(each: Seen) -> str:
    numbers = each.costs["Numbers"].numbers
    found = way(numbers)
    if found == UNREAD:
        strange = sum(not one.pieces for one in numbers)
        return f"{each.name} does not know {strange} of the {plural(len(numbers), 'number')} in the example."
    if (pair := differently(numbers)) is not None:
        one, other = pair
        return f"{each.name} cuts {_cut(one)}, but {_cut(other)}: numbers of one length look different to the model."
    most = max(n for one in numbers for n in one.pieces)
    return f"{each.name} puts up to {plural(most, 'digit')} in a token, and cuts numbers of one length alike."


def way(numbers: Sequence[Number]) -> str:
    """How these numbers are cut: one of SINGLY, EVENLY, UNEVENLY, UNREAD."""
    if any(not each.pieces for each in numbers):
        return UNREAD
    if all(n == 1 for each in numbers for n in each.pieces):
        return SINGLY
    return UNEVENLY if differently(numbers) else EVENLY


def differently(numbers: Sequence[Number]) -> tuple[Number, Number] | None:
    """Two equally long numbers that are cut in different ways, where there are such."""
    first: dict[int, Number] = {}
    for each in numbers:
        before = first.setdefault(len(each.digits), each)
        if before.pieces != each.pieces:
            return before, each
    return None


def _cut(each: Number) -> str:
    """`9999` into `999` + `9`."""
    ends = [sum(each.pieces[: i + 1]) for i in range(len(each.pieces))]
    parts = [quoted(each.digits[end - n : end]) for n, end in zip(each.pieces, ends, strict=True)]
    return f"{quoted(each.digits)} into {' + '.join(parts)}" if len(parts) > 1 else f"{quoted(each.digits)} not at all"


def _digits(each: Seen) -> list[str]:
    numbers = each.costs["Numbers"].numbers
    pieces = [n for found in numbers for n in found.pieces]
    return [way(numbers), figure(sum(pieces) / len(pieces) if pieces else None)]


def letters(seen: Sequence[Seen]) -> Claim:
    """Each letter is a token."""
    found = ranked(seen, _alone)
    if not found:
        said = "None of these reads all of the two examples, rare words and DNA."
    elif found[0][0] < ALONE:
        most = found[0][0]
        said = (
            f"None of these shows letters by themselves. The nearest is {level(found, most)}: {percent(most)} of its "
            "tokens of rare words and DNA are single characters. With characters or bytes all are."
        )
    else:
        said = _by_themselves(found)
    return claim(
        "Letters: spelling, rhymes, DNA",
        said,
        ["tokens of one character", "characters not read"],
        seen,
        lambda each: [part(_single(each)), part(_unread(each))],
    )


def _by_themselves(found: Sequence[tuple[float, Seen]]) -> str:
    most, least = found[0][0], found[-1][0]
    said = f"{level(found, most)}: {percent(most)} of the tokens of rare words and DNA are single characters."
    if least < most:
        said += f" With {level(found, least)} {percent(least)} are: it sees the other letters only inside of pieces."
    price = found[0][1].costs["Plain English"].characters_per_token
    return f"{said} The price: {number(price or 0)} characters per token of plain English."


SPELT = ("Rare words", "DNA")
"""The presets in which letters count."""


def _single(each: Seen) -> float:
    """The share of tokens that are one character."""
    costs = [each.costs[name] for name in SPELT]
    return sum(cost.single for cost in costs) / (sum(cost.tokens for cost in costs) or 1)


def _unread(each: Seen) -> float:
    costs = [each.costs[name] for name in SPELT]
    return sum(cost.unread for cost in costs) / sum(cost.characters for cost in costs)


def _alone(each: Seen) -> float | None:
    return None if _unread(each) else _single(each)
