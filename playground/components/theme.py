"""The colours of every view, once: roles, numbers, and how they follow a light or a dark page.

The components get them as CSS variables (`css`); figures may import the constants. Streamlit gives a
component the page's own colours as `--st-…` variables, so most colours here are mixed with those and
need no second version for the dark theme. Role hues: Okabe and Ito, "Color Universal Design" (2008).
"""

from __future__ import annotations

QUERY = "#0072B2"
KEY = "#D55E00"
VALUE = "#009E73"
ATTENTION = "#CC79A7"

ROLES: dict[str, str] = {"q": QUERY, "k": KEY, "v": VALUE, "a": ATTENTION}
"""One hue for each role, always shown with its letter too."""

POSITIVE = "#E0A008"
NEGATIVE = "#7B61C4"
"""Signed numbers: gold above zero, violet below, the page's own colour at zero."""

STRENGTH = 55
"""How much of a hue, in percent, the strongest cell carries; the rest is the page's background."""


def css() -> str:
    """The variables as a style sheet for a component's root, to stand before its own rules."""
    colours = {f"tp-{role}": colour for role, colour in ROLES.items()}
    colours |= {"tp-positive": POSITIVE, "tp-negative": NEGATIVE}
    lines = [f"  --{name}: {colour};" for name, colour in colours.items()]
    lines += [f"  --{name}-text: {_readable(f'var(--{name})')};" for name in colours]
    lines.append(f"  --tp-strength: {STRENGTH};")
    return ":host, .tp {\n" + "\n".join(lines) + "\n}\n"


def _readable(colour: str) -> str:
    """The hue as text: drawn towards the page's text colour, darker on white and lighter on black."""
    return f"color-mix(in srgb, {colour} 62%, var(--st-text-color))"
