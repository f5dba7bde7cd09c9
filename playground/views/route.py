"""The stops of the spine: every step that the model has in order, and those that it lacks, with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from playground import state
from playground.text import number, percent, visible
from playground.views.controls import Subject
from zoo.trace.entries import COUNTING, SEQ2SEQ
from zoo.trace.lens import logit_lens
from zoo.trace.missing import missing
from zoo.trace.parts import dims_of, half_of, over_time, rows_of
from zoo.trace.schema import SCHEMA, block_of, entry
from zoo.trace.trace import Trace

_OPTIONAL = ("embed.prev", "embed.pos", "q_norm", "k_norm", "q_rot", "k_rot", "mlp.up", "mask")
"""Steps that some architectures have and others do not: shown only where they are."""
_PATTERN = "blocks.0.attn.pattern"
"""The step that models without attention lack; their spine says why."""


@dataclass(frozen=True)
class Stop:
    """One step on the spine."""

    id: str
    title: str
    kind: str
    block: int | str | None = None
    """What it belongs to: a block by its number, or in words, "Encoder, layer 0"."""
    note: str = ""
    missing: bool = False

    def as_dict(self) -> dict[str, Any]:
        """What the component takes."""
        return asdict(self)


def route(subject: Subject) -> list[Stop]:
    """The stops of this trace, with one real number each, of the selected token."""
    trace = over_time(subject.trace)
    lens = {each.step: each for each in logit_lens(trace, selected_row(trace))}
    stops, names = [], _names(trace)
    blockless = [name for name in names if "blocks." in name] == [_PATTERN] and _PATTERN not in trace
    for name in names:
        note = ""
        if name in lens:
            note = f"“{visible(subject.piece(lens[name].id))}” {percent(lens[name].prob)}"
        elif name in trace:
            note = _note(trace, name)
        absent = blockless and name == _PATTERN  # of blocks, which this model does not have: it stands alone
        kind, part = ("stream", None) if absent else (_kind(name), part_of(name))
        stops.append(Stop(name, title_of(name), kind, part, note, name not in trace))
    return stops


def selected_row(trace: Trace) -> int:
    """The selected token's place among the ids; the last one where none is selected."""
    position, last = state.token(), len(trace.ids) - 1
    return last if position is None else min(position, last)


def row_of(trace: Trace, step: str) -> int | None:
    """The row of a step that is about the selected token; None where it stands in a translator's other half."""
    rows, dims = rows_of(trace, step), dims_of(trace, step)
    if dims and not {"time", "query", "source"} & set(dims[:-1] if len(dims) > 1 else dims):
        return None
    if dims[-2:-1] == ("source",):
        rows = range(trace.source)
    position = selected_row(trace)
    return rows.index(position) if position in rows else None


def part_of(name: str) -> int | str | None:
    """What a step belongs to: a block's number, or a part of a model with layers or halves, in words."""
    match = re.match(r"(encoder\.|decoder\.)?(block|layer)s\.(\d+)\.", name)
    if match is None:
        return None
    half, word, number = match.groups()
    if half is None and word == "block":
        return int(number)
    return f"{half[:-1].title()}, {word} {number}" if half else f"Layer {number}"


def title_of(name: str) -> str:
    """What a step is called on the spine: told apart from the same step of the other half, or of another order."""
    found, half = entry(name), half_of(name)
    if found is None:
        return name
    if found.name.startswith("ngram.") and found.name.endswith(".{n}"):
        return f"{found.title}, order {name.rpartition('.')[2]}"
    alone = half and part_of(name) is None and found.name != name
    return f"{half[:-1].title()}: {found.title[0].lower()}{found.title[1:]}" if alone else found.title


def _names(trace: Trace) -> list[str]:
    """The recorded steps in the order of the computation, with those that are missing where they would stand."""
    names, at = list(trace.steps), 0
    for name in _expected(trace):
        if name in names:
            at = max(at, names.index(name) + 1)
        elif _shown(trace, name):
            names.insert(at, name)
            at += 1
    answer = names.index("logits")
    return [*names[:answer], *(name for name in trace.dropped if name not in names), *names[answer:]]


def _expected(trace: Trace) -> Iterator[str]:
    """The steps that a learner may look for, in their order."""
    known = [e.name for e in SCHEMA if not e.name.startswith("cell.")]
    before = [name for name in known if name.startswith("embed.")]
    after = [name for name in known if name in ("final_norm", "logits", "probs")]
    inside = [name for name in known if name.startswith("blocks.")]
    own = [name for name in trace.steps if entry(name) is None or ".cell." in name or name.startswith("cell.")]
    blocks = max(trace.blocks, 1 + max((block_of(name) or 0 for name in trace.dropped), default=-1))
    if _is_other(trace):
        compares = any(name.endswith(".pattern") for name in (*trace.steps, *trace.dropped))
        yield from (name for name in trace.steps if name not in after)
        yield from () if compares else (_PATTERN,)
        return
    yield from before
    yield from own if blocks == 0 else ()
    if blocks == 0:
        yield from (_PATTERN,) if own else (name.format(i=0) for name in inside if not name.endswith(_OPTIONAL))
    for i in range(blocks):
        yield from (name.format(i=i) for name in inside)
    yield from after


def _is_other(trace: Trace) -> bool:
    """Whether the model is known not to be built of blocks alone: cells, two halves, counts."""
    blockless = trace.anatomy is not None and trace.anatomy.blocks == 0
    return blockless or trace.source > 0 or any(entry(name) in (*SEQ2SEQ, *COUNTING) for name in trace.steps)


def _shown(trace: Trace, name: str) -> bool:
    return name in trace or name in trace.dropped or not name.endswith(_OPTIONAL)


def _kind(name: str) -> str:
    if name.endswith(("embed.tok", "embed.prev", "embed.pos")):
        return "input"
    if name in ("logits", "probs"):
        return "output"
    branches = (".norm", ".attn.", ".cross.", ".mlp.")
    return "branch" if "blocks." in name and any(part in name for part in branches) else "stream"


def _note(trace: Trace, name: str) -> str:
    """One number of the step: a length, the strongest attention, the highest logit."""
    array, row, dims = np.asarray(trace[name], dtype=np.float64), row_of(trace, name), dims_of(trace, name)
    axis = dims.index("time") if "time" in dims and len(dims) == array.ndim else max(array.ndim - 2, 0)
    if array.ndim == 1 and dims != ("time",):
        return number(float(np.sqrt((array**2).sum())))
    if array.ndim == 0 or row is None:
        return ""
    if row >= array.shape[axis]:
        return ""
    values = array.take(row, axis)
    if name == "probs" or name.endswith(".pattern"):
        return percent(float(values.max()))
    if name == "logits":
        return number(float(values.max()))
    if name.endswith(".mask"):
        return f"{int(np.isneginf(values).sum())} hidden"
    return number(float(np.sqrt((values**2).sum())))


def why_missing(subject: Subject, stop: Stop) -> str:
    """The reason, worded for the learner."""
    found = missing(subject.trace, stop.id, subject.model.family if subject.model else "gpt")
    return found.sentence if found else ""
