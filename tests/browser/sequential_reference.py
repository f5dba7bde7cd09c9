"""What the page Sequential and parallel shows, worked out once more without the page and without zoo.compare.

Recurrent cells and the GPT in NumPy from the bytes of the shipped weights; the gradient by hand, backwards through
the RNN; translators word by word; blanks by Bayes' rule. Used by test_sequential.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import tokenizers
import torch

import zoo
from tests.browser.reference import Array, Reference, of_run, read_safetensors, softmax
from zoo.data.glass_box import DEFAULT as STORIES
from zoo.data.glass_pairs import DEFAULT as PAIRS
from zoo.data.glass_pairs import Pair
from zoo.inference import LoadedModel

WEIGHTS = Path(__file__).resolve().parents[2] / "zoo" / "pretrained" / "weights"


def sigmoid(x: Array) -> Array:
    """Between 0 and 1."""
    return np.asarray(1 / (1 + np.exp(-x)))


@dataclass(frozen=True)
class Recurrent:
    """A trained LSTM or RNN of one layer as plain arrays."""

    weights: dict[str, Array]
    tokenizer: tokenizers.Tokenizer

    def ids(self, text: str) -> list[int]:
        """The text's token ids."""
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def part(self, name: str) -> Array:
        """A weight of the layer."""
        return self.weights[f"layers.0.{name}"]

    def lstm(self, ids: Sequence[int]) -> dict[str, Array]:
        """Gates and states (T, C) of Hochreiter and Schmidhuber's cell, and the probabilities (T, V)."""
        width = self.weights["embed.weight"].shape[1]
        h, c, found = np.zeros(width), np.zeros(width), dict[str, list[Array]]()
        for token in ids:
            all_gates = self.part("from_input.weight") @ self.weights["embed.weight"][token]
            all_gates = all_gates + self.part("from_input.bias") + self.part("from_state.weight") @ h
            i, f, g, o = np.split(all_gates, 4)
            i, f, o = sigmoid(i), sigmoid(f), sigmoid(o)
            c = f * c + i * np.tanh(g)
            h = o * np.tanh(c)
            for name, value in {"i": i, "f": f, "o": o, "c": c, "h": h}.items():
                found.setdefault(name, []).append(value)
        steps = {name: np.stack(values) for name, values in found.items()}
        return steps | {"probs": softmax(steps["h"] @ self.weights["unembed.weight"].T + self.weights["unembed.bias"])}

    def rnn(self, ids: Sequence[int]) -> Array:
        """The states (T, C) of Elman's cell."""
        h, states = np.zeros(self.weights["embed.weight"].shape[1]), []
        for token in ids:
            x = self.weights["embed.weight"][token]
            h = np.tanh(
                self.part("from_input.weight") @ x + self.part("from_input.bias") + self.part("from_state.weight") @ h
            )
            states.append(h)
        return np.stack(states)

    def rnn_gradients(self, ids: Sequence[int], place: int, answer: int) -> Array:
        """The length of d logit[answer] at `place` / d embedding, for each token from `place` back to the first."""
        states, lengths = self.rnn(ids), []
        back = self.weights["unembed.weight"][answer]
        for at in range(place, -1, -1):
            back = back * (1 - states[at] ** 2)  # through the tanh
            lengths.append(np.linalg.norm(self.part("from_input.weight").T @ back))
            back = self.part("from_state.weight").T @ back
        return np.array(lengths)


def recurrent(run: str) -> Recurrent:
    """A shipped recurrent model."""
    file = sorted((WEIGHTS / run / "checkpoints").glob("[0-9]*.safetensors"))[-1]
    return Recurrent(read_safetensors(file), tokenizers.Tokenizer.from_file(str(WEIGHTS / run / "tokenizer.json")))


@cache
def gpt(run: str) -> Reference:
    """A shipped GPT."""
    return of_run(WEIGHTS / run)


@cache
def loaded(run: str) -> LoadedModel:
    """A shipped model as `zoo.load` gives it."""
    return zoo.load(str(WEIGHTS / run))


def likeliest(probs: Array, tokenizer: tokenizers.Tokenizer, most: int = 3) -> list[tuple[str, float]]:
    """What is expected, with its share."""
    return [(tokenizer.decode([int(i)]), float(probs[i])) for i in np.argsort(-probs)[:most]]


def exponent(lengths: Sequence[float], costs: Sequence[float], last: int = 4) -> float:
    """The slope on log-log paper, over the last lengths."""
    return float(np.polyfit(np.log(lengths[-last:]), np.log(costs[-last:]), 1)[0])


@torch.no_grad()
def accuracy(run: str, stories: int, seed: int, edges: Sequence[tuple[int, int]]) -> list[float | None]:
    """How often a model is right on words that one other word settles, by how far back that stands."""
    model, hits = loaded(run), [list[bool]() for _ in edges]
    for story in STORIES.stories(stories, seed):
        ids = model.tokenizer.encode(STORIES.join(story.words)).ids
        for at, need in enumerate(STORIES.needs(story.words)):
            for found, (first, last) in zip(hits, edges, strict=True):
                if at and need.back is not None and first <= need.back <= last:
                    found.append(asked(model, ids[:at]).argmax() == ids[at])
    return [float(np.mean(found)) if found else None for found in hits]


@torch.no_grad()
def asked(model: LoadedModel, ids: Sequence[int]) -> Array:
    """The probabilities (V,) of what comes next, one pass for this one answer."""
    logits = model.module(torch.tensor([list(ids)[-model.context :]]))[0, -1]
    return softmax(logits.double().numpy())


@torch.no_grad()
def blank(model: LoadedModel, ids: Sequence[int], place: int) -> Array:
    """The probabilities (V,) of a blank at `place`, for BERT: its mark is the id behind its vocabulary."""
    row = [*ids]
    row[place] = model.tokenizer.vocab_size
    return softmax(model.module(torch.tensor([row]))[0, place].double().numpy())


def words_between(left: Sequence[str], right: Sequence[str]) -> dict[str, float]:
    """The exact probability of each word between two sides: every word is tried, and the story read on."""
    found = {}
    for word, prob in STORIES.next_words(left).items():
        so_far = [*left, word]
        for each in right:
            prob *= STORIES.next_words(so_far).get(each, 0.0)
            so_far.append(each)
            if not prob:
                break
        found[word] = prob
    total = math.fsum(found.values())
    return {word: prob / total for word, prob in found.items() if prob}


@torch.no_grad()
def translation(run: str, source: str) -> list[str]:
    """A translator's words, one pass for each: always the likeliest."""
    model = loaded(run)
    ids = [*model.tokenizer.encode(source).ids, model.tokenizer.vocab_size]  # the mark ends the source
    written = list[int]()
    for _ in range(model.context - len(ids)):
        best = int(model.module(torch.tensor([[*ids, *written]]))[0, -1].argmax())
        if best == model.tokenizer.end_of_text:
            break
        written.append(best)
    return PAIRS.split(model.tokenizer.decode(written))


def held_out(length: int, sentences: int) -> list[Pair]:
    """The sentences of this many words that translators are measured on."""
    return PAIRS.pairs(sentences, seed=length, length=range(length, length + 1), part="valid")
