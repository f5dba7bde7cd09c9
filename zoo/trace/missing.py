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

from zoo.trace.parts import HALVES, HANDED_OVER
from zoo.trace.schema import block_of, entry
from zoo.trace.trace import Trace

Reason = Literal["architecture", "opaque", "budget"]

_RECURRENT = ("rnn",)
_WITHOUT_ATTENTION = ("rnn", "bag-of-words", "n-gram", "word2vec", "feed-forward")
_TRANSFORMERS = ("gpt", "bert", "encoder-decoder")
_PAIRS = {
    "rnn": "A recurrent network reads one token after another and never compares tokens in pairs: "
    "that is what attention added.",
    "bag-of-words": "A bag of words counts its tokens and never compares tokens in pairs: each weighs the same.",
    "n-gram": "An n-gram looks up what followed the last few tokens and never compares tokens in pairs.",
    "word2vec": "word2vec gives all neighbours equal shares and never compares tokens in pairs: attention learns the "
    "shares.",
    "feed-forward": "A window network has a weight of its own for each place, and never compares tokens in pairs: "
    "that is what attention added.",
    "seq2seq": "This model hands the whole source over in one vector and never compares tokens in pairs: attention "
    "was added to lift that limit.",
}
"""Family -> why it has no attention."""
_ORDER = {
    "rnn": "A recurrent network takes the tokens in order, so it needs no vector for their place.",
    "seq2seq": "A recurrent network takes the tokens in order, so it needs no vector for their place.",
    "bag-of-words": "This model counts which words there are, and not where they stand.",
    "word2vec": "This model counts which words there are, and not where they stand.",
    "n-gram": "An n-gram looks up the last tokens in their order, so it needs no vector for their place.",
    "feed-forward": "A window network has its tokens side by side, each in a place of its own, so it needs no vector "
    "for their place.",
}
"""Family -> why it has no positions."""
_OWNERS = {
    "bag.": (("bag-of-words",), "Only a bag of words counts the tokens so far and forgets their order."),
    "window.": (("feed-forward",), "Only a window network lays the vectors of the last few tokens side by side."),
    "cbow.": (("word2vec",), "Only CBOW mixes the words around a blank in equal shares."),
    "ngram.": (("n-gram",), "Only an n-gram looks its answer up in counts."),
    "head.": (("bert",), "This model reads the words off directly: it has no layer more in between, as BERT has."),
    "cross.": (("seq2seq",), "This model reads one text: there is no second one to look across to."),
    "encoder.out": (("seq2seq",), "This model reads and goes on with one text: it has no encoder."),
    "decoder.out": (("seq2seq",), "This model reads and goes on with one text: it has no decoder."),
    "context": (("seq2seq",), "This model hands no text over in a vector: that is how seq2seq translates."),
    "start": (("seq2seq",), "This model hands no text over in a vector: that is how seq2seq translates."),
}
"""Beginning of a step -> the families that have it, and what to say of the others."""


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


def _kind(trace: Trace, family: str | None) -> str | None:
    """The model's family; where the caller does not know it, what the recorded steps give away."""
    if family is not None:
        return family
    for beginning, (owners, _) in _OWNERS.items():
        if any(name.startswith(beginning) for name in trace.steps):
            return owners[0]
    return "rnn" if _recurrent(trace, family) else None


def _no_attention(trace: Trace, step: str, family: str | None) -> str:
    if ".attn." not in step or _attends(trace):
        return ""
    kind = "rnn" if _recurrent(trace, family) and not trace.source else _kind(trace, family)
    return _PAIRS.get(kind or "", "")


def _in_a_half(trace: Trace, step: str, family: str | None) -> str:
    halves = [half + step for half in HALVES if half + step in trace]
    if not halves:
        return ""
    return f"This model has two halves, one for each text. Look for the step there: {' and '.join(halves)}."


def _of_another(trace: Trace, step: str, family: str | None) -> str:
    kind = _kind(trace, family)
    if kind in (None, "other"):
        return ""
    if "cross" in step and "blocks." in step and kind != "encoder-decoder":
        return _OWNERS["cross."][1]
    if re.search(r"\.cross\.|^cross\.", step) and kind == "seq2seq" and not _attends(trace):
        return _PAIRS["seq2seq"]
    if step in HANDED_OVER and (own := [name for name in HANDED_OVER if name in trace]):
        return f"What the encoder hands over is called {own[0]} in this model."
    found = next((each for beginning, each in _OWNERS.items() if step.startswith(beginning)), None)
    return found[1] if found and (kind not in found[0] or step.startswith("cbow.")) else ""


def _no_norm(trace: Trace, step: str, family: str | None) -> str:
    anatomy = trace.anatomy
    if step.endswith("blocks.0.norm1") and anatomy and anatomy.post_norm:
        return "In this model each norm stands behind a sum: before the first block there is none."
    if step == "final_norm" and anatomy and not anatomy.read_out.endswith("final_norm"):
        return f"This model reads its logits from {anatomy.read_out}: it has no norm there."
    return ""


def _no_embedding(trace: Trace, step: str, family: str | None) -> str:
    kind = _kind(trace, family)
    if step == "embed.tok" and kind in ("bag-of-words", "n-gram"):
        return "This model counts tokens: it does not give each of them a vector of its own in the text."
    bare = trace.anatomy is not None and trace.anatomy.positions == "none" and kind in (*_ORDER,)
    if step.endswith("embed.out") and bare:
        return "This model adds nothing to the token's own vector, so it goes on from that."
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
    order = _ORDER.get("rnn" if _recurrent(trace, family) else _kind(trace, family) or "")
    if order:
        return order
    told = "This model is told nothing about positions: only the mask lets it sense any order."
    return told if kind == "none" else ""


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
    if step.endswith("embed.prev") and trace.anatomy and trace.anatomy.blocks == 0:
        return "This model's embedding is of one token alone."
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
        if not count:
            return "This model is not built of blocks of attention and feed-forward: those came with the transformer."
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
    _in_a_half,
    _no_attention,
    _of_another,
    _no_norm,
    _no_embedding,
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
