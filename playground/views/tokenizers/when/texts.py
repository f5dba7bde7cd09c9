"""Long texts, any text, code, many languages: what follows from the presets and the paragraph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from playground.text import count, number
from playground.views.tokenizers.table_words import POOR, SORTS, names, times
from playground.views.tokenizers.when.seen import Claim, Seen, claim, figure, level, part, ranked
from zoo.tokenizers.fertility import Share

CONTEXT = 1024
"""Tokens of a context, for the example."""


def long_english(seen: Sequence[Seen]) -> Claim:
    """The most characters in each token of plain English."""
    found = ranked(seen, _per_token("Plain English"))
    if not found:
        said = "None of these keeps plain English as it is written. Add one that does, such as BPE on bytes."
    else:
        most, least = found[0][0], found[-1][0]
        room = count(round(CONTEXT * most))
        said = f"{level(found, most)}: {count(CONTEXT)} of its tokens hold about {room} characters"
        said += f", {times(most / least)} as many as those of {level(found, least)}." if most > least else "."
    use = "Long English texts: as much as possible in the context"
    return claim(use, said, ["characters per token", "comes back"], seen, _kept("Plain English"))


def anything(seen: Sequence[Seen]) -> Claim:
    """Every preset comes back."""
    whole = [each for each in seen if all(cost.lossless for cost in each.costs.values())]
    if whole:
        brings = "brings" if len(whole) == 1 else "bring"
        texts = f"all {len(whole[0].costs)} example texts"
        said = [f"{names([each.title for each in whole])} {brings} {texts} back unchanged."]
    else:
        said = ["None of these brings all the example texts back; a tokenizer on bytes would."]
    said += [_loses(each) for each in seen if each not in whole]
    return claim(
        "Any text at all: chats, the web, files of strangers",
        " ".join(said),
        ["texts that come back", "characters not read"],
        seen,
        lambda each: [
            f"{sum(cost.lossless for cost in each.costs.values())} of {len(each.costs)}",
            part(sum(c.unread for c in each.costs.values()) / sum(c.characters for c in each.costs.values())),
        ],
    )


def _loses(each: Seen) -> str:
    """Which sorts of loss in how many of the texts, the most frequent first."""
    texts = Counter(sort for cost in each.costs.values() for sort in cost.lost)
    lost = (f"{SORTS[sort]} in {n}" for sort, n in texts.most_common())
    return f"{each.name} loses {', '.join(lost)} of them."


def code(seen: Sequence[Seen]) -> Claim:
    """The Python example comes back, in few tokens."""
    found = ranked(seen, _per_token("Code"))
    if found:
        most, least = found[0][0], found[-1][0]
        said = f"{level(found, most)}: each token holds {number(most)} characters of the Python example on average"
        said += f", against {number(least)} with {level(found, least)}." if most > least else "."
    else:
        said = "None of these gives the Python example back."
    if spoilt := [each.title for each in seen if {"spaces", "unknown", "left out"} & {*each.costs["Code"].lost}]:
        lose, they = ("loses", "it") if len(spoilt) == 1 else ("lose", "they")
        said += (
            f" {names(spoilt)} {lose} blanks, line breaks or signs of it: a model could not write code that runs with "
        )
        said += "it." if they == "it" else "them."
    return claim("Code", said, ["characters per token", "comes back"], seen, _kept("Code"))


def languages(seen: Sequence[Seen]) -> Claim:
    """All languages are read, and the dearest of them costs least."""
    found = ranked(seen, _dearest)
    if not found:
        said = "None of these reads all the languages of the chart. One on bytes does."
    else:
        most, least = found[0][0], found[-1][0]
        said = f"{level(found, least)}: of the languages in the chart, {_payer(found[-1][1])} pays the most, "
        said += f"{number(least)} times what English pays."
        if most > least:
            said += f" With {level(found, most)} {_payer(found[0][1])} pays {number(most)} times."
        said += " Equal prices are not yet low ones: look at the characters per token, too."
    return claim(
        "Many languages",
        said,
        ["highest price, English = 1", "languages not read"],
        seen,
        lambda each: [figure(_dearest(each)), count(len(_poor(each)))],
    )


def _per_token(preset: str) -> Callable[[Seen], float | None]:
    """Characters per token where the preset comes back unchanged."""
    return lambda each: each.costs[preset].characters_per_token if each.costs[preset].lossless else None


def _kept(preset: str) -> Callable[[Seen], list[str]]:
    def cells(each: Seen) -> list[str]:
        cost = each.costs[preset]
        return [figure(cost.characters_per_token), "yes" if cost.lossless else "no"]

    return cells


def _poor(each: Seen) -> list[Share]:
    return [share for share in each.shares if share.unread_share > POOR]


def _dearest(each: Seen) -> float | None:
    """The highest premium, where every language is read."""
    known = [share.premium for share in each.shares if share.premium is not None]
    return max(known) if known and not _poor(each) else None


def _payer(each: Seen) -> str:
    return max(each.shares, key=lambda share: share.premium or 0).language
