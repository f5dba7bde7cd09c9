"""Why a step of the vocabulary is not in a trace, in words for the learner. NumPy only.

Three reasons: *budget* (it was computed and is too large to keep), *architecture* (this kind of model
has no such step) and *opaque* (it is computed inside the model, and nothing shows it). The first two
are claimed only on evidence in the trace or from the model's family; whatever is left is opaque.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from zoo.trace.schema import block_of, entry
from zoo.trace.trace import Trace

Reason = Literal["architecture", "opaque", "budget"]

_RECURRENT = ("rnn",)
_WITHOUT_ATTENTION = ("rnn", "bag-of-words", "n-gram", "word2vec", "feed-forward")
_TRANSFORMERS = ("gpt", "bert", "encoder-decoder")


@dataclass(frozen=True)
class Missing:
    """A step that a page cannot show."""

    step: str
    reason: Reason
    sentence: str
    """One or two sentences: why it is not there, and the way to it where there is one."""


def missing(trace: Trace, step: str, family: str | None = None) -> Missing | None:
    """Why `trace` does not hold `step`; None where it does.

    A step of a recurrent cell ("cell.f") is found under any module's path. `family` is the model's
    own (a `zoo.plugin.Family`), where the caller knows it.
    """
    if _held(trace, step):
        return None
    if dropped := _dropped(trace, step):
        return Missing(step, "budget", _too_large(dropped))
    for rule in _RULES:
        if sentence := rule(trace, step, family):
            return Missing(step, "architecture", sentence)
    return Missing(step, "opaque", _closed(trace, step))


def _held(trace: Trace, step: str) -> bool:
    return step in trace or (step.startswith("cell.") and any(name.endswith(f".{step}") for name in trace.steps))


def _dropped(trace: Trace, step: str) -> int:
    """Bytes of the step that the budget had no room for."""
    ending = f".{step}" if step.startswith("cell.") else None
    return sum(size for name, size in trace.dropped.items() if name == step or (ending and name.endswith(ending)))


def _too_large(size: int) -> str:
    amount = f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{max(1, round(size / 2**10))} kB"
    return f"This step was computed, but its {amount} did not fit beside the others. Shorten the text to see it."


def _recurrent(trace: Trace, family: str | None) -> bool:
    return family in _RECURRENT or any(re.search(r"(^|\.)cell\.[a-z]$", name) for name in trace.steps)


def _attends(trace: Trace) -> bool:
    return any(re.search(r"(^|\.)(pattern|scores)$", name) for name in (*trace.steps, *trace.dropped))


def _no_attention(trace: Trace, step: str, family: str | None) -> str:
    if ".attn." not in step or _attends(trace):
        return ""
    if _recurrent(trace, family):
        return (
            "A recurrent network reads one token after another and never compares tokens in pairs: "
            "that is what attention added."
        )
    if family in _WITHOUT_ATTENTION:
        return "This model never compares tokens in pairs: that is what attention added."
    return ""


def _no_positions(trace: Trace, step: str, family: str | None) -> str:
    if not step.endswith("embed.pos"):
        return ""
    kind = trace.anatomy.positions if trace.anatomy else None
    if kind == "rotary" or any(name.endswith(".q_rot") for name in trace.steps):
        return (
            "This model adds no position to the embedding: it turns each query and key by an angle "
            "that grows with the position, inside attention."
        )
    if kind == "none":
        return "This model is told nothing about positions: only the mask lets it sense any order."
    if _recurrent(trace, family):
        return "A recurrent network takes the tokens in order, so it needs no vector for their place."
    if family in ("bag-of-words", "word2vec"):
        return "This model counts which words there are, and not where they stand."
    return ""


def _no_rotation(trace: Trace, step: str, family: str | None) -> str:
    if not step.endswith((".q_rot", ".k_rot")):
        return ""
    kind = trace.anatomy.positions if trace.anatomy else None
    if kind in ("learned", "sinusoidal") or (kind is None and "embed.pos" in trace):
        return "This model adds its positions to the embedding, so queries and keys need no turning."
    return "This model is told nothing about positions, so nothing is turned." if kind == "none" else ""


def _no_query_key_norm(trace: Trace, step: str, family: str | None) -> str:
    if step.endswith((".q_norm", ".k_norm")) and trace.anatomy and not trace.anatomy.query_key_norm:
        return "This model compares queries and keys as they are: it does not bring them to a common length first."
    return ""


def _no_previous(trace: Trace, step: str, family: str | None) -> str:
    if step.endswith("embed.prev") and trace.anatomy and "embed.W_prev" not in trace.params:
        return "This model's embedding is of one token alone: attention has to find out which one stands before it."
    return ""


def _no_mask(trace: Trace, step: str, family: str | None) -> str:
    if not step.endswith(".mask"):
        return ""
    if (trace.anatomy and not trace.anatomy.causal) or (trace.anatomy is None and family == "bert"):
        return "This model reads in both directions: every token may look at every other, so nothing is masked."
    return ""


def _no_gate(trace: Trace, step: str, family: str | None) -> str:
    if step.endswith(".mlp.up") and trace.anatomy and not trace.anatomy.gated:
        return "This feed-forward has one branch: it has no second one to open and close it."
    return ""


def _no_block(trace: Trace, step: str, family: str | None) -> str:
    number = block_of(step)
    if number is None:
        return ""
    if trace.anatomy and number >= trace.anatomy.blocks:
        count = trace.anatomy.blocks
        return f"This model has {count} {'block' if count == 1 else 'blocks'}, counted from 0."
    if not trace.blocks and (_recurrent(trace, family) or family in _WITHOUT_ATTENTION):
        return "This model is not built of blocks of attention and feed-forward: those came with the transformer."
    return ""


def _no_cell(trace: Trace, step: str, family: str | None) -> str:
    if not step.startswith("cell."):
        return ""
    own = sorted({name.rpartition(".")[2] for name in trace.steps if re.search(r"(^|\.)cell\.[a-z]$", name)})
    if own:
        return f"This kind of recurrent cell has no such part: it has {', '.join(own)}."
    if _attends(trace) or family in _TRANSFORMERS:
        return "A transformer carries no state from token to token: each token looks back at all the others instead."
    if family is not None and family not in (*_RECURRENT, "seq2seq", "other"):
        return "This model carries no state from token to token: that is what recurrent networks added."
    return ""


_Rule = Callable[[Trace, str, str | None], str]
_RULES: tuple[_Rule, ...] = (
    _no_attention,
    _no_previous,
    _no_positions,
    _no_query_key_norm,
    _no_rotation,
    _no_mask,
    _no_gate,
    _no_block,
    _no_cell,
)
"""Each gives a sentence where it has evidence that the architecture lacks the step, else nothing."""


def _closed(trace: Trace, step: str) -> str:
    """What an author can write to show the step."""
    inside = re.sub(r"^((encoder|decoder)\.)?blocks\.\d+\.", "", step)
    leaf = step.rpartition(".")[2]
    own = next((name for name in trace.steps if name.rpartition(".")[2] == leaf and entry(name) is None), None)
    if own is not None and not step.startswith("cell."):
        return (
            f"The model shows this under its own name, {own}. "
            f'To see it here, its author names it: record("{inside}", value).'
        )
    return (
        "This is computed inside the model, or not at all, and the model does not show it. "
        f'Its author can: record("{inside}", value).'
    )
