"""Light and dark, a desktop and a phone: nothing scrolls sideways, overlaps, or is cut off.

With PLAYGROUND_SCREENSHOTS=FOLDER each page is kept as a picture, to be looked at by a person.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import reading
from tests.browser.app import FORWARD_PASS, NEXT_WORD, App, OpenPage, choose_step, finished, go_to, idle, type_text

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

TEXT = "The old man had a very small boat, and he"

# Every element of the page in the reader's order, also inside the components' shadow roots.
_WALK = """
const main = document.querySelector('[data-testid=stMain]');
const all = [];
const walk = node => {
    for (const child of node.children) {
        all.push(child);
        walk(child);
        if (child.shadowRoot) walk(child.shadowRoot);
    }
};
walk(main);
const up = node => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host ?? null;
const holds = (outer, inner) => { for (let n = inner; n; n = up(n)) if (n === outer) return true; return false; };
const seen = node => node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
const scrolls = node => {
    for (let n = up(node); n && n !== main; n = up(n)) {
        const rule = getComputedStyle(n).overflowX;
        if ((rule === 'auto' || rule === 'scroll') && n.scrollWidth > n.clientWidth) return true;
    }
    return false;
};
const said = node => JSON.stringify((node.innerText ?? '').slice(0, 40));
const words = node => `${node.tagName.toLowerCase()}.${node.className} ${said(node)}`;
// What of an element can be seen: its box without what a scrolling or clipping ancestor hides.
const boxed = node => {
    let { left, right, top, bottom } = node.getBoundingClientRect();
    for (let n = up(node); n && n !== main; n = up(n)) {
        if (getComputedStyle(n).overflowY === 'visible') continue;
        const b = n.getBoundingClientRect();
        [left, right, top, bottom] = [Math.max(left, b.left), Math.min(right, b.right), Math.max(top, b.top),
            Math.min(bottom, b.bottom)];
    }
    return right - left > 1 && bottom - top > 1 ? { left, right, top, bottom } : null;
};
"""
_OUTSIDE = f"""() => {{ {_WALK}
    const kinds = 'h1, h2, h3, p, li, button, input:not([type=range]), canvas, table, .chip, .station, .step';
    const texts = all.filter(n => n.matches(kinds) && seen(n) && !scrolls(n));
    const beyond = b => b.left < -1 || b.right > innerWidth + 1;
    return texts.filter(n => boxed(n) && beyond(n.getBoundingClientRect())).map(words);
}}"""
_CUT_OFF = f"""() => {{ {_WALK}
    const kinds = 'h1, h2, h3, p, button, label, .chip, .token, .prob, .logit, .note, .name, td, th';
    const texts = all.filter(n => n.matches(kinds) && seen(n));
    return texts.filter(n => {{
        const style = getComputedStyle(n);
        const clipped = !['visible', 'auto'].includes(style.overflowX) && style.textOverflow !== 'ellipsis';
        return clipped && n.scrollWidth > n.clientWidth + 1 && boxed(n);
    }}).map(words);
}}"""
_OVERLAPS = f"""() => {{ {_WALK}
    const kinds = 'button, input:not([type=range]), h1, h2, h3, p, .candidate, .station, .chip';
    const free = n => !scrolls(n) && !n.closest('table, .thumbs, [data-testid=stSlider]');
    const things = all.filter(n => n.matches(kinds) && seen(n) && free(n) && boxed(n));
    const found = [];
    for (const [i, a] of things.entries()) {{
        const x = boxed(a);
        for (const b of things.slice(i + 1)) {{
            const y = boxed(b);
            const wide = Math.min(x.right, y.right) - Math.max(x.left, y.left);
            const high = Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top);
            if (wide > 2 && high > 2 && !holds(a, b) && !holds(b, a)) found.push(`${{words(a)}} over ${{words(b)}}`);
        }}
    }}
    return found;
}}"""
_WIDTHS = """() => [document.documentElement, document.querySelector('[data-testid=stMain]')].map(
    n => n.scrollWidth - n.clientWidth)"""


def check_layout(page: Page, name: str) -> None:
    """Nothing is wider than the window, beyond its edge, cut off, or on top of something else."""
    page.wait_for_timeout(300)
    _keep_picture(page, name)
    assert page.evaluate(_WIDTHS) == [0, 0], f"{name} scrolls sideways"
    assert page.evaluate("() => innerWidth - document.documentElement.scrollWidth") >= 0
    for what, script in (("beyond the edge", _OUTSIDE), ("cut off", _CUT_OFF), ("overlapping", _OVERLAPS)):
        found = page.evaluate(script)
        assert found == [], f"{name}: {what}: {found[:5]}"


def _keep_picture(page: Page, name: str) -> None:
    """The whole page, not only what fits into the window."""
    folder = os.environ.get("PLAYGROUND_SCREENSHOTS")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    assert size is not None
    height = int(page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight"))
    page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
    page.wait_for_timeout(300)
    page.screenshot(path=Path(folder) / f"{name}.png")
    page.set_viewport_size(size)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_pages_fit_in_every_state(app: App, watch: OpenPage, theme: str, width: int) -> None:
    page = watch(width=width, height=900 if width > 500 else 844, color_scheme=theme).page
    page.goto(app.address())
    finished(page, NEXT_WORD)
    type_text(page, TEXT)
    name = f"{theme}-{width}"
    check_layout(page, f"next-word-{name}")
    page.get_by_role("button", name="Add 10", exact=True).click()
    page.get_by_text("The text so far").wait_for()
    idle(page)
    page.locator(".chip").nth(3).click()
    page.get_by_role("heading", name="What the model expected here").wait_for()
    idle(page)
    page.get_by_text("How the token is drawn").click()
    check_layout(page, f"next-word-reopened-{name}")
    background = page.evaluate("() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 20, 27)"}[theme]

    page.goto(app.address(FORWARD_PASS, prompt=TEXT))
    finished(page, FORWARD_PASS)
    check_layout(page, f"forward-pass-{name}")
    for step in ("blocks.1.attn.q", "logits"):
        choose_step(page, step)
        reading.grid(page).locator("td[data-r='2'][data-c='1']").click()
        page.locator(".opened").wait_for()
        check_layout(page, f"{step}-opened-{name}")


def test_the_untrained_twin_fits_on_a_phone(app: App, watch: OpenPage) -> None:
    page = watch(width=390, height=844).page
    page.goto(app.address(weights="untrained"))
    finished(page, NEXT_WORD)
    check_layout(page, "untrained-390")
    go_to(page, FORWARD_PASS)
    check_layout(page, "untrained-forward-pass-390")
