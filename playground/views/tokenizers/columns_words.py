"""What is to be noticed in the columns: sentences that are true of this text and these tokenizers. No Streamlit."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from itertools import groupby

from playground.components.columns import Shown
from playground.text import count, escaped, plural, quoted
from playground.views.tokenizers.table_words import names, times
from zoo.tokenizers.boundaries import Boundaries, boundaries
from zoo.tokenizers.characters import Part
from zoo.tokenizers.cut import Cut

_MOST = 3
"""Sentences that are said at once, and special tokens that are named."""


def notice(text: str, columns: Sequence[Shown]) -> str:
    """Markdown: where they agree first, then the first of them that loses, rewrites or splits something."""
    cuts = [(escaped(each.title), each.cut) for each in columns if each.cut is not None]
    said = [agreement(text, [cut for _, cut in cuts])]
    for about in _ABOUT:
        said.append(next(filter(None, (about(name, text, cut) for name, cut in cuts)), ""))
    said.append(lengths(cuts))
    return " ".join([each for each in said if each][:_MOST])


def agreement(text: str, cuts: Sequence[Cut]) -> str:
    """On how many boundaries all columns agree, in the part that all of them show."""
    if len(cuts) < 2:
        return ""
    found = boundaries(cuts)
    places = len(found.shared) + len(found.apart)
    if not places:
        return ""
    where = _where(text, cuts, found)
    if not found.apart:
        all_of = "the one boundary" if places == 1 else f"all {count(places)} boundaries"
        return f"The {len(cuts)} tokenizers agree on {all_of}{where}."
    boundary = "boundary that any of them has" if places == 1 else "boundaries that any of them has"
    agree = f"The {len(cuts)} tokenizers agree on {count(len(found.shared))} of the {count(places)} {boundary}"
    return f"{agree}{where}."


def _where(text: str, cuts: Sequence[Cut], found: Boundaries) -> str:
    if found.reach == cuts[0].length:
        return ""
    shown = len(text.encode()[: found.reach].decode(errors="ignore"))
    return f" in the first {plural(shown, 'character')}, which all of them show"


def lengths(cuts: Sequence[tuple[str, Cut]]) -> str:
    """Who makes the fewest tokens of the text, and who the most."""
    few, many = (pick(cuts, key=lambda each: each[1].total) for pick in (min, max)) if cuts else (None, None)
    if few is None or many is None or few[1].total in (0, many[1].total):
        return ""
    return f"{many[0]} makes {times(many[1].total / few[1].total)} as many tokens of this text as {few[0]}."


def special(found: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Which special tokens of which tokenizers were typed, by (title, special tokens); and what that means."""
    of: dict[str, list[str]] = {}
    for title, contents in found:
        for content in contents:
            of.setdefault(content, []).append(title)
    if not of:
        return ""
    listed = "; ".join(f"{_quoted(content)} of {names(titles)}" for content, titles in list(of.items())[:_MOST])
    more = f"; and {count(len(of) - _MOST)} more" if len(of) > _MOST else ""
    stands, it_is = ("A special token stands", "It is") if len(of) == 1 else ("Special tokens stand", "They are")
    return (
        f"{stands} in this text: {listed}{more}. {it_is} written out here like any text; a model's own software puts a "
        "special token in by its id."
    )


def _unknown(name: str, text: str, cut: Cut) -> str:
    if not cut.total_unknown:
        return ""
    share = f"{count(cut.total_unknown)} of the {plural(cut.total, 'token')} of {name} mean"
    if cut.total_unknown == cut.total:
        share = f"Every token of {name} means"
    elif cut.total_unknown == 1:
        share += "s"
    first = next((span for span, unknown in zip(cut.spans, cut.unknown, strict=True) if unknown), None)
    stands = "" if first is None else f", the first of them for {_quoted(text[slice(*first)])}"
    return f"{share} “unknown”{stands}."


def _rewritten(name: str, text: str, cut: Cut) -> str:
    """The first tokens that write something else than what stands in the text."""
    tokens = list(zip(cut.spans, cut.bytes, cut.unknown, strict=True))
    groups = [list(group) for _, group in groupby(tokens, key=lambda token: tuple(token[0]))]
    for group in groups if len(cut.ids) == cut.total else groups[:-1]:
        (start, end), _, _ = group[0]
        stands, raw = text[start:end], bytes.fromhex("".join(written for _, written, _ in group))
        if not stands or any(unknown for _, _, unknown in group) or _partial(raw) or raw.decode() == stands:
            continue
        return f"{name} {_change(stands, raw.decode())}."
    return ""


def _partial(raw: bytes) -> bool:
    """Whether it begins or ends within a character: what it shares with a neighbour isn't rewritten."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return True
    return False


def _change(stands: str, written: str) -> str:
    """How one became the other, as a verb with its object."""
    of = f"of {_quoted(stands)}"
    if written == stands.lower():
        return f"drops the {'capital' if len(_capitals(stands)) == 1 else 'capitals'} {of}"
    if written == _bare(stands):
        return f"drops the accent {of}"
    if written == _bare(stands).lower():
        return f"drops capital and accent {of}"
    if written == " " + stands:
        return f"puts a space in front {of}"
    if unicodedata.normalize("NFD", written) == unicodedata.normalize("NFD", stands):  # they look alike
        return f"writes {_quoted(stands)} with {plural(len(written), 'character')}, where the text has {len(stands)}"
    return f"writes {_quoted(written)} for {_quoted(stands)}"


def _capitals(text: str) -> list[str]:
    return [char for char in text if char != char.lower()]


def _bare(text: str) -> str:
    """Without the marks above and below the letters."""
    return "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn")


def _dropped(name: str, text: str, cut: Cut) -> str:
    """How much of the shown text is in none of its tokens."""
    end = len(text) if len(cut.ids) == cut.total else cut.spans[-1][1] if cut.spans else 0
    kept = bytearray(end)
    for start, stop in cut.spans:
        kept[start:stop] = b"\1" * (stop - start)
    lost = [char for char, mark in zip(text[:end], kept, strict=True) if not mark]
    if not lost:
        return ""
    what = "blank" if all(char.isspace() for char in lost) else "character"
    where = "" if end == len(text) else f" of the first {count(end)} characters"
    return f"{plural(len(lost), what)}{where} {'is' if len(lost) == 1 else 'are'} in no token of {name}."


def _split(name: str, text: str, cut: Cut) -> str:
    """The first character whose bytes are spread over several tokens, and over how many."""
    for i, parts in enumerate(cut.parts):
        part = parts[-1] if parts else Part()
        if not part.char or part.first:
            continue
        char, tokens = part.char, 1
        while part.first + len(part.bytes) < part.of and i + tokens < len(cut.parts) and cut.parts[i + tokens]:
            part = cut.parts[i + tokens][0]
            tokens += 1
        if part.first + len(part.bytes) == part.of:
            return f"{name} spreads the {part.of} bytes of {_quoted(char)} over {tokens} tokens."
    return ""


def _quoted(text: str) -> str:
    return quoted(text if len(text) <= 24 else text[:24] + "…")


_ABOUT: tuple[Callable[[str, str, Cut], str], ...] = (_unknown, _rewritten, _split, _dropped)
