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


def test_contrast_is_that_of_the_guidelines():
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # a well-known border case


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("colour", [theme.POSITIVE, theme.NEGATIVE, theme.ATTENTION])
def test_digits_can_be_read_on_the_strongest_cell(page, colour):
    background, text = PAGES[page]
    assert theme.contrast(text, theme.mix(colour, background, theme.STRENGTH)) >= 4.5


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", theme.ROLES)
def test_role_colours_can_be_read_as_text(page, role):
    background, text = PAGES[page]
    assert theme.contrast(theme.mix(theme.ROLES[role], text, 62), background) >= 4.5


def test_both_themes_are_checked_and_every_role_has_its_own_hue():
    assert set(PAGES) == {"light", "dark"}
    assert all(one != other for one, other in combinations(theme.ROLES.values(), 2))
    assert all(f"--tp-{role}: {colour};" in theme.css() for role, colour in theme.ROLES.items())
