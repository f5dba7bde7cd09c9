"""Two timelines on one clock: a recurrent network's cells, one token after another, and a transformer's blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from playground import engine
from playground.catalogue import Choice, Weights
from playground.figures.clock import Panel, clock_chart, glances, strips
from playground.figures.style import CHART
from playground.text import count, escaped, number, percent, plural, quoted, sentence, visible
from playground.views import beginning
from playground.views.guard import guarded
from playground.views.sequential import cells, generating, offer, pair
from playground.views.sequential.generating import Writer
from zoo.tokenizers import UNKNOWN
from zoo.trace.trace import Trace

if TYPE_CHECKING:
    from zoo.inference import LoadedModel

TEXT, TICK = "sequential.text", "sequential.tick"
RECURRENT, TRANSFORMER = "sequential.recurrent", "sequential.transformer"
LAYER, LOOKING = "sequential.layer", "sequential.looking"
FIRST_TEXT = "The quick brown fox jumps over the lazy dog."
MOST_TOKENS = 24
MOST_CHARACTERS = 300
TOP = 3


@dataclass(frozen=True)
class Side:
    """One of the two models with its text, traced."""

    model: LoadedModel
    weights: Weights
    trace: Trace
    left_out: int
    """Tokens of the text that did not fit on the clock."""
    layers: int
    """Recurrent layers or blocks, counted in the trace."""
    ticks: NDArray[np.int64]
    """(layers + 2, tokens): when each piece of work can be done."""

    @property
    def steps(self) -> int:
        """How many ticks it takes in all."""
        return int(self.ticks.max()) + 1

    @property
    def tokens(self) -> list[str]:
        """The tokens on the clock."""
        return self.trace.tokens


@st.fragment
def draw() -> None:
    """The two models, the clock, what each does at this tick, and generation; a fragment is run without its page."""
    guarded(_draw)


def _draw() -> None:
    st.subheader("Two timelines on one clock", anchor="clock")
    st.markdown(
        "A **tick** is one layer's work: what has to wait for something else comes at a later tick. A recurrent cell "
        "waits for itself one token earlier; a block of a transformer waits only for the block below."
    )
    choices = _choices()
    if choices is None:
        return
    sides = _sides(*choices)
    if sides is None:
        return
    one, other = sides
    st.caption(pair.about((one.model, one.weights), (other.model, other.weights)))
    last = max(one.steps, other.steps) - 1
    tick = _tick(last)
    panels = [Panel(_headline(side), side.tokens, side.ticks, word) for side, word in _named(one, other)]
    st.plotly_chart(
        clock_chart(panels, tick, last), key="sequential.clock", config=CHART, alt=_spoken(one, other, tick)
    )
    st.caption(
        "Row: a token. Column: a tick. E: its embedding is looked up; a number: that layer or block works on it; R: "
        "the next word is read out. Gold: now. Violet: done. Grey: it has to wait. A tick says what must come after "
        "what, not how long it takes: a block's tick holds the work for all tokens."
    )
    st.markdown(f"**Notice.** {notice(one, other)}")
    left, right_column = st.columns(2, gap="large")
    with left:
        _recurrent(one, tick)
    with right_column:
        _transformer(other, tick)
    generating.draw(_writer(one), _writer(other))


def _writer(found: Side) -> Writer:
    return Writer(found.model, found.weights, found.layers, tuple(found.trace.ids))


def _choices() -> tuple[Choice, Choice] | None:
    """The text's box and the two models."""
    readers, transformers = offer.of_family("rnn"), offer.of_family("gpt")
    if not readers or not transformers:
        st.info("This needs a recurrent model and a transformer, and one of the two is not installed here.")
        return None
    begin = offer.first(readers, "zoo/lstm")
    st.session_state.setdefault(TEXT, beginning.of(begin.key) or FIRST_TEXT)
    box, left, right_box = st.columns([4, 2.4, 2.4], vertical_alignment="bottom")
    box.text_input("Text on the clock", key=TEXT, max_chars=MOST_CHARACTERS, persist_state="session")
    with left:
        one = offer.pick("Recurrent", readers, RECURRENT, begin)
    with right_box:
        other = offer.pick("Transformer", transformers, TRANSFORMER, offer.first(transformers, "zoo/gpt", one))
    return one, other


def _sides(one: Choice, other: Choice) -> tuple[Side, Side] | None:
    """Both models' traces; None after an error, which is on the page."""
    found = []
    for choice in (one, other):
        try:
            found.append(side(choice.weights, recurrent=choice is one))
        except ValueError as error:
            st.error(escaped(sentence(str(error))), icon=":material/error:")
            return None
        except Exception as error:  # a user's own model may raise anything
            why = f"{choice.title} failed with {type(error).__name__}: {error}. Choose another model"
            st.error(escaped(sentence(why)), icon=":material/error:")
            return None
    for each in found:
        _about(each)
    return found[0], found[1]


def side(weights: Weights, recurrent: bool) -> Side:
    """A model's trace of the text in the box, and its schedule.

    Raises:
        ValueError: with one sentence for the user.
    """
    from zoo.compare.counts import schedule

    model = engine.model(weights)
    ids = _read(model, str(st.session_state[TEXT]))
    kept = tuple(ids[: min(MOST_TOKENS, model.context)])
    trace = engine.trace(weights, kept)
    layers, tokens = cells.counted(trace) if recurrent else (trace.blocks, len(kept))
    return Side(model, weights, trace, len(ids) - len(kept), layers, schedule(tokens, layers, recurrent))


def _read(model: LoadedModel, text: str) -> list[int]:
    """The text's ids, however long it is: the clock shows the first ones only.

    Raises:
        ValueError: there is no token.
    """
    ids = list(model.tokenizer.encode(text).ids)
    if not ids:
        raise ValueError("the text is empty: type at least one word")
    return ids if model.bos is None else [model.bos, *ids]


def _about(found: Side) -> None:
    """What the reader must know of a side: untrained weights, unknown words, a text cut off."""
    said = []
    if not found.model.trained:
        said.append(f"{found.model.title} is {found.model.about}: its numbers are real, and mean nothing yet.")
    if found.left_out:
        said.append(
            f"{found.model.title}: the first {len(found.tokens)} of {len(found.tokens) + found.left_out} tokens."
        )
    if said:
        st.caption(escaped(" ".join(said)))
    lacking = found.model.tokenizer.raw.token_to_id(UNKNOWN)
    unknown = sum(each == lacking for each in found.trace.ids)
    if unknown:
        st.info(
            f"{escaped(found.model.title)} knows only whole words: {count(unknown)} of "
            f"{plural(len(found.trace.ids), 'token')} here are unknown to it.",
            icon=":material/help:",
        )
        beginning.button(found.weights.key, _take, f"sequential.story.{found.weights.key}")


def _take(text: str) -> None:
    st.session_state[TEXT] = text


def _tick(last: int) -> int:
    """The slider and its two buttons: 0 … last."""
    st.session_state[TICK] = min(max(int(st.session_state.get(TICK, 2)), 0), last)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.slider("Tick", 0, last, key=TICK, width="stretch")
        now = int(st.session_state[TICK])
        for label, icon, by in (("Back", "arrow_back", -1), ("Next tick", "arrow_forward", 1)):
            st.button(
                label,
                icon=f":material/{icon}:",
                type="primary" if by > 0 else "secondary",
                disabled=not 0 <= now + by <= last,
                key=f"sequential.{icon}",
                on_click=_move,
                args=(by,),
            )
    return min(max(now, 0), last)


def _move(by: int) -> None:
    """On from where the clock stands now, so that two quick clicks are two ticks; `_tick` keeps it within its ends."""
    st.session_state[TICK] = int(st.session_state[TICK]) + by


def _named(one: Side, other: Side) -> list[tuple[Side, str]]:
    return [(one, "layer"), (other, "block")]


def _headline(found: Side) -> str:
    word = "layer" if found.trace.blocks == 0 else "block"
    return f"{found.model.title}, {plural(found.layers, word)}: {plural(found.steps, 'tick')}"


def _spoken(one: Side, other: Side, tick: int) -> str:
    return (
        f"Which work is done at which tick, token by token. {_headline(one)}. {_headline(other)}. Now is tick {tick}."
    )


def notice(one: Side, other: Side) -> str:
    """How many ticks each takes here, and for a thousand tokens."""
    from zoo.compare.counts import dependent_steps

    mine, theirs = (dependent_steps(1000, each.layers, recurrent=each is one) for each in (one, other))
    here, there = (
        f"{escaped(each.model.title)} takes {plural(each.steps, 'tick')} for {plural(len(each.tokens), 'token')}"
        for each in (one, other)
    )
    if one.steps > other.steps:
        verdict = "The more tokens, the longer the one waits; the other does not."
    elif one.steps == other.steps:
        verdict = "With so short a text neither waits longer than the other."
    else:
        verdict = "With so short a text the deeper network is the one that waits longer."
    return (
        f"{here}; {there}. {verdict} For 1,000 tokens it would be {count(mine)} ticks and {count(theirs)}: one of "
        "them has to wait for every token before it, whatever machine it runs on."
    )


def _recurrent(found: Side, tick: int) -> None:
    """What the recurrent network does at this tick: the token that is read, its gates and its state."""
    st.markdown(f"**{escaped(found.model.title)} at tick {tick}**")
    layer = _layer(found.layers)
    reading = np.flatnonzero(found.ticks[layer + 1] == tick)
    if tick == 0:
        st.markdown("Looks up the embedding of every token: nothing waits yet, as no state is in it.")
    elif len(reading):
        _cell(found, layer, int(reading[0]))
    elif tick < found.ticks[layer + 1].min():
        st.markdown(f"Layer {layer + 1} waits for the layer below.")
    elif tick < found.steps - 1:
        st.markdown(f"Layer {layer + 1} is done; layer {found.layers} above it still reads.")
    else:
        _answer(found)


def _layer(layers: int) -> int:
    """Which layer is looked at, from 0."""
    if layers == 1:
        return 0
    names = list(range(layers))
    if st.session_state.get(LAYER) not in names:
        st.session_state[LAYER] = 0
    st.segmented_control("Layer", names, key=LAYER, required=True, format_func=lambda at: str(at + 1))
    return int(st.session_state[LAYER])


def _cell(found: Side, layer: int, token: int) -> None:
    cell = cells.cell_at(found.trace, layer, token)
    place = f"token {token + 1} of {len(found.tokens)}"
    st.markdown(f"Layer {layer + 1} reads {quoted(found.tokens[token])}, {place}.")
    with st.container(horizontal=True, gap="medium"):
        for letter, gate in cell.gates.items():
            name, opens = cells.GATES[letter], cells.OPEN[letter]
            st.metric(f"{name}, mean", number(float(gate.mean())), width="content", help=f"1: it {opens}; 0: it shuts.")
        for letter, state in cell.states.items():
            st.metric(f"length of {letter}", number(cells.length(state)), width="content")
    said = [
        f"of {cells.STATES[letter]} the direction stays by cosine {number(same)} from the token before"
        for letter, state in cell.states.items()
        if (same := cells.kept(state, cell.before[letter])) is not None
    ]
    if said:
        st.caption(sentence("; ".join(said)))
    if cell.gates:
        names = {cells.GATES[letter]: gate for letter, gate in cell.gates.items()}
        st.plotly_chart(
            strips(names, signed=False),
            key="sequential.gates",
            config=CHART,
            alt="Each gate, unit by unit, from 0 to 1. " + _means(names),
        )
    names = {cells.STATES[letter]: state for letter, state in cell.states.items()}
    st.plotly_chart(
        strips(names, signed=True), key="sequential.states", config=CHART, alt="The state, unit by unit, around 0."
    )
    half = [f"{letter}: {percent(float((gate > 0.5).mean()))}" for letter, gate in cell.gates.items()]
    if half:
        st.caption(f"Units whose gate is more than half open: {', '.join(half)}.")


def _means(named: dict[str, NDArray[np.float32]]) -> str:
    return ", ".join(f"{name} {number(float(values.mean()))} on average" for name, values in named.items()) + "."


def _transformer(found: Side, tick: int) -> None:
    """What the transformer does at this tick: a block for all tokens at once, and where one of them looks."""
    st.markdown(f"**{escaped(found.model.title)} at tick {tick}**")
    if tick == 0:
        st.markdown("Looks up the embedding of every token, and adds their places where it has such vectors.")
    elif tick <= found.layers:
        st.markdown(f"Block {tick} of {found.layers}, for {plural(len(found.tokens), 'token')} **at once**.")
        _glance(found, tick - 1)
    else:
        _answer(found)


def _glance(found: Side, block: int) -> None:
    name = f"blocks.{block}.attn.pattern"
    if name not in found.trace or found.trace[name].ndim != 3:
        st.caption("This model does not show where its tokens look in this block.")
        return
    places = list(range(len(found.tokens)))
    if st.session_state.get(LOOKING) not in places:
        st.session_state[LOOKING] = places[-1]
    st.selectbox(
        "The token that looks", places, key=LOOKING, format_func=lambda at: f"{at + 1} · {_plain(found.tokens[at])}"
    )
    row = int(st.session_state[LOOKING])
    pattern = found.trace[name][:, row, :]
    st.plotly_chart(
        glances(pattern, found.tokens),
        key="sequential.glances",
        config=CHART,
        alt=f"Where {found.tokens[row]} looks, for each of {len(pattern)} heads, from 0 to 1.",
    )
    st.caption(f"Row: a head. Column: the token looked at, by {quoted(found.tokens[row])}. Each row sums to 1.")


def _plain(piece: str) -> str:
    return piece.strip() or visible(piece)


def _answer(found: Side) -> None:
    """The layers are done: what comes next."""
    best = found.model.ranked(found.trace["logits"][-1], TOP)
    words = ", ".join(f"{quoted(each.token)} {percent(each.prob)}" for each in best)
    st.markdown(f"Its layers are done. After {quoted(found.tokens[-1])} it expects {words}.")
