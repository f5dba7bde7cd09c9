"""What was lost between a text and what came back of it, by sort. Used by `zoo.tokenizers.round_trip`.

What became unknown or was left out is known from the tokens. It is taken out of the text first; the rest is then
aligned word by word with what came back.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache, partial

SORTS = ("case", "accents", "spaces", "form", "unknown", "left out", "other")
"""Capital letters; accents; spaces and line breaks; the form in which Unicode writes a character (NFKC); what became
the token that means "unknown"; what is simply gone; any other change."""
_SAMPLE = 24
_WINDOW, _WIDEST = 150, 1200
"""Words that are aligned at a time."""


@dataclass(frozen=True)
class Loss:
    """One sort of loss."""

    sort: str
    """One of `SORTS`."""
    count: int
    """In how many places."""
    at: int
    """Where it is met first, in characters of the text."""
    stood: str
    """What stood there."""
    came: str
    """What came back; empty where nothing did."""


def losses(text: str, back: str, unknown: list[tuple[int, int]], gone: list[int], name: str) -> list[Loss]:
    """One loss of each sort, the most frequent first.

    Args:
        text, back: what was encoded, and what came back.
        unknown: the stretches of the text that became unknown.
        gone: the characters that no token stands for.
        name: how an unknown token is written in `back`.
    """
    inside = {at for start, end in unknown for at in range(start, end)}
    cuts = [(start, end, name) for start, end in unknown] + [(at, at + 1, "") for at in gone if at not in inside]
    cuts.sort()
    known = _words(text, cuts, name)
    found = itertools.chain(_cut_out(text, cuts), _aligned(known, _words(back, [], name)))
    return _merged(found)


def _cut_out(text: str, cuts: list[tuple[int, int, str]]) -> Iterator[Loss]:
    for start, end, written in cuts:
        yield Loss("unknown" if written else "left out", 1, start, _short(text[start:end]), written)


def _merged(losses: Iterator[Loss]) -> list[Loss]:
    first: dict[str, Loss] = {}
    times: Counter[str] = Counter()
    for loss in losses:
        times[loss.sort] += loss.count
        if loss.sort not in first or loss.at < first[loss.sort].at:
            first[loss.sort] = loss
    found = [replace(loss, count=times[sort]) for sort, loss in first.items()]
    return sorted(found, key=lambda loss: -loss.count)


# --- words -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Word:
    """A word or a sign, with the blanks before it; the last one of a text is only the blanks."""

    blank: str
    word: str
    at: int
    """Where the word begins."""
    key: str
    """By which it is recognised on the other side: without case, accents and Unicode form."""


_ALONE = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Kana and Chinese characters: no spaces stand between words, so each is one by itself."""


def _words(text: str, cuts: list[tuple[int, int, str]], name: str) -> list[_Word]:
    """The words of the text with every cut replaced by what is written for it."""
    marks = "".join(re.escape(char) for char in sorted(set(text)) if unicodedata.category(char)[0] == "M")
    sign = re.escape(name) + "|" if name else ""
    pattern = re.compile(rf"(\s*)({sign}[{_ALONE}]|(?:(?![{_ALONE}])[\w{marks}])+|\S|\Z)")
    written, places = _replaced(text, cuts)
    return [
        _Word(found[1], found[2], places(found.start(2)), "\0" if name and found[2] == name else _folded(found[2]))
        for found in pattern.finditer(written)
    ]


def _replaced(text: str, cuts: list[tuple[int, int, str]]) -> tuple[str, Callable[[int], int]]:
    """The text with the cuts replaced, and a function from a position in it to one in the text.

    Positions must be asked for in rising order.
    """
    parts, shifts, at, length = [], [(0, 0)], 0, 0
    for start, end, written in cuts:
        parts += [text[at:start], written]  # two may stand at one place: a rewritten character became two unknowns
        length += len(parts[-2]) + len(written)
        shifts.append((length, end))
        at = max(at, end)
    ahead = iter(shifts[1:])
    current, following = shifts[0], next(ahead, None)

    def place(position: int) -> int:
        nonlocal current, following
        while following is not None and following[0] <= position:
            current, following = following, next(ahead, None)
        return current[1] + position - current[0]

    return "".join([*parts, text[at:]]), place


@lru_cache(maxsize=4096)
def _folded(word: str) -> str:
    return _without_marks(unicodedata.normalize("NFKC", word)).casefold() or word


# --- aligning ----------------------------------------------------------------------------------


def _aligned(ours: list[_Word], theirs: list[_Word]) -> Iterator[Loss]:
    """Walk through both. Where they part, a window of each is aligned, up to the last words that both have."""
    i = j = 0
    while i < len(ours) and j < len(theirs):
        if ours[i].key == theirs[j].key:
            yield from _pair(ours[i], theirs[j])
            i, j = i + 1, j + 1
            continue
        used, used_too, found = _window(ours, theirs, i, j)
        yield from found
        i, j = i + used, j + used_too
    yield from _block(ours[i:], theirs[j:])


def _window(ours: list[_Word], theirs: list[_Word], i: int, j: int) -> tuple[int, int, Iterator[Loss]]:
    """How many words of each side are settled, and what was lost in them."""
    size = _WINDOW
    while True:
        a, b = ours[i : i + size], theirs[j : j + size]
        steps = SequenceMatcher(None, [w.key for w in a], [w.key for w in b], autojunk=False).get_opcodes()
        while steps and steps[-1][0] != "equal":
            steps.pop()
        if steps or size >= _WIDEST or (i + size >= len(ours) and j + size >= len(theirs)):
            break
        size *= 2
    used = (steps[-1][2], steps[-1][4]) if steps else (len(a), len(b))
    return *used, _read(steps or [("replace", 0, len(a), 0, len(b))], a, b)


def _read(steps: Sequence[tuple[str, int, int, int, int]], ours: list[_Word], theirs: list[_Word]) -> Iterator[Loss]:
    for tag, i, i_end, j, j_end in steps:
        if tag == "equal":
            yield from itertools.chain.from_iterable(map(_pair, ours[i:i_end], theirs[j:j_end]))
        else:
            yield from _block(ours[i:i_end], theirs[j:j_end])


def _pair(one: _Word, other: _Word) -> Iterator[Loss]:
    if one.blank != other.blank:
        stood, came = (each.blank + (each.word if each.key != "\0" else "") for each in (one, other))
        yield Loss("spaces", 1, one.at - len(one.blank), _short(stood), _short(came))
    if one.word != other.word:
        yield from _changed(one.at, one.word, other.word)


def _block(ours: list[_Word], theirs: list[_Word]) -> Iterator[Loss]:
    """Words without a counterpart of the same key."""
    stood, came = ("".join(word.blank + word.word for word in words) for words in (ours, theirs))
    if stood == came:
        return
    at = ours[0].at - len(ours[0].blank) if ours else 0
    if stood.strip() and not came.strip():
        yield Loss("left out", sum(bool(word.word) for word in ours), at, _short(stood), "")
    else:
        yield from _changed(at, stood, came)


def _changed(at: int, stood: str, came: str) -> Iterator[Loss]:
    """The fewest sorts of difference that must be ignored for both sides to be equal."""
    for size in range(1, len(_IGNORING) + 1):
        for sorts in itertools.combinations(_IGNORING, size):
            if _ignored(stood, sorts) == _ignored(came, sorts):
                yield from (Loss(sort, 1, at, _short(stood), _short(came)) for sort in sorts)
                return
    yield Loss("other", 1, at, _short(stood), _short(came))


def _ignored(text: str, sorts: tuple[str, ...]) -> str:
    for sort in sorts:
        text = _IGNORING[sort](text)
    return text


def _without(letters: str, text: str) -> str:
    """Decomposed, without the characters of these Unicode categories, and composed again."""
    bare = (char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char)[0] not in letters)
    return unicodedata.normalize("NFC", "".join(bare))


_without_marks = partial(_without, "M")
_IGNORING: dict[str, Callable[[str], str]] = {
    "form": partial(unicodedata.normalize, "NFKC"),
    "case": str.casefold,
    "accents": _without_marks,
    "spaces": lambda text: "".join(text.split()),
    "left out": partial(_without, "C"),  # joiners and control characters, inside of a word
}
"""Sort -> what makes two texts equal that differ in nothing else. Of two that would do, the first is named."""


def _short(text: str) -> str:
    return text if len(text) <= _SAMPLE else text[: _SAMPLE - 1] + "…"
