"""How a text became its tokens, exactly: each step before the model, and what the model did with each word.

The steps before the model are run by the library itself, one by one. What the model does is our own code here, one
file for each kind, and its ids are the library's for every text.
"""

from __future__ import annotations

from itertools import islice

from zoo.tokenizers.explain.flow import Flow
from zoo.tokenizers.explain.parts import (
    Edge,
    Explanation,
    Lattice,
    Lookup,
    Match,
    Merge,
    Merges,
    Stage,
    Try,
    Walk,
)
from zoo.tokenizers.explain.readable import from_bytes
from zoo.tokenizers.explain.state import Step, state_of
from zoo.tokenizers.explain.words import Words
from zoo.tokenizers.tokenizer import Tokenizer, check_unicode

__all__ = [
    "Edge",
    "Explanation",
    "Lattice",
    "Lookup",
    "Match",
    "Merge",
    "Merges",
    "Stage",
    "Try",
    "Walk",
    "explain",
    "replay",
]


def explain(tokenizer: Tokenizer, text: str, most: int = 200) -> Explanation:
    """How this tokenizer cuts this text.

    Args:
        tokenizer: ours or one of others.
        text: any length; of a long one only the beginning is explained.
        most: how many words, and pieces of each stage, are kept.

    Raises:
        ValueError: the text holds a lone surrogate, or the tokenizer has parts that cannot be explained.
    """
    check_unicode(text)
    state, flow, stages = state_of(tokenizer), Flow(text), []
    in_bytes = False
    for step in state.steps(tokenizer.raw.encode_special_tokens):
        step.run(flow)
        in_bytes |= step.to_bytes
        if step.shown:
            stages.append(_stage(step, flow, in_bytes, most))
    words = Words(tokenizer, text, state.model, flow.cuts())
    return Explanation(stages, list(islice(words.shown(), most)), words.total())


def replay(tokenizer: Tokenizer, text: str) -> list[int]:
    """The ids of a text by our own steps; they equal `tokenizer.encode(text).ids`.

    Raises:
        ValueError: as `explain`.
    """
    check_unicode(text)
    state, flow = state_of(tokenizer), Flow(text)
    for step in state.steps(tokenizer.raw.encode_special_tokens):
        step.run(flow)
    known: dict[str, list[int]] = {}
    ids: list[int] = []
    for cut in flow.cuts():
        if cut.id is not None:
            ids.append(cut.id)
            continue
        if cut.text not in known:
            known[cut.text] = state.model.ids(cut.text)
        ids += known[cut.text]
    return ids


def _stage(step: Step, flow: Flow, in_bytes: bool, most: int) -> Stage:
    cuts, total = flow.first(most)
    pieces = [from_bytes(cut.text) if in_bytes and cut.id is None else cut.text for cut in cuts]
    return Stage(step.name, step.title, step.sentence, pieces, [cut.span for cut in cuts], total)
