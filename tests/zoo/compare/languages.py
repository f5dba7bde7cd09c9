"""For the tests of comparisons: a language whose distances are counted on the fingers, and models that know it."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from zoo.data.glass_box import GlassBox
from zoo.data.glass_box.program import Asides, Beat, Program, Variable, table
from zoo.inference import LoadedModel
from zoo.tokenizers import Tokenizer, train_tokenizer

PETS = ("dog", "cat", "hen")


def remembering(asides: int) -> GlassBox:
    """A [pet] came. (It rained.)* The {pet} slept.: the second pet stands 4 + 3 · asides words behind the first."""
    steps = (Beat(("A [pet] came.",)), Asides((("It rained.",),), reach=1), Beat(("The {pet} slept.",)))
    return GlassBox(asides, asides, Program((Variable("pet", table("pet\n" + "\n".join(PETS))),), steps))


def story(pet: str, asides: int) -> list[str]:
    """One story of it."""
    return ["A", pet, "came", ".", *["It", "rained", "."] * asides, "The", pet, "slept", "."]


def words_of(language: GlassBox) -> Tokenizer:
    """Each word a token."""
    return train_tokenizer("word", [each.text for each in language.stories(60, 0)] * 2, 64)


def loaded(module: nn.Module, tokenizer: Tokenizer, context: int = 128, task: str = "next-token") -> LoadedModel:
    """A model of it."""
    return LoadedModel("test/it", "The model", "other", "", module.eval(), tokenizer, context, task=task)


class Oracle(nn.Module):
    """Knows the language: the logits are the logarithms of its exact distribution."""

    def __init__(self, language: GlassBox, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.language = language
        self.words = [tokenizer.piece(i).strip() for i in range(tokenizer.vocab_size)]

    def forward(self, ids: Tensor) -> Tensor:
        logits = torch.full((*ids.shape, len(self.words)), -1e9)
        for line, row in enumerate(ids.tolist()):
            reader = self.language.reader()
            for time, token in enumerate(row):
                try:
                    reader.feed(self.words[token])
                except ValueError:
                    break  # padding
                probs = reader.next_words()
                for token_id, word in enumerate(self.words):
                    if word in probs:
                        logits[line, time, token_id] = torch.tensor(probs[word]).log()
        return logits


class Bigram(nn.Module):
    """Knows how often each word follows the one before it in these stories, and nothing else."""

    def __init__(self, rows: list[list[int]], vocab_size: int) -> None:
        super().__init__()
        self.counts = torch.full((vocab_size, vocab_size), 1e-3)
        for row in rows:
            for before, after in pairwise(row):
                self.counts[before, after] += 1

    def forward(self, ids: Tensor) -> Tensor:
        return (self.counts / self.counts.sum(-1, keepdim=True)).log()[ids]


class Copier(nn.Module):
    """Says the last of some words among the last `window` tokens; where there is none, the first of them."""

    def __init__(self, kept: list[int], vocab_size: int, window: int) -> None:
        super().__init__()
        self.kept, self.vocab_size, self.window = kept, vocab_size, window
        self.fed: list[list[int]] = []

    def forward(self, ids: Tensor) -> Tensor:
        logits = torch.zeros(*ids.shape, self.vocab_size)
        for line, row in enumerate(ids.tolist()):
            self.fed.append(row)
            for time in range(len(row)):
                seen = [token for token in row[max(0, time + 1 - self.window) : time + 1] if token in self.kept]
                logits[line, time, (seen or self.kept)[-1 if seen else 0]] = 20.0
        return logits
