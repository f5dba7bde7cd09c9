"""Setting a race up: two tokenizers, a text, the seconds; the button hands in two runs, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from playground import engine, state
from playground.text import count, escaped, sentence
from playground.views.tokenizers import race_words
from playground.views.tokenizers.keys import key
from playground.views.tokenizers.kinds import TITLES
from playground.views.tokenizers.lab import Lab
from playground.views.train import keys as train_keys
from playground.views.train import source
from zoo.tokenizers import KINDS

if TYPE_CHECKING:
    from zoo.compare.race import Entrant

LEAST = 2000
"""Characters of one's own text."""
SECONDS, LEAST_SECONDS, MOST_SECONDS = 20, 10, 60
MOST_SEED = 9999
LEAST_SIZE = 258
FIRST = (("byte", 512), ("bpe", 1024))
"""What is set to begin with."""
GLASS_BOX, HERE, TRAIN = "Glass-box stories", "The text above", "My text on the page Train"
ASKED = key("race.asked")


def draw(lab: Lab) -> None:
    """The form. What is set stays through page changes."""
    with st.container(border=True):
        entrants = _entrants()
        chosen, text = _text(lab)
        left, middle, right = st.columns([2, 2, 3], vertical_alignment="bottom")
        with left:
            seconds = _number("Seconds for each", "race.seconds", LEAST_SECONDS, MOST_SECONDS, SECONDS)
        with middle:
            seed = _number("Seed", "race.seed", 0, MOST_SEED, 0)
        right.button(
            "Start the race",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
            key=key("race.go"),
            on_click=_ask,
        )
        st.caption(
            f"Two runs in the line of the page Train, of {seconds} seconds each: a GPT of the same shape on the same "
            f"text ({_long(chosen, text)}), first weights and order of the text from seed {seed}. What they have in "
            "common in the end is scored: the same held-out characters."
        )
        if st.session_state.pop(ASKED, False):
            _start(entrants, chosen, text, seconds, seed)


def _ask() -> None:
    """The order is made from what stands in the form by then."""
    st.session_state[ASKED] = True


def _entrants() -> list[Entrant]:
    from zoo.compare.race import Entrant

    most, found = engine.jobs().limits.vocabulary, []
    for place, column, (kind, size) in zip("ab", st.columns(2, gap="large"), FIRST, strict=True):
        with column, st.container(horizontal=True, vertical_alignment="bottom"):
            name = key("race.kind", place)
            if st.session_state.get(name) not in KINDS:
                st.session_state[name] = kind
            st.selectbox(
                "One tokenizer" if place == "a" else "The other",
                list(KINDS),
                key=name,
                format_func=TITLES.__getitem__,
                persist_state="session",
            )
            chosen = str(st.session_state[name])
            entries = _number("Entries", f"race.size.{place}", LEAST_SIZE, most, size, off=chosen == "byte")
            found.append(Entrant(chosen, entries))
    return found


def _number(label: str, name: str, least: int, most: int, first: int, off: bool = False) -> int:
    """A whole number, held to its range on the server too."""
    place = key(name)
    value = st.session_state.get(place)
    st.session_state[place] = min(max(int(first if value is None else value), least), most)
    return int(st.number_input(label, least, most, key=place, persist_state="session", disabled=off))


def _text(lab: Lab) -> tuple[str, str]:
    """Which text, and the text; "" for that of the glass box, which is made when it is needed."""
    own = {HERE: lab.text, TRAIN: text_of_train()}
    most = engine.jobs().limits.characters
    fit = [name for name, text in own.items() if LEAST <= len(text) <= most]
    name = key("race.text")
    if st.session_state.get(name) not in [GLASS_BOX, *fit]:
        st.session_state[name] = GLASS_BOX
    chosen = st.segmented_control(
        "Text to learn from", [GLASS_BOX, *fit], key=name, required=True, persist_state="session"
    )
    if HERE not in fit:
        st.caption(
            f"To race on the text above, give it {count(LEAST)} characters at least; it has {count(len(lab.text))}."
        )
    return str(chosen), own.get(str(chosen), "")


def text_of_train() -> str:
    """What was pasted or uploaded on the page Train; "" where nothing was."""
    uploaded: tuple[str, str] | None = st.session_state.get(source.UPLOAD)
    return uploaded[1] if uploaded else str(st.session_state.get(train_keys.key("paste")) or "")


def _long(chosen: str, text: str) -> str:
    from zoo.compare.race import STORIES

    return f"{count(STORIES)} glass-box stories" if chosen == GLASS_BOX else f"{count(len(text))} characters"


def _start(entrants: list[Entrant], chosen: str, text: str, seconds: int, seed: int) -> None:
    """Hand both orders in, and turn to the race; what is wrong with it is said instead."""
    try:
        with st.spinner("Getting ready …"):
            engine.wait()
            if chosen == GLASS_BOX:
                text = stories()
            runs = submit(entrants, text, seconds, seed)
    except (ValueError, LookupError, OSError) as error:
        st.error(escaped(sentence(str(error))), icon=":material/error:")
        return
    st.session_state[state.RACE] = ".".join(runs)
    st.rerun()


@st.cache_data(show_spinner=False)
def stories() -> str:
    """The glass box as a text."""
    from zoo.compare.race import glass_box_text

    return glass_box_text()


def submit(entrants: list[Entrant], text: str, seconds: int, seed: int) -> list[str]:
    """Both runs, or none; their ids.

    Raises:
        ValueError: they are the same, or one of them is refused.
    """
    from zoo.compare import race

    if entrants[0].name == entrants[1].name:
        raise ValueError("these are twice the same tokenizer: choose another kind, or another number of entries")
    jobs, owner, runs = engine.jobs(), state.owner(), list[str]()
    context = race.context_for(len(text))
    budget = {"seconds": float(min(seconds, jobs.limits.seconds))}
    try:
        for each in entrants:
            title = f"GPT with {race_words.title(each.kind, each.size)}"
            order = race.order(each, budget, "glass-box", seed=seed, context=context, title=title)
            runs.append(jobs.submit(order, owner, text))
    except BaseException:
        for run in runs:
            jobs.delete(run, owner)
        raise
    return runs
