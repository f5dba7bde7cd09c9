"""Generation, where both kinds wait for their own last token: what each new token costs, counted and measured."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from playground import engine
from playground.catalogue import Weights
from playground.text import count, escaped, number, plural, sentence
from playground.views.sequential.cost_words import amount

if TYPE_CHECKING:
    from zoo.compare.counts import Flops
    from zoo.inference import LoadedModel

TOKENS = "sequential.tokens"
MOST_TOKENS = 64
FEW = 4
"""Of how many tokens a time is the median."""


@dataclass(frozen=True)
class Writer:
    """A model that goes on writing behind a text."""

    model: LoadedModel
    weights: Weights
    layers: int
    ids: tuple[int, ...]
    """The text so far."""

    @property
    def title(self) -> str:
        """As Markdown."""
        return escaped(self.model.title)


@dataclass(frozen=True)
class Pace:
    """How long each new token kept a processor, in order: what else the machine does is not in it."""

    seconds: tuple[float, ...]
    """Of the processor."""
    carried: bool
    """Whether a state was carried on; else the whole text was read again for each token."""

    @property
    def first(self) -> float:
        """The median of the first few tokens."""
        return statistics.median(self.seconds[:FEW])

    @property
    def last(self) -> float:
        """The median of the last few tokens."""
        return statistics.median(self.seconds[-FEW:])


def draw(one: Writer, other: Writer) -> None:
    """What writing costs a recurrent network, `one`, and a transformer, `other`."""
    st.markdown(
        "**Writing is sequential for both.** The next token can only be computed when the last one is known. A "
        "recurrent network goes on from its state; a transformer looks back at every token."
    )
    st.session_state.setdefault(TOKENS, 16)
    st.slider("Tokens to write", 2, MOST_TOKENS, key=TOKENS, width=320, persist_state="session")
    room = min(each.model.context - len(each.ids) for each in (one, other))
    tokens = min(int(st.session_state[TOKENS]), room, MOST_TOKENS)
    if tokens < 2:
        st.info("There is no room left to write: shorten the text.", icon=":material/edit:")
        return
    paces = [measured(each.weights, each.ids, tokens) for each in (one, other)]
    rows = [_column(each, pace, tokens) for each, pace in zip((one, other), paces, strict=True)]
    lines = [["", one.title, other.title], ["---"] * 3, *[[name, rows[0][name], rows[1][name]] for name in rows[0]]]
    st.markdown("\n".join("| " + " | ".join(line) + " |" for line in lines))
    st.caption(
        "Ticks: embedding, layers and readout of each token. Operations: matrix products, as torch's counter finds "
        "them in this model, with what the earlier tokens left behind kept: the state, or keys and values. "
        f"Milliseconds: the median of the first and of the last {min(FEW, tokens)} tokens, the likeliest one each time."
    )
    st.markdown(f"**Notice.** {notice(one, other, tokens)} {_faster(one, other, paces)}")


def _column(writer: Writer, pace: Pace, tokens: int) -> dict[str, str]:
    flops, last = costs(writer.weights), len(writer.ids) + tokens - 1
    looked = f"{count(last)}, in each of {plural(writer.layers, 'block')}" if flops.pair else "none: there is the state"
    way = "its state is carried on" if pace.carried else "the text is read anew each time"
    return {
        "parameters": count(sum(each.numel() for each in writer.model.module.parameters())),
        "ticks for one more token": f"`{count(writer.layers + 2)}`",
        f"ticks for {tokens} tokens": f"`{count(tokens * (writer.layers + 2))}`",
        f"earlier tokens looked at for token {tokens}": looked,
        "operations for token 1": amount(flops.next(len(writer.ids))),
        f"operations for token {tokens}": amount(flops.next(last)),
        "processor milliseconds, measured": f"`{number(pace.first * 1e3)}` → `{number(pace.last * 1e3)}`, {way}",
    }


@st.cache_data(max_entries=64, show_spinner=False)
def costs(weights: Weights) -> Flops:
    """A model's operations for each token and for each pair, by torch's counter at two lengths."""
    from zoo.compare.counts import fitted_flops

    model = engine.model(weights)
    return fitted_flops(model.module, [each % model.tokenizer.vocab_size for each in range(min(16, model.context))])


@st.cache_data(max_entries=64, show_spinner=False)
def measured(weights: Weights, ids: tuple[int, ...], tokens: int) -> Pace:
    """Write `tokens` tokens behind these ids, and time each."""
    return pace(engine.model(weights), ids, tokens)


def pace(model: LoadedModel, ids: Sequence[int], tokens: int) -> Pace:
    """The same with these ids. A module with `read(ids, states)` is handed its own states back."""
    import torch

    read = getattr(model.module, "read", None)
    with torch.no_grad():
        return _reading_on(read, ids, tokens) if callable(read) else _reading_again(model, ids, tokens)


def _reading_again(model: LoadedModel, ids: Sequence[int], tokens: int) -> Pace:
    text, took = list(ids), []
    model.logits(text)  # the first pass pays for what is set up only once
    for _ in range(tokens):
        begin = time.thread_time()
        chosen = int(np.argmax(model.logits(text)))
        took.append(time.thread_time() - begin)
        text.append(chosen)
    return Pace(tuple(took), carried=False)


def _reading_on(read: Any, ids: Sequence[int], tokens: int) -> Pace:
    import torch

    logits, states = read(torch.tensor([list(ids)]))
    took = []
    for _ in range(tokens):
        begin = time.thread_time()
        chosen = logits[:, -1:].argmax(-1)  # (1, 1)
        logits, states = read(chosen, states)
        took.append(time.thread_time() - begin)
    return Pace(tuple(took), carried=True)


def notice(one: Writer, other: Writer, tokens: int) -> str:
    """How much dearer the last token is than the first, for either."""
    said = []
    for writer in (one, other):
        flops, start = costs(writer.weights), len(writer.ids)
        grown = flops.next(start + tokens - 1) / flops.next(start)
        dearer = "exactly as many operations as" if grown == 1 else f"{number(grown, 3)} times the operations of"
        said.append(f"for token {tokens} {writer.title} needs {dearer} token 1")
    flops = costs(other.weights)
    turn = ""
    if flops.pair:
        turn = f" At {count(round(flops.each / flops.pair))} tokens looking back would cost as much as all the rest."
    return sentence("; ".join(said)) + turn


def _faster(one: Writer, other: Writer, paces: Sequence[Pace]) -> str:
    mine, theirs = (pace.last for pace in paces)
    quick, slow = (one, other) if mine <= theirs else (other, one)
    share = max(mine, theirs) / min(mine, theirs)
    return f"As they run here, {slow.title} needs the processor {number(share, 1)} times as long as {quick.title}."
