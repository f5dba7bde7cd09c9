"""What a model in training makes of the run's prompt: the likeliest answers, and a short text. Used by `train`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from zoo.sampling import Sampling, draw, softmax, stages
from zoo.tasks import Task
from zoo.tokenizers import Tokenizer
from zoo.training.run import Candidate

CANDIDATES = 8
TOKENS = 24
"""How long a sample is."""


class Question:
    """A prompt as a model of the task reads it: its last tokens, as many as there is room for. False if it has none."""

    def __init__(self, task: Task, tokenizer: Tokenizer, prompt: str, context: int) -> None:
        self.task, self.tokenizer, self.context = task, tokenizer, context
        self.marks = len(task.fed([], [], tokenizer.vocab_size))
        self.ids = tokenizer.encode(prompt).ids[-max(1, context - self.marks) :]

    def __bool__(self) -> bool:
        return bool(self.ids)

    def candidates(self, module: nn.Module) -> list[Candidate]:
        """The likeliest answers, out of the full vocabulary at temperature 1."""
        logits = self._logits(module, [])
        probs, piece = softmax(logits), self.tokenizer.piece
        order = np.argsort(-logits, kind="stable")[:CANDIDATES].tolist()
        return [Candidate(token=piece(i), id=i, logit=float(logits[i]), prob=float(probs[i])) for i in order]

    def sample(self, module: nn.Module, seed: int) -> str:
        """A text that goes on from the prompt, drawn from the model's own distribution until it ends or is long enough.

        The same seed draws with the same luck at every step of the training. A model with a mark stops where its
        context is full; the others go on reading the last tokens.
        """
        drawn = list[int]()
        for _ in range(TOKENS):
            read = len(self.ids) + self.marks + len(drawn)
            if self.marks and read > self.context:
                break
            choice = draw(stages(self._logits(module, drawn), Sampling()).final, seed, read)
            if choice == self.tokenizer.end_of_text:
                break
            drawn.append(choice)
        return self._written(drawn)

    def _written(self, drawn: list[int]) -> str:
        """What the drawn tokens write behind the prompt: its last character may end in the first of them."""
        decode = self.tokenizer.decode
        before, whole = decode(self.ids), decode(self.ids + drawn)
        return whole.removeprefix(before) if whole.startswith(before) else decode(drawn)

    @torch.no_grad()
    def _logits(self, module: nn.Module, drawn: list[int]) -> NDArray[np.float64]:
        """(vocab,) of the last row."""
        read = self.task.fed(self.ids, drawn, self.tokenizer.vocab_size)[-self.context :]
        return np.asarray(module(torch.tensor([read]))[0, -1].double().numpy())
