"""What each normaliser and pre-tokeniser of the library is called on the page, and what it does, in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Settings = dict[str, Any]
"""A step as it stands in `tokenizer.json`; `type` names it."""


def describe(step: Settings) -> tuple[str, str]:
    """Title and sentence of a step; one that is unknown here is named, no more."""
    name = str(step["type"])
    if (known := _STEPS.get(name)) is None:
        return name, f"A step of the library named {name}; what it did is seen in the pieces."
    title, sentence = known
    return title, sentence if isinstance(sentence, str) else sentence(step)


def added(after: bool) -> tuple[str, str]:
    """The same for cutting out added tokens, in the text as typed or after the normaliser."""
    where = "in the text as it is now" if after else "in the text as it was typed"
    return "Added tokens", f"Tokens that were added to the vocabulary by hand are looked for {where} and cut out whole."


def _bert(step: Settings) -> str:
    strips = step["lowercase"] if step["strip_accents"] is None else step["strip_accents"]
    does = [
        (
            "control characters, joiners and similar invisible signs, private-use characters and “�” are dropped",
            step["clean_text"],
        ),
        ("every blank becomes a space", step["clean_text"]),
        ("Chinese characters get spaces around them", step["handle_chinese_chars"]),
        ("accents are dropped", strips),
        ("capital letters become small", step["lowercase"]),
    ]
    done = [words for words, set_ in does if set_]
    return f"BERT's own cleaning: {_listed(done)}." if done else "BERT's own cleaning, with all of it turned off."


def _strip(step: Settings) -> str:
    ends = [name for name, key in (("start", "strip_left"), ("end", "strip_right")) if step[key]]
    return f"Blanks at the {' and the '.join(ends)} are dropped." if ends else "No blanks are dropped."


def _replace(step: Settings) -> str:
    what, becomes = _pattern(step["pattern"], "match of "), step["content"]
    return f"Each {what} {f'becomes {_quoted(becomes)}' if becomes else 'is dropped'}."


def _prepend(step: Settings) -> str:
    return f"{_quoted(step['prepend'])} is put in front of the text, or of each part between added tokens cut out."


def _byte_level(step: Settings) -> str:
    """A normaliser and a pre-tokeniser share this name; only the latter can cut."""
    does = [
        ("first, a space is put in front of each piece that begins with none", step.get("add_prefix_space", False)),
        (
            "the text is cut into words, numbers and runs of signs, each with the space before it, and into other "
            "blanks; 's and the like behind a word stand alone",
            step.get("use_regex", False),
        ),
        ("each character counts as its bytes from here on, of which there are only 256", True),
    ]
    listed = "; ".join(words for words, set_ in does if set_)
    return f"{listed[0].upper()}{listed[1:]}."


def _metaspace(step: Settings) -> str:
    mark = _quoted(step["replacement"])
    front = {
        "always": ", and every piece that begins with none gets one in front",
        "first": ", and the piece at the very start of the text as typed gets one in front, unless it begins with one",
    }
    cut = f"; a new piece begins at each {mark}" if step["split"] else ""
    return f"Each space is written as {mark}{front.get(step['prepend_scheme'], '')}{cut}."


def _split(step: Settings) -> str:
    what = "all that stands between two matches" if step["invert"] else "each match"
    behaviour = _BEHAVIOURS[step["behavior"]].format(what)
    return f"Cut by {_pattern(step['pattern'], 'the pattern ')}: {behaviour}."


def _punctuation(step: Settings) -> str:
    return f"Cut at punctuation: {_BEHAVIOURS[step['behavior']].format('each mark')}."


def _digits(step: Settings) -> str:
    return (
        "Each digit is a piece by itself." if step["individual_digits"] else "Each run of digits is a piece by itself."
    )


_BEHAVIOURS = {
    "Removed": "{} is dropped",
    "Isolated": "{} is a piece by itself",
    "MergedWithPrevious": "{} ends the piece before it",
    "MergedWithNext": "{} begins the piece after it",
    "Contiguous": "{} is a piece, together with others right beside it",
}


def _pattern(pattern: Settings, name: str) -> str:
    """A regular expression, which gets this name in front, or a plain text."""
    return name + _quoted(pattern["Regex"]) if "Regex" in pattern else _quoted(pattern["String"])


def _quoted(text: str, most: int = 60) -> str:
    """Text of the tokenizer inside a sentence, on one line."""
    shown = "".join(char if char.isprintable() else f"\\u{{{ord(char):X}}}" for char in text)
    return f"“{shown if len(shown) <= most else shown[: most - 1] + '…'}”"


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


_STEPS: dict[str, tuple[str, str | Callable[[Settings], str]]] = {
    "BertNormalizer": ("BERT's cleaning", _bert),
    "Strip": ("Strip blanks", _strip),
    "StripAccents": (
        "Strip accents",
        "Marks that stand on letters are dropped where they are characters of their own.",
    ),
    "NFC": ("Compose (NFC)", "A letter and the accent after it become one character where Unicode has one."),
    "NFD": ("Decompose (NFD)", "A letter with an accent becomes two characters, so é is e and then ´."),
    "NFKC": ("Unify (NFKC)", "Characters that mean the same become the same: ﬁ becomes fi, ² becomes 2, Ａ becomes A."),
    "NFKD": ("Unify and decompose (NFKD)", "ﬁ becomes fi, ² becomes 2, and letters are parted from their accents."),
    "Lowercase": ("Lower case", "Capital letters become small, so The and the are one word."),
    "Nmt": (
        "Clean up",
        "Most ASCII control characters are dropped; tabs, line breaks and some invisible signs, such as the joiner "
        "inside an emoji, become plain spaces, and so do “▁” and “�”.",
    ),
    "Precompiled": (
        "SentencePiece's table",
        "Characters are replaced by a table of the tokenizer's own, often close to NFKC.",
    ),
    "Replace": ("Replace", _replace),
    "Prepend": ("Put in front", _prepend),
    "ByteLevel": ("Bytes", _byte_level),
    "BertPreTokenizer": ("Words and signs", "Cut at blanks, which are dropped, and around each punctuation mark."),
    "CharDelimiterSplit": ("Cut", lambda step: f"Cut at each {_quoted(step['delimiter'])}, which is dropped."),
    "Metaspace": ("Spaces made visible", _metaspace),
    "Whitespace": ("Words and signs", "Words and runs of signs are pieces; the blanks between them are dropped."),
    "WhitespaceSplit": ("Cut at blanks", "Cut at blanks, which are dropped."),
    "Split": ("Cut by a pattern", _split),
    "Punctuation": ("Cut at punctuation", _punctuation),
    "Digits": ("Cut at digits", _digits),
    "UnicodeScripts": (
        "Cut between scripts",
        "Cut where one script ends and another begins, such as Latin and Cyrillic.",
    ),
    "FixedLength": ("Cut by length", lambda step: f"Cut into pieces of {step['length']} characters."),
}
