"""Gradient reach: how strongly the answer at a token depends on what was read k tokens before it.

For the logit of the token that came next, its derivative by the embedding of each token before: a vector, of which
the length is taken. Where it is 0, a change of that token changes nothing, and training cannot learn to use it
(Hochreiter 1991; Bengio, Simard and Frasconi 1994). Used by the page Sequential and parallel.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.trace.record import logits_of

POSITIONS = 6
"""At so many tokens of each text the answer is looked at."""


def gradient_reach(module: nn.Module, rows: Tensor, vocab_size: int) -> NDArray[np.float64]:
    """The mean length of d logit / d embedding for each distance, 0 being the last token that was read.

    Args:
        module: ids (batch, time) -> logits (batch, time, vocab), with its embeddings in an `nn.Embedding`.
        rows: (texts, time + 1) ids; the last column is only a right answer.
        vocab_size: of the tokenizer: tells the table of tokens from one of positions.

    Returns:
        (⌊3 · time / 4⌋ + 1,) float64. Every distance is averaged over the same positions, all in the last quarter
        of the texts, so that far and near are compared on the same answers.

    Raises:
        ValueError: no embedding of the tokens is looked up, so there is nothing to differentiate by.
    """
    table = token_table(module, vocab_size)
    time = rows.shape[1] - 1
    reach = 3 * time // 4
    places = np.unique(np.linspace(reach, time - 1, POSITIONS).round().astype(int)).tolist()
    total, count = np.zeros(reach + 1), 0
    for row in rows:
        logits, embedded = _watched(module, table, row[None, :-1])
        for place in places:
            (gradient,) = torch.autograd.grad(
                logits[0, place, row[place + 1]], embedded, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            lengths = gradient[0].double().norm(dim=-1)  # (time,)
            total += lengths[place - reach : place + 1].flip(0).numpy()
            count += 1
    return total / count


def token_table(module: nn.Module, vocab_size: int) -> nn.Embedding:
    """The table that the ids are looked up in: the first that has a row for each token, and perhaps one for a mark.

    Raises:
        ValueError: there is none.
    """
    for each in module.modules():
        if isinstance(each, nn.Embedding) and each.num_embeddings in (vocab_size, vocab_size + 1):
            return each
    raise ValueError("this model keeps its word vectors in no nn.Embedding, so nothing can be differentiated by them")


def _watched(module: nn.Module, table: nn.Embedding, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (1, T, V), and the vectors (1, T, C) that they were made from, as the leaf to differentiate by.

    The hook acts for this thread only: models are shared.
    """
    seen: list[Tensor] = []
    mine = threading.get_ident()

    def leaf(_: nn.Module, inputs: Sequence[Tensor], output: Tensor) -> Tensor | None:
        if threading.get_ident() != mine or seen:
            return None
        seen.append(output.detach().clone().requires_grad_())
        return seen[0]

    handle = table.register_forward_hook(leaf)
    try:
        with torch.enable_grad():
            logits = logits_of(module(ids))
    finally:
        handle.remove()
    if not seen or seen[0].shape[:2] != ids.shape:
        raise ValueError("this model does not look its tokens up one by one, so nothing can be differentiated by them")
    if not logits.requires_grad:
        raise ValueError("this model's answer has no gradient: it counts, or it takes the likeliest inside")
    return logits, seen[0]
