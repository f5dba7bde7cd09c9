"""The colours hold in both themes: a digit can be read on the strongest cell, and the hues stay apart."""

from __future__ import annotations

import tomllib
from itertools import combinations
from pathlib import Path

import pytest

from playground.components import theme

PAGES = {
    name: (colours["backgroundColor"], colours["textColor"])
    for name, colours in tomllib.loads((Path(__file__).parents[3] / ".streamlit" / "config.toml").read_text())[
        "theme"
    ].items()
    if isinstance(colours, dict) and "backgroundColor" in colours
}


def mix(colour: str, background: str, percent: float) -> str:
    """`percent` of a colour over a background, both "#rrggbb": what CSS `color-mix(in srgb, …)` gives."""
    pairs = zip(channels(colour), channels(background), strict=True)
    return "#" + "".join(f"{round(a * percent / 100 + b * (1 - percent / 100)):02x}" for a, b in pairs)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21 (Web Content Accessibility Guidelines 2.1)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (n / 255 for n in channels(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_is_that_of_the_guidelines():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # a well-known border case


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("colour", [theme.POSITIVE, theme.NEGATIVE, theme.ATTENTION])
def test_digits_can_be_read_on_the_strongest_cell(page, colour):
    background, text = PAGES[page]
    assert contrast(text, mix(colour, background, theme.STRENGTH)) >= 4.5


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", theme.ROLES)
def test_role_colours_can_be_read_as_text(page, role):
    background, text = PAGES[page]
    assert contrast(mix(theme.ROLES[role], text, 62), background) >= 4.5


def test_both_themes_are_checked_and_every_role_has_its_own_hue():
    assert set(PAGES) == {"light", "dark"}
    assert all(one != other for one, other in combinations(theme.ROLES.values(), 2))
    assert all(f"--tp-{role}: {colour};" in theme.css() for role, colour in theme.ROLES.items())
