"""Memory and search: what follows from the vocabulary, and from what it does not tell apart."""

from __future__ import annotations

from collections.abc import Sequence

from playground.text import count, number
from playground.views.tokenizers.table_words import SORTS, names, parameters
from playground.views.tokenizers.when.seen import Claim, Seen, claim, level

IGNORED = ("case", "accents")
"""Sorts of loss that help to find a word."""


def small(seen: Sequence[Seen], width: int) -> Claim:
    """The embedding is small beside a block of the same width."""
    block = 12 * width * width
    found = sorted(((float(each.rows), each) for each in seen), key=lambda pair: pair[0])
    (few, low), (many, high) = found[0], found[-1]
    said = (
        f"{level(found, few)}: at width {count(width)} the embedding has {parameters(low.rows * width)} parameters, as "
        f"many as {number(few * width / block, 2)} transformer blocks (12 · {count(width)}² each)."
    )
    if many > few:
        said += f" That of {level(found, many)} has {parameters(high.rows * width)}, as many as "
        said += f"{number(many * width / block, 2)} blocks.{_price(low, high)}"
    header = ["entries", f"parameters at width {count(width)}"]
    use = "A small model, little memory"
    return claim(use, said, header, seen, lambda each: [count(each.rows), parameters(each.rows * width)])


def _price(low: Seen, high: Seen) -> str:
    """What the smaller vocabulary costs, where both read the same English."""
    one, other = low.costs["Plain English"], high.costs["Plain English"]
    if one.unread or other.unread:
        return ""
    counts = f"{count(one.tokens)} tokens against {count(other.tokens)} for the same English text"
    if one.tokens > other.tokens:
        return f" The small vocabulary pays with longer texts: {counts}."
    return f" The larger vocabulary saves nothing here: {counts}."


def search(seen: Sequence[Seen]) -> Claim:
    """Capital letters and accents are ignored."""
    found = [each for each in seen if _ignores(each)]
    if found:
        take = "takes" if len(found) == 1 else "take"
        what = " and ".join(SORTS[sort] for sort in IGNORED if any(sort in _ignores(each) for each in found))
        said = (
            f"{names([each.title for each in found])} {take} {what} away before the text is cut: fewer spellings of a "
            "word. That helps to find and to sort, and is wrong for writing, because what is gone does not come back."
        )
    else:
        said = "None of these takes capital letters or accents away"
        said += ": “The” and “the” are different tokens in each." if all(each.the_apart for each in seen) else "."
    return claim(
        "Search and sorting, where “Café” should find “cafe”",
        said,
        ["ignores"],
        seen,
        lambda each: [", ".join(SORTS[sort] for sort in _ignores(each)) or "nothing"],
    )


def _ignores(each: Seen) -> list[str]:
    return [sort for sort in IGNORED if any(sort in cost.lost for cost in each.costs.values())]
