"""Cost against length: what one pass over a text takes, measured on this machine, and why attention grows as T²."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

import zoo
from playground.figures.cost import Crossing, Curve, cost_chart
from playground.figures.style import CHART
from playground.text import count, escaped, number, percent, plural, sentence
from playground.views.sequential import cost_words
from playground.views.sequential.cost_words import TITLES

if TYPE_CHECKING:
    from zoo.compare.cost import Line, Measured

SECONDS, LONGEST = 20, 2048
"""What the button asks for."""
PATIENCE = 150
"""Seconds after which the measurement is given up."""
KINDS, QUANTITY, LENGTH = "sequential.cost.kinds", "sequential.cost.quantity", "sequential.cost.length"
MOST_LENGTH = 1_000_000


@dataclass(frozen=True)
class Quantity:
    """What the chart can show: a field of a point, in its unit."""

    attribute: str
    unit: str
    title: str
    scale: float = 1.0
    alike: bool = False
    """Whether a fused kernel changes nothing about it."""


QUANTITIES = {
    "Time": Quantity("seconds", "ms", "milliseconds for one pass, by the clock on the wall", 1e3),
    "Processor time": Quantity("processor", "ms", "milliseconds of a processor for one pass", 1e3),
    "Dependent steps": Quantity("steps", "steps", "steps that wait for each other", alike=True),
    "FLOPs": Quantity("flops", "operations", "operations in matrix products", alike=True),
    "Memory": Quantity("peak_bytes", "bytes", "most bytes of values alive at once"),
}


@dataclass
class _Latest:
    """The newest measurement of this server, for everybody who visits it."""

    measured: Measured | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@st.cache_resource
def _latest() -> _Latest:
    return _Latest()


def draw() -> None:
    """The measurement, its chart, and the reason for T²."""
    st.subheader("What does a text of T tokens cost?", anchor="cost")
    st.markdown(
        "Recurrent networks and a transformer of the same width and depth read the same text, from 16 to 2,048 tokens. "
        "*Cell by cell* and *scores written out* are the lines of code that this app shows; *fused* means that torch "
        "does the same in one call, with the same numbers."
    )
    pressed = st.button("Measure on this machine", icon=":material/timer:", key="sequential.cost.go")
    if pressed:
        with st.spinner(f"Measuring, for about {SECONDS} seconds …", show_time=True):
            try:
                measure()
                _look_at_what_counts()
            except (ValueError, OSError) as error:
                st.error(escaped(sentence(str(error))), icon=":material/error:")
    measured = _latest().measured
    found = measured or recorded()
    st.caption(cost_words.source(found, live=measured is not None))
    st.markdown(f"**Notice.** {cost_words.notice(found)}")
    _chart(found)
    _numbers(found)
    _why(found)


@st.cache_data(show_spinner=False)
def recorded() -> Measured:
    """The measurement that comes with the repository."""
    from zoo.compare.cost import RECORDED, Measured

    return Measured.read(RECORDED.read_text(encoding="utf-8"))


def measure() -> None:
    """Measure in a process of its own; whoever asks meanwhile waits, and takes the same result.

    Raises:
        ValueError: it failed, with one sentence for the user.
    """
    latest = _latest()
    before = latest.measured
    with latest.lock:
        if latest.measured is before:
            latest.measured = _run()


def _look_at_what_counts() -> None:
    """After a measurement on a busy machine the chart begins with the time that the sentences are about."""
    found = _latest().measured
    if found is not None and cost_words.basis(found) == "processor" and st.session_state.get(QUANTITY) == "Time":
        st.session_state[QUANTITY] = "Processor time"


def _run() -> Measured:
    """The command of the caption: neither this page's drawing nor its visitors share its interpreter."""
    from zoo.compare.cost import Measured

    command = [sys.executable, "-m", "zoo.compare.cost", "--json", f"--seconds={SECONDS}", f"--longest={LONGEST}"]
    try:
        done = subprocess.run(
            command,
            cwd=Path(zoo.__file__).parents[1],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError("the measurement took too long: this machine is busy, try again later") from error
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ValueError(f"the measurement stopped: {why}")
    return Measured.read(done.stdout)


def _chart(measured: Measured) -> None:
    kinds = list(TITLES)
    st.session_state.setdefault(KINDS, ["lstm", "transformer"])
    st.session_state.setdefault(QUANTITY, "Time" if cost_words.basis(measured) == "seconds" else "Processor time")
    chosen = st.pills(
        "Models", kinds, selection_mode="multi", key=KINDS, format_func=TITLES.__getitem__, persist_state="session"
    )
    name = st.segmented_control(
        "Cost", list(QUANTITIES), key=QUANTITY, required=True, persist_state="session", help=cost_words.HELP
    )
    quantity = QUANTITIES[str(name)]
    shown = curves(measured, quantity, chosen or kinds)
    met = met_at(measured, quantity, chosen or kinds)
    st.plotly_chart(
        cost_chart(shown, met, quantity.unit, quantity.title),
        key="sequential.cost.chart",
        config=CHART,
        alt=f"{quantity.title.capitalize()} by the length of the text. " + " ".join(each.words + "." for each in met),
    )
    st.caption(cost_words.slopes(shown) + " " + cost_words.met([each.words for each in met]))


def drawn(measured: Measured, quantity: Quantity, kinds: Sequence[str]) -> list[tuple[str, Line]]:
    """The lines to draw, by their names: a kind's two ways are one line where they cost the same."""
    found = [line for line in measured.lines if line.kind in kinds and not (quantity.alike and line.fused)]
    return [(TITLES[line.kind] if quantity.alike else line.name, line) for line in found]


def values(line: Line, quantity: Quantity) -> tuple[list[int], list[float]]:
    """Lengths and costs, as far as they were measured."""
    points = [(point.tokens, getattr(point, quantity.attribute)) for point in line.points]
    known = [(tokens, cost * quantity.scale) for tokens, cost in points if cost is not None]
    return [tokens for tokens, _ in known], [cost for _, cost in known]


def curves(measured: Measured, quantity: Quantity, kinds: Sequence[str]) -> list[Curve]:
    """The chart's lines."""
    lines = drawn(measured, quantity, kinds)
    return [Curve(name, line.kind, not (line.fused or quantity.alike), *values(line, quantity)) for name, line in lines]


def met_at(measured: Measured, quantity: Quantity, kinds: Sequence[str]) -> list[Crossing]:
    """Where a recurrent line crosses that of the transformer which is run in the same way."""
    lines = drawn(measured, quantity, kinds)
    found = []
    for name, line in lines:
        for other_name, other in lines:
            if line.kind == "transformer" or other.kind != "transformer" or line.fused != other.fused:
                continue
            for length, cost in cost_words.crossed(values(line, quantity), values(other, quantity)):
                words = f"{name} and {other_name} cross at about {count(round(length))} tokens"
                found.append(Crossing(words, length, cost))
    return found


def _numbers(measured: Measured) -> None:
    with st.expander("Show the numbers", icon=":material/table:", key="sequential.cost.numbers"):
        quantity = QUANTITIES[st.session_state[QUANTITY]]
        lengths = [point.tokens for point in measured.lines[0].points]
        rows = [["model", "parameters", *map(count, lengths)], ["---"] * (len(lengths) + 2)]
        for line in measured.lines:
            costs = dict(zip(*values(line, quantity), strict=True))
            cells = [f"`{cost_words.cell(costs.get(tokens))}`" for tokens in lengths]
            rows.append([escaped(line.name), f"`{count(line.parameters)}`", *cells])
        st.markdown("\n".join("| " + " | ".join(row) + " |" for row in rows))
        st.caption(
            f"In {quantity.unit}: {quantity.title}. Columns: tokens of the text. A dash: the time did not reach. "
            "The transformer's parameters include a vector for each of its positions."
        )


def _why(measured: Measured) -> None:
    from zoo.compare.counts import recurrent_flops, transformer_flops

    st.markdown("**Why attention costs T².** Every token is compared with every other, in each head of each block.")
    st.session_state.setdefault(LENGTH, 1000)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input("Tokens T", 1, MOST_LENGTH, key=LENGTH, width=180, persist_state="session")
    tokens = max(1, min(int(st.session_state[LENGTH]), MOST_LENGTH))
    own = transformer_flops(measured.width, measured.layers, measured.vocab_size)
    other = recurrent_flops("lstm", measured.width, measured.layers, measured.vocab_size)
    pairs = own.pair * tokens**2
    st.markdown(
        f"At T = {count(tokens)} one head of one block computes T² = **{count(tokens**2)} scores**, and one recurrent "
        f"layer passes through T = **{plural(tokens, 'state')}**. Of the transformer's "
        f"{cost_words.amount(own.of(tokens))} operations, {cost_words.amount(pairs)} "
        f"(**{percent(pairs / own.of(tokens))}**) are for the pairs; an LSTM of the same width needs "
        f"{cost_words.amount(other.of(tokens))}, all of them in proportion to T."
    )
    grown, other_grown = own.of(2 * tokens) / own.of(tokens), other.of(2 * tokens) / other.of(tokens)
    st.caption(
        f"By formula, with width C = {measured.width}, {plural(measured.layers, 'layer')} and a vocabulary of "
        f"{measured.vocab_size}: a block 24 · C² a token and 4 · C a pair, an LSTM's layer 16 · C² a token, the "
        f"readout 2 · C · {measured.vocab_size} a token. Within a block the pairs cost more than all the rest beyond "
        f"T = 6 · C = {count(6 * measured.width)} tokens. The upper half of the table, which our transformer computes "
        f"only to mask it, is in the count. Twice the text: {number(grown)} times the operations, and "
        f"{number(other_grown)} times for the LSTM."
    )
