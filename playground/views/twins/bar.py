"""The bar of this page: the prompt, the model, which twins are shown, and what their weights are made from."""

from __future__ import annotations

import numpy as np
import streamlit as st

from playground import engine, state
from playground.catalogue import Choice, Weights
from playground.text import count, escaped, sentence
from playground.views.twins.twin import HALFWAY, SEEDS, SHUFFLED, SLOTS, TRAINED, UNTRAINED, Board, Twin

FEWEST = 2
PICK, SLIDER = "twins.shown", "twins.halfway"
LABELS = {
    UNTRAINED: "Random weights",
    SHUFFLED: "Shuffled weights",
    HALFWAY: "Half-way",
    TRAINED: "Trained",
}


def draw() -> Board | None:
    """Draw the bar and load the twins; None after an error, which is on the page."""
    if not engine.ready():
        with st.spinner("The models are being loaded, which takes a few seconds the first time …"):
            engine.wait()
    choice = _subject()
    slots = on_offer(choice)
    shown = picked(slots)
    _pick(slots, shown)
    wanted = _weights(choice, shown)
    _explain(choice, slots)
    return _load(choice, wanted)


def _subject() -> Choice:
    by_title = {choice.title: choice for choice in engine.choices()}
    state.choose(state.MODEL, list(by_title))
    left, right = st.columns([5, 2.4], vertical_alignment="bottom")
    left.text_input(
        "Your text",
        key=state.PROMPT,
        max_chars=state.MAX_CHARACTERS,
        placeholder="Type a few words",
        on_change=state.set_added,
        args=([],),
    )
    right.selectbox("Model", list(by_title), key=state.MODEL, on_change=state.set_added, args=([],))
    return by_title[state.get(state.MODEL)]


def on_offer(choice: Choice) -> list[str]:
    """The twins that this model can have."""
    if not choice.trained:
        return list(SEEDS)
    steps = engine.checkpoints(choice.key, choice.stamp)
    return [slot for slot in SLOTS if slot != HALFWAY or len(steps) > 1]


def picked(slots: list[str]) -> list[str]:
    """The chosen ones among those on offer; where too few are left, all but the half-way one, and three seeds."""
    chosen = state.get(state.TWINS).split(".")
    shown = [slot for slot in slots if slot in chosen]
    return shown if len(shown) >= FEWEST else [slot for slot in slots if slot not in (HALFWAY, SEEDS[-1])]


def _pick(slots: list[str], shown: list[str]) -> None:
    st.session_state[PICK] = shown
    st.pills(
        "Twins, two to four",
        slots,
        selection_mode="multi",
        key=PICK,
        format_func=lambda slot: LABELS.get(slot) or f"Seed {_seed_of(slot)}",
        on_change=_chosen,
        args=(slots,),
    )


def _chosen(slots: list[str]) -> None:
    found = [slot for slot in slots if slot in st.session_state[PICK]]
    if len(found) >= FEWEST:  # else the choice snaps back: one twin alone is no comparison
        st.session_state[state.TWINS] = ".".join(found)


def _seed_of(slot: str) -> int:
    return min(int(state.get(state.SEED)) + SEEDS.index(slot), state.MAX_SEED)


def _weights(choice: Choice, shown: list[str]) -> list[tuple[str, str, Weights]]:
    """Slot, name and weights of each twin, with the controls of those that have some beside each other."""
    found = []
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if not choice.trained or UNTRAINED in shown:
            _seed("Seed of the random weights", state.SEED, "Other seeds, other random weights.")
        for slot in shown:
            if slot == SHUFFLED:
                _seed("Seed of the shuffling", state.SHUFFLE, "Other seeds, another order of the same numbers.")
            step = _halfway(choice) if slot == HALFWAY else None
            found.append(_twin(choice, slot, step))
    return found


def _twin(choice: Choice, slot: str, step: int | None) -> tuple[str, str, Weights]:
    key, stamp = choice.key, choice.stamp
    if slot in SEEDS:
        seed = _seed_of(slot)
        return slot, f"Random weights, seed {seed}", Weights(key, "untrained", seed, stamp)
    if slot == UNTRAINED:
        seed = int(state.get(state.SEED))
        return slot, f"Random weights, seed {seed}", Weights(key, "untrained", seed, stamp)
    if slot == SHUFFLED:
        seed = int(state.get(state.SHUFFLE))
        return slot, f"Shuffled weights, seed {seed}", Weights(key, "shuffled", seed, stamp)
    name = "Trained" if step is None else f"After {count(step)} steps"
    return slot, name, Weights(key, "trained", 0, stamp, step)


def _seed(label: str, key: str, words: str) -> None:
    st.number_input(
        label,
        min_value=0,
        max_value=state.MAX_SEED,
        step=1,
        key=key,
        width=240,
        help=f"The same seed gives the same weights, today and tomorrow. {words}",
    )


def _halfway(choice: Choice) -> int:
    """A slider over the checkpoints before the last, which is the trained twin."""
    steps = engine.checkpoints(choice.key, choice.stamp)[:-1]
    chosen = state.get(state.HALFWAY)
    now = int(chosen) if chosen.isdecimal() and int(chosen[:9]) in steps else steps[len(steps) // 2]
    if len(steps) > 1:
        st.session_state[SLIDER] = now
        st.select_slider(
            "Half-way: training steps taken",
            steps,
            key=SLIDER,
            format_func=count,
            on_change=lambda: st.session_state.update({state.HALFWAY: str(st.session_state[SLIDER])}),
            width=320,
            help="The run has kept the weights of these moments of its training.",
        )
    return now


def _explain(choice: Choice, slots: list[str]) -> None:
    if not choice.trained:
        st.info(
            "Nobody has trained this model yet, so there is nothing to shuffle and nothing to set beside its random "
            "weights but other random weights. Train it on the page Train, and its twins appear here."
        )
    elif HALFWAY not in slots:
        st.caption(
            "This model comes with its last weights only. A model that was trained here, or a run that kept its "
            "checkpoints, also has a twin half-way."
        )


def _load(choice: Choice, wanted: list[tuple[str, str, Weights]]) -> Board | None:
    """The twins that answer; an error for each that doesn't."""
    twins, ids = list[Twin](), tuple[int, ...]()
    for slot, name, weights in wanted:
        try:
            model = engine.model(weights)
            ids = tuple(state.ids(model))
            trace = engine.trace(weights, ids)
            if not np.isfinite(trace["logits"]).all():
                raise ValueError(f"{name}: the model gave numbers that are not finite, so it predicts nothing")
            twins.append(Twin(slot, name, weights, model, trace))
        except (ValueError, LookupError) as error:
            _complain(str(error))
            if not twins:  # the same for all: the text is too long, or the folder can't be read
                return None
        except Exception as error:  # a user's own plugin may raise anything
            _complain(f"{name} failed with {type(error).__name__}; its check says more: python -m zoo check")
    return Board(choice, tuple(twins), ids) if twins else None


def _complain(words: str) -> None:
    st.error(escaped(sentence(words)), icon=":material/error:")
