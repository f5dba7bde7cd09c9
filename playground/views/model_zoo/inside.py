"""What can be seen inside a model: a short text is traced once, and its steps are put under the vocabulary's heads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from playground import state
from playground.catalogue import Weights
from playground.text import escaped, plural, quoted, sentence
from playground.views.model_zoo.keys import key
from playground.views.model_zoo.offer import Card
from zoo.trace.schema import entry
from zoo.trace.trace import Trace

if TYPE_CHECKING:
    from zoo.inference import LoadedModel

OWN = "Under its author's own names"
_HEADS = (
    ("Embeddings", r"embed\."),
    ("Attention", r".*\.attn\."),
    ("Cross attention", r"(.*\.)?cross\.|.*\.norm_cross$"),
    ("Feed-forward", r".*\.mlp\."),
    ("Recurrent cell, once a token", r"cell\."),
    ("Residual stream and norms", r"blocks\.|final_norm$"),
    ("Answer", r"(logits|probs)$"),
)
"""A head of the list -> the vocabulary's names under it; the first that fits."""
ALONE = "Of this kind of model alone"
ORDER = (*(head for head, _ in _HEADS[:5]), ALONE, OWN, *(head for head, _ in _HEADS[5:]))


@dataclass(frozen=True)
class Kind:
    """One kind of step: "attn.q", in however many blocks it was recorded."""

    name: str
    """In the vocabulary, with `{i}` for a number; an author's own name as it is."""
    title: str
    about: str
    times: int
    """How many steps of this kind one pass records, time steps counted once."""
    head: str


@st.cache_resource(max_entries=64, show_spinner=False)
def traced(weights: Weights, plugin_stamp: int) -> Trace:
    """The steps of a short text, by name: neither their numbers nor the weights are kept.

    Raises:
        ValueError, LookupError: the model cannot be used; or whatever a user's own plugin raises.
    """
    from zoo.inference import load

    trace = _of_short_text(load(weights.key, untrained=weights.kind == "untrained", seed=weights.seed))
    anatomy = trace.anatomy and replace(trace.anatomy, params=dict.fromkeys(trace.anatomy.params))
    return replace(trace, steps={name: [] for name in trace.steps}, anatomy=anatomy)


def _of_short_text(model: LoadedModel) -> Trace:
    """A trace of the first words of the usual text, as many as the model reads."""
    words = state.DEFAULT_PROMPT.split()
    for length in range(len(words), 1, -1):
        try:
            return model.trace(" ".join(words[:length]))
        except ValueError:  # too long for its context
            continue
    return model.trace(words[0])


def kinds(names: Iterable[str]) -> list[Kind]:
    """The kinds of step among these names, by head, in the order in which they were recorded."""
    found: dict[str, list[str]] = {}
    for name in names:
        known = entry(name)
        found.setdefault(known.name if known else re.sub(r"(?<=\.)\d+(?=\.|$)", "{i}", name), []).append(name)
    made = [_kind(name, steps) for name, steps in found.items()]
    return sorted(made, key=lambda each: ORDER.index(each.head))


def _kind(name: str, steps: list[str]) -> Kind:
    known = entry(steps[0])
    if known is None:
        return Kind(name, name, "", len(steps), OWN)
    head = next((head for head, pattern in _HEADS if re.match(pattern, name)), ALONE)
    return Kind(name, known.title, known.about, len(steps), head)


def draw(card: Card, stamp: int) -> None:
    """The list, in an expander that traces nothing before it is opened."""
    place = key("inside", card.slug)
    box = st.expander("What can be seen inside", icon=":material/visibility:", key=place, on_change="rerun")
    with box:
        if not box.open:
            return
        if not card.usable:
            st.caption("It cannot be run here, so nothing can be seen of it.")
            return
        try:
            with st.spinner("A short text runs through it …", show_time=True):
                trace = traced(card.choice.weights, stamp)
        except Exception as error:  # a user's own plugin may raise anything
            st.error(escaped(sentence(f"it cannot be traced: {error or type(error).__name__}")))
            return
        st.markdown(listed(trace))


def listed(trace: Trace) -> str:
    """What a trace holds, as Markdown."""
    found = kinds(trace.steps)
    tokens = len(trace.ids)
    lines = [f"One pass over {plural(tokens, 'token')} records {plural(len(found), 'kind')} of step:"]
    for head in ORDER:
        if parts := [_line(each) for each in found if each.head == head]:
            lines.append(f"- **{head}**: {', '.join(parts)}")
    return "\n".join(lines)


def _line(kind: Kind) -> str:
    times = f" ×{kind.times}" if kind.times > 1 else ""
    return (quoted(kind.title) if kind.head == OWN else escaped(kind.title)) + times
