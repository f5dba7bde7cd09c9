"""What can truly be said of the tokens that a paragraph costs in each language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from playground.figures.fertility import Marks
from playground.text import count, escaped, number, percent
from playground.views.tokenizers.grid import Grid
from playground.views.tokenizers.table_words import POOR
from zoo.tokenizers.fertility import Share

Found = Sequence[tuple[str, Sequence[Share]]]
"""Title of a tokenizer, its languages."""


@dataclass(frozen=True)
class Measure:
    """What the chart can show."""

    title: str
    line: float | None
    value: Callable[[Share], float | None]
    words: str
    write: Callable[[float], str] = number


MEASURES = {
    "Against English": Measure(
        "tokens, English = 1",
        1.0,
        lambda share: share.premium,
        "Each mark: the tokens of the paragraph in this language, divided by those in English (the premium of Petrov "
        "and others, 2023). Right of the line one pays more for the same words: in money, in time, and in room.",
    ),
    "Per word": Measure(
        "tokens for each word",
        1.0,
        lambda share: share.tokens_per_word,
        "Each mark: tokens for each word (the fertility of Rust and others, 2021); on the line, a word is one token. "
        "Only languages that put a space between two words (in Vietnamese it stands between syllables). Languages "
        "with long words have fewer of them.",
    ),
    "Per character": Measure(
        "characters in each token",
        None,
        lambda share: share.characters_per_token,
        "Each mark: how many characters a token holds; below 1, a single character costs several tokens. A Chinese "
        "character says more than a Latin letter, so compare tokenizers here, not languages.",
    ),
    "Tokens": Measure(
        "tokens of the paragraph",
        None,
        lambda share: share.tokens,
        "Each mark: the tokens of the whole paragraph.",
        lambda value: count(round(value)),
    ),
}


def marks(found: Found, measure: Measure) -> tuple[list[str], list[Marks]]:
    """The languages, those that pay most first, and each tokenizer's marks in this order.

    The order is by the mean over the tokenizers that read the language; those that none reads come last.
    """
    kept = [i for i, share in enumerate(found[0][1]) if measure.value(share) is not None]

    def height(i: int) -> float:
        values = [measure.value(shares[i]) for _, shares in found if shares[i].unread_share <= POOR]
        known = [value for value in values if value is not None]
        return fmean(known) if known else float("-inf")

    order = sorted(kept, key=height, reverse=True)
    return [found[0][1][i].language for i in order], [
        Marks(
            name,
            [measure.value(shares[i]) for i in order],
            [shares[i].unread_share > POOR for i in order],
            [_hover(shares[i]) for i in order],
        )
        for name, shares in found
    ]


def _hover(share: Share) -> str:
    said = [f"{count(share.tokens)} tokens"]
    if share.premium is not None:
        said.append(f"{number(share.premium)} times English")
    if share.tokens_per_word is not None:
        said.append(f"{number(share.tokens_per_word)} per word")
    if share.unread_share:
        said.append(f"{percent(share.unread_share)} of the characters not read")
    return ", ".join(said)


def notice(found: Found) -> str:
    """For each tokenizer: who pays most, and which languages it does not read."""
    return " ".join(_one(title, shares) for title, shares in found)


def _one(title: str, shares: Sequence[Share]) -> str:
    name = f"**{escaped(title)}**"
    poor = [share for share in shares if share.unread_share > POOR]
    fine = [s for s in shares if s.unread_share <= POOR and s.premium is not None and s.language != "English"]
    said = ""
    if fine and any(share.language == "English" for share in poor):
        said = f"{name} does not read the English that the others are measured against, so its marks say nothing."
    elif fine:
        most, least = (pick(fine, key=lambda share: share.premium or 0) for pick in (max, min))
        most_words, least_words = (f"{number(share.premium or 0)} times" for share in (most, least))
        said = f"With {name}, {most.language} pays the most, {most_words} the tokens of English"
        said += f", and {least.language} the least, {least_words}" if most != least else ""
        said += "."
    if poor:
        where = f"all {len(shares)}" if len(poor) == len(shares) else f"{len(poor)} of {len(shares)}"
        said += f" {name} leaves more than a tenth of the text unread in {where} languages (hollow marks)."
    return said.strip()


def plain(text: str) -> str:
    """Markdown of ours without its marks, for a screen reader."""
    return text.replace("**", "").replace("\\", "")


def caption(measure: Measure) -> str:
    """How to read the chart."""
    return f"{measure.words} Hollow: more than a tenth of the characters are unknown to the tokenizer or left out."


def numbers(found: Found, measure: Measure) -> Grid:
    """What the chart shows: a row for each language, a column for each tokenizer."""
    rows = [
        [share.language, *(_cell(shares[i], measure) for _, shares in found)]
        for i, share in enumerate(found[0][1])
        if measure.value(share) is not None
    ]
    return Grid(["", *(escaped(title) for title, _ in found)], rows)


def _cell(share: Share, measure: Measure) -> str:
    value = measure.value(share)
    return ("–" if value is None else measure.write(value)) + (" ✗" if share.unread_share else "")
