"""The stops of the spine: every step that the model has in order, and those that it lacks, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from playground import state
from playground.text import number, percent, visible
from playground.views.controls import Subject
from zoo.trace.lens import logit_lens
from zoo.trace.missing import missing
from zoo.trace.schema import SCHEMA, block_of, entry
from zoo.trace.trace import Trace

_OPTIONAL = ("embed.prev", "embed.pos", "q_norm", "k_norm", "q_rot", "k_rot", "mlp.up", "mask")
"""Steps that some architectures have and others do not: shown only where they are."""


@dataclass(frozen=True)
class Stop:
    """One step on the spine."""

    id: str
    title: str
    kind: str
    block: int | None = None
    note: str = ""
    missing: bool = False

    def as_dict(self) -> dict[str, Any]:
        """What the component takes."""
        return asdict(self)


def route(subject: Subject) -> list[Stop]:
    """The stops of this trace, with one real number each, of the selected token."""
    trace = subject.trace
    row = selected_row(trace)
    lens = {each.step: each for each in logit_lens(trace, row)}
    stops = []
    for name in _names(trace):
        found = entry(name)
        note = ""
        if name in lens:
            note = f"“{visible(subject.piece(lens[name].id))}” {percent(lens[name].prob)}"
        elif name in trace:
            note = _note(trace, name, row)
        stops.append(Stop(name, found.title if found else name, _kind(name), block_of(name), note, name not in trace))
    return stops


def selected_row(trace: Trace) -> int:
    """The position of the selected token; of the last one where none is selected."""
    position, last = state.token(), len(trace.ids) - 1
    return last if position is None else min(position, last)


def _names(trace: Trace) -> Iterator[str]:
    """Known steps in the order of the computation, with the model's own between them where it ran them."""
    known = [e.name for e in SCHEMA if not e.name.startswith("cell.")]
    before = [name for name in known if name.startswith("embed.")]
    after = [name for name in known if name in ("final_norm", "logits", "probs")]
    inside = [name for name in known if name.startswith("blocks.")]
    own = [name for name in trace.steps if entry(name) is None or ".cell." in name or name.startswith("cell.")]
    blocks = max(trace.blocks, 1 + max((block_of(name) or 0 for name in trace.dropped), default=-1))
    yield from (name for name in before if _shown(trace, name))
    yield from own
    if blocks == 0 and not own:
        yield from (name.format(i=0) for name in inside if not name.endswith(_OPTIONAL))
    if blocks == 0 and own:
        yield "blocks.0.attn.pattern"
    for i in range(blocks):
        yield from (name.format(i=i) for name in inside if _shown(trace, name.format(i=i)))
    yield from (name for name in after if _shown(trace, name))


def _shown(trace: Trace, name: str) -> bool:
    return name in trace or name in trace.dropped or not name.endswith(_OPTIONAL)


def _kind(name: str) -> str:
    if name in ("embed.tok", "embed.prev", "embed.pos"):
        return "input"
    if name in ("logits", "probs"):
        return "output"
    return "branch" if any(part in name for part in (".norm", ".attn.", ".mlp.")) else "stream"


def _note(trace: Trace, name: str, row: int) -> str:
    """One number of the step: a length, the strongest attention, the highest logit."""
    array = np.asarray(trace[name], dtype=np.float64)
    if name == "probs":
        return percent(float(array[row].max()))
    if name == "logits":
        return number(float(array[row].max()))
    if name.endswith("attn.pattern"):
        return percent(float(array[:, row].max()))
    if name.endswith("attn.mask"):
        return f"{int(np.isneginf(array[row]).sum())} hidden"
    if array.ndim < 1 or row >= array.shape[-2 if array.ndim > 1 else 0]:
        return ""
    values = array[..., row, :] if array.ndim > 1 else array
    return number(float(np.sqrt((values**2).sum())))


def why_missing(subject: Subject, stop: Stop) -> str:
    """The reason, worded for the learner."""
    found = missing(subject.trace, stop.id, subject.model.family if subject.model else "gpt")
    return found.sentence if found else ""
