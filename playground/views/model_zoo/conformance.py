"""The conformance report of a plugin: what `python -m zoo check` says, made in a process of its own when asked for."""

from __future__ import annotations

import threading

import streamlit as st

from playground.jobs import checking
from playground.jobs.checking import Found
from playground.text import escaped, plural
from playground.views.model_zoo.facts import stamp
from playground.views.model_zoo.keys import key
from playground.views.model_zoo.offer import Card

MARKS = {
    True: ":green-badge[:material/check: pass]",
    False: ":red-badge[:material/close: fail]",
    None: ":gray-badge[does not apply]",
}
NOT_RUN = ":gray-badge[not run]"
"""Of a plugin that does not even build."""
_one_at_a_time = threading.Lock()


@st.cache_data(max_entries=64, show_spinner=False)
def report(model: str, stamp: int) -> list[Found]:
    """Every check of a plugin, kept until its file changes; one plugin is checked at a time."""
    from zoo.registry import plugin_folders
    from zoo.testing import CHECKS

    with _one_at_a_time:
        return checking.check(model, plugin_folders(), list(CHECKS))


def button(card: Card) -> None:
    """Ask for the report, or put it away."""
    shown = _shown(card)
    st.button(
        "Hide the report" if shown else "Check it",
        icon=":material/fact_check:",
        key=key("check", card.slug),
        on_click=_toggle,
        args=(card,),
        disabled=not card.plugin or not card.usable,
        help=_help(card),
    )


def _help(card: Card) -> str:
    if not card.usable:
        return "It cannot be built here, so it cannot be checked."
    if not card.plugin:
        return "The checks are for plugins; this model is a folder in Hugging Face format."
    return "Does the plugin keep its contract? Builds it, trains it for a few steps, traces it: a second or two."


def draw(card: Card) -> None:
    """The report, where it was asked for."""
    if not _shown(card) or not card.plugin or not card.usable:
        return
    try:
        with st.spinner("The plugin is being checked …", show_time=True):
            found = report(card.plugin, stamp(card.plugin))
    except (OSError, EOFError):
        st.error(escaped(f"No process could be started for it. Try python -m zoo check {card.plugin} instead."))
        return
    with st.expander(_summary(card, found), expanded=True, icon=":material/fact_check:"):
        st.markdown(listed(found))
        st.caption(escaped(f"The same on the command line: python -m zoo check {card.plugin}"))


def _summary(card: Card, found: list[Found]) -> str:
    passed, failed = (sum(each.ok is ok for each in found) for ok in (True, False))
    rest = len(found) - passed - failed
    said = f"{escaped(card.plugin)}: {passed} of {plural(len(found), 'check')} passed, {failed} failed"
    return said + (f", {rest} not applied" if rest else "")


def listed(found: list[Found]) -> str:
    """A line a check, as Markdown; what failed stands first."""
    order = sorted(found, key=lambda each: each.ok is not False)
    return "\n".join(f"- {_mark(each)} **{escaped(each.name)}**: {escaped(each.message)}" for each in order)


def _mark(result: Found) -> str:
    return NOT_RUN if result.ok is None and result.message.startswith("not run") else MARKS[result.ok]


def _shown(card: Card) -> bool:
    return bool(st.session_state.get(key("report", card.slug)))


def _toggle(card: Card) -> None:
    st.session_state[key("report", card.slug)] = not _shown(card)
