"""Numbers and tokens as the reader sees them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground import text

ESCAPABLE = set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")  # CommonMark 0.31, backslash escapes
MEANINGFUL = set("*_`~[]()<>#+-.!|$:\\&@=^{}\"'/")  # in Markdown, its tables and maths, and Streamlit's own signs


def read_markdown(source: str) -> str:
    """What a Markdown reader makes of a line in which every sign of meaning is escaped; fails where one is not."""
    plain, chars = "", iter(source)
    for char in chars:
        if char == "\\":
            char = next(chars)
            assert char in ESCAPABLE, f"a backslash before {char!r} is a backslash"
        else:
            assert char not in MEANINGFUL, f"{char!r} stands unescaped in {source!r}"
        plain += char
    return plain


markdown = st.text(st.one_of(st.sampled_from("*_`~[]()<>#+-.!|$:\\&@=^{}\"'/ \n\tab1"), st.characters()))


def read_code(source: str) -> str:
    """What a Markdown reader makes of a code span (CommonMark 0.31, section 6.1); fails where it is none."""
    opening = re.match("`+", source)
    assert opening, f"{source!r} is no code span"
    fence = opening[0]
    runs = [match for match in re.finditer("`+", source) if match[0] == fence]
    assert [runs[1].end(), len(runs)] == [len(source), 2], f"{source!r} ends elsewhere"
    inside = source[len(fence) : -len(fence)]
    padded = inside.startswith(" ") and inside.endswith(" ") and inside.strip(" ")
    return inside[1:-1] if padded else inside


@given(markdown)
def test_a_token_inside_markdown_is_code_and_nothing_else(piece):
    assert read_code(text.quoted(piece)) == text.visible(piece)


@given(markdown)
def test_an_error_inside_markdown_is_text_and_nothing_else(words):
    assert read_markdown(text.escaped(words)) == words


@given(markdown)
def test_all_is_visible_and_what_was_is_as_it_was(piece):
    shown = text.visible(piece)
    assert all(char.isprintable() and char != " " for char in shown)
    assert re.sub("<U\\+[0-9A-F]{4,6}>|[␣⏎␍⇥␀∅]", "", shown) == "".join(
        char for char in re.sub("<U\\+[0-9A-F]{4,6}>|[␣⏎␍⇥␀∅]", "", piece) if text.visible(char) == char
    )


def test_the_four_blanks_differ_and_no_token_is_invisible():
    assert len({text.visible(each) for each in (" ", "\n", "\r", "\t", "\0", "")}) == 6
    assert text.visible("")


def test_letters_accents_and_pictures_stay_as_they_are():
    for piece in ("Zoë", "Zoe\u0308", "你好", "שלום", "👩", "🫶", "a-b_c"):
        assert text.visible(piece) == piece


@pytest.mark.parametrize(
    ("char", "name"),
    [
        ("\u200d", "U+200D"),  # Cf: joins two pictures
        ("\u202e", "U+202E"),  # Cf: turns what follows around
        ("\x07", "U+0007"),  # Cc
        ("\u2028", "U+2028"),  # Zl
        ("\u2029", "U+2029"),  # Zp
        ("\u00a0", "U+00A0"),  # Zs
        ("\ufe0f", "U+FE0F"),  # Mn, and ignorable
        ("\u3164", "U+3164"),  # Lo, and ignorable
        ("\U000e0101", "U+E0101"),
        ("\ud800", "U+D800"),  # half of a character, which no page can hold
    ],
)
def test_what_cannot_be_seen_is_written_by_its_number(char, name):
    assert text.visible(f"a{char}b") == f"a<{name}>b"
    assert text.quoted(char) == f"`<{name}>`"


@pytest.mark.parametrize(
    ("value", "places", "shown"), [(-1.5, 2, "−1.50"), (1.5, 2, "1.50"), (-1234.56, 1, "−1234.6"), (2.0, 0, "2")]
)
def test_a_number_has_its_places_and_a_true_minus(value, places, shown):
    assert text.number(value, places) == shown


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_a_number_reads_back_within_its_rounding(value, places):
    shown = text.number(value, places)
    assert "-" not in shown
    assert abs(float(shown.replace("−", "-")) - value) <= 0.5 * 10**-places + 1e-9


def read_percent(shown: str) -> float:
    return float(shown.removesuffix(" %")) / 100


@given(st.floats(0, 1))
def test_a_share_reads_back_and_is_never_a_zero_that_is_none(share):
    shown = text.percent(share)
    if shown.startswith("<"):
        assert 0 < share < read_percent(shown.removeprefix("< "))
        return
    assert abs(read_percent(shown) - share) <= (5.1e-5 if share < 0.01 else 5.1e-4)
    assert (read_percent(shown) == 0) == (share == 0)


def test_counts_are_grouped_and_words_agree():
    assert text.count(1234567) == "1,234,567"
    assert [text.plural(n, "token") for n in (0, 1, 2, 4096)] == ["0 tokens", "1 token", "2 tokens", "4,096 tokens"]
