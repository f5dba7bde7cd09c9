"""One text in the tokens of several tokenizers, side by side; what is pointed at is lit in all of them."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from playground.components.bundle import pack
from playground.components.mount import trigger
from zoo.tokenizers.boundaries import boundaries
from zoo.tokenizers.characters import Part
from zoo.tokenizers.cut import Cut

_LONGEST = 160
"""Characters of the text that are shown for one token; an unknown one may stand for the whole text."""
Selected = tuple[str, int]
"""A token: the key of its column and its position there."""


@dataclass(frozen=True)
class Shown:
    """One column: a tokenizer's cut of the text, or the sentence that says why there is none."""

    key: str
    title: str
    cut: Cut | None
    error: str = ""


def token_columns(
    text: str,
    columns: Sequence[Shown],
    *,
    key: str,
    selected: Selected | None = None,
    more: int = 0,
    on_select: Callable[[str, int], None] | None = None,
    on_more: Callable[[], None] | None = None,
) -> None:
    """Show the columns.

    Args:
        text: the text that all of them cut.
        columns: two to four of them; one alone is shown too.
        key: the component's key; unique on the page.
        selected: the token that was chosen, if any.
        more: how many further tokens of each column "show more" would bring; 0 takes the button away.
        on_select: called with the column's key and the token's position when one is clicked.
        on_more: called when more tokens are asked for; the page decides how many there will be.
    """

    def told(value: dict[str, Any]) -> None:
        if "more" in value and on_more is not None:
            on_more()
        elif "column" in value and on_select is not None:
            on_select(value["column"], value["at"])

    data = prepare(text, columns, key, selected, more)
    trigger("columns", data, key=key, valid=lambda value: is_event(value, columns, more), on_trigger=told)


def prepare(text: str, columns: Sequence[Shown], key: str, selected: Selected | None, more: int) -> bytes:
    """The columns as bytes for the browser."""
    cuts = [each.cut for each in columns if each.cut is not None]
    marks = iter(boundaries(cuts).marks)
    told = [_column(text, each, next(marks) if each.cut else []) for each in columns]
    shown = text[: max((each.spans[-1][1] for each in cuts if each.spans), default=0)]
    head = {
        "key": key,
        "columns": told,
        "selected": None if selected is None else list(selected),
        "more": more,
        "right_to_left": right_to_left(shown),
    }
    return pack(head, {})


def is_event(value: object, columns: Sequence[Shown], more: int) -> bool:
    """Whether a value from the browser names a token that is shown, or asks for more where there is more."""
    if value == {"more": True}:
        return more > 0
    if not isinstance(value, dict) or set(value) != {"column", "at"}:
        return False
    lengths = {each.key: len(each.cut.ids) for each in columns if each.cut is not None}
    at, length = value["at"], lengths.get(value["column"], 0) if isinstance(value["column"], str) else 0
    return isinstance(at, int) and not isinstance(at, bool) and 0 <= at < length


def right_to_left(text: str) -> bool:
    """Whether any of it is written from right to left."""
    return any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)


def hue(written: str) -> float:
    """The colour of a token, in degrees: from the bytes that it writes (hexadecimal), so that one text has one colour.

    Neighbouring numbers are far apart in colour: the golden angle, as for the ids on the other pages.
    """
    return round(zlib.crc32(bytes.fromhex(written)) * 137.508 % 360, 1)


def _column(text: str, shown: Shown, marks: Sequence[bool]) -> dict[str, Any]:
    told: dict[str, Any] = {"key": shown.key, "title": shown.title, "error": shown.error}
    cut = shown.cut
    if cut is None:
        return told
    return told | {
        "total": cut.total,
        "total_unknown": cut.total_unknown,
        "ids": cut.ids,
        "names": cut.names,
        "parts": [[_part(part) for part in each] for each in cut.parts],
        "spans": cut.spans,
        "edges": cut.edges,
        "unknown": cut.unknown,
        "hues": [hue(each) for each in cut.bytes],
        "marks": list(marks),
        "sources": _sources(text, cut),
        "gaps": _gaps(text, cut),
    }


def _part(part: Part) -> str | dict[str, Any]:
    return part.text if part.text else asdict(part)


def _sources(text: str, cut: Cut) -> list[str | None]:
    """What each token stands for in the text, where it writes something else."""
    found = (text[start:end] for start, end in cut.spans)
    return [None if each == piece else _short(each) for each, piece in zip(found, cut.pieces, strict=True)]


def _gaps(text: str, cut: Cut) -> list[str]:
    """What of the text is in no token: in front of each token and, where all are shown, behind the last one."""
    ends = [0, *(end for _, end in cut.spans)]
    gaps = [text[end:start] for end, (start, _) in zip(ends, cut.spans, strict=False)]
    if len(cut.ids) == cut.total:
        gaps.append(text[ends[-1] :])
    return [_short(each) for each in gaps]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
