"""The page Model zoo: every model on offer as a card, those that are broken, two side by side, and the family tree."""

from __future__ import annotations

import streamlit as st

from playground import engine
from playground.text import plural
from playground.views.guard import guarded
from playground.views.model_zoo import broken, cards, filters, offer, pair, tree
from playground.views.model_zoo.offer import Card


def draw() -> None:
    """The whole page."""
    st.title("Which models are there, and where did each come from?")
    st.markdown(
        "Every model here runs: the steps of the field's history, each in one readable file; weights that were "
        "trained; and whatever you put beside them. All keep one contract, so that the same pages can show them."
    )
    tree.draw()
    if not engine.ready():
        with st.spinner("The models are being loaded, which takes a few seconds the first time …"):
            engine.wait()
    found = offer.cards()
    guarded(_list, found)
    guarded(pair.draw, found)


def _list(found: list[Card]) -> None:
    st.subheader("The models", anchor=False)
    wanted = filters.draw(found)
    shown = [card for card in found if filters.fits(card, wanted)]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{len(shown)} of {plural(len(found), 'model')}; two of them side by side further down.", width="content"
        )
        if len(shown) < len(found):
            st.button("Show all", icon=":material/filter_alt_off:", on_click=filters.clear, type="tertiary")
    if not shown:
        st.info("No model fits all of that. Take a word or a choice away.", icon=":material/search_off:")
    broken.draw()
    cards.draw(shown)
