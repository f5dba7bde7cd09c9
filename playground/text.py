"""Writing numbers and tokens for the reader, in Streamlit's Markdown. No Streamlit, no torch."""

from __future__ import annotations

import re

_MARKS = {" ": "␣", "\n": "⏎", "\r": "␍", "\t": "⇥", "\0": "␀"}
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Unicode's Default_Ignorable_Code_Point, as far as Python takes them for printable."""
_SPECIAL = set("\\`*_{}[]()<>#+-.!|$:~^=&@'\"/")


def visible(piece: str) -> str:
    """A token with its blanks made visible, and what else cannot be seen as <U+200D>; never empty."""
    return "".join(_MARKS.get(char) or _seen(char) for char in piece) or "∅"


def _seen(char: str) -> str:
    """The character; its number where it has no shape of its own, or would turn those beside it around."""
    return char if char.isprintable() and not _UNSEEN.match(char) else f"<U+{ord(char):04X}>"


def escaped(text: str) -> str:
    """Text inside Markdown, as text and nothing else: every special character is escaped."""
    return "".join("\\" + char if char in _SPECIAL else char for char in text)


def quoted(piece: str) -> str:
    """A token inside Markdown, as code, where nothing in it is read as anything else; all of it made visible."""
    text = visible(piece)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def number(value: float, places: int = 2) -> str:
    """A number with a true minus sign: −1.50."""
    return f"{value:.{places}f}".replace("-", "−")


def percent(share: float) -> str:
    """A share as the reader sees it: 12.3 %, 0.04 %, and never a 0 that is none."""
    if 0 < share < 1e-4:
        return "< 0.01 %"
    return f"{share * 100:.{2 if share < 0.01 else 1}f} %"


def count(n: int) -> str:
    """1234567 -> 1,234,567."""
    return f"{n:,}"


def sentence(text: str) -> str:
    """An error's words as a sentence: a capital first, a full stop last."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def plural(n: int, word: str) -> str:
    """1 token, 2 tokens."""
    return f"{count(n)} {word}" + ("" if n == 1 else "s")
