"""What a model in training makes of the run's prompt: the likeliest next tokens, and a short text. Used by `train`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from zoo.sampling import Sampling, draw, softmax, stages
from zoo.tokenizers import Tokenizer
from zoo.training.run import Candidate

CANDIDATES = 8
TOKENS = 24
"""How long a sample is."""


def prompt_ids(tokenizer: Tokenizer, prompt: str, context: int) -> list[int]:
    """The prompt as the model reads it: its last `context` tokens; none where there is no prompt."""
    return tokenizer.encode(prompt).ids[-context:]


def candidates(module: nn.Module, ids: list[int], tokenizer: Tokenizer) -> list[Candidate]:
    """The likeliest tokens after `ids`, out of the full vocabulary at temperature 1."""
    logits = _logits(module, ids)
    probs = softmax(logits)
    order = np.argsort(-logits, kind="stable")[:CANDIDATES].tolist()
    return [Candidate(token=tokenizer.piece(i), id=i, logit=float(logits[i]), prob=float(probs[i])) for i in order]


def sample(module: nn.Module, ids: list[int], tokenizer: Tokenizer, context: int, seed: int) -> str:
    """A text that goes on from `ids`, drawn from the model's own distribution, until a text ends or it is long enough.

    The same seed draws with the same luck at every step of the training.
    """
    drawn = list[int]()
    for _ in range(TOKENS):
        read = [*ids, *drawn][-context:]
        choice = draw(stages(_logits(module, read), Sampling()).final, seed, len(ids) + len(drawn))
        if choice == tokenizer.end_of_text:
            break
        drawn.append(choice)
    before, whole = tokenizer.decode(ids), tokenizer.decode(ids + drawn)
    return whole.removeprefix(before) if whole.startswith(before) else tokenizer.decode(drawn)


@torch.no_grad()
def _logits(module: nn.Module, ids: list[int]) -> NDArray[np.float64]:
    """(vocab,) after the last of `ids`."""
    return np.asarray(module(torch.tensor([ids]))[0, -1].double().numpy())
