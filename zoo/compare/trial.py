"""What `compare` measures of one trained model: its loss, its memory, and how fast it writes.

Used by `zoo.compare.table`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import torch

from zoo.compare import distance
from zoo.compare.result import Trial
from zoo.data import Corpus
from zoo.inference import LoadedModel
from zoo.sampling import Sampling
from zoo.tasks import streams
from zoo.training import Run

PROMPT, WRITTEN, ROUNDS = 32, 32, 5
"""Tokens of the prompt, tokens written behind it, and how often; the median round counts."""
GENERATED = f"{WRITTEN} tokens behind {PROMPT}, the whole text read again for each"


def trial(
    run: Run, model: LoadedModel, corpus: Corpus, stories: Sequence[Sequence[str]], asked: Sequence[distance.Asked]
) -> Trial:
    """What is measured of a finished run, whose model is `model`; `asked` are words of `stories`."""
    last = run.events()[-1]
    found = None
    if corpus.language is not None:
        found = distance.measure(model, corpus.language, stories, asked)
    prompt = _prompt(corpus, model)
    return Trial(
        seed=run.info.recipe.seed,
        steps=last["step"],
        seconds=last["elapsed"],
        tokens=last["tokens"],
        tokens_per_second=last["tokens_per_second"],
        nats=last["valid_loss"],
        bits_per_character=last.get("bits_per_character"),
        ms_per_token=generating(model, prompt),
        ms_per_token_carried=carrying(model, prompt),
        accuracy=None if found is None else [each.accuracy for each in found.buckets],
        probability=None if found is None else [each.probability for each in found.buckets],
        grammar=None if found is None else found.grammar.accuracy,
    )


def generating(model: LoadedModel, prompt: Sequence[int]) -> float:
    """Milliseconds for a token that is written behind `prompt` as the app does it: the median of some rounds.

    Drawn at temperature 1; where a text ends early, fewer tokens are counted.
    """
    rounds = []
    for seed in range(ROUNDS):
        started = time.perf_counter()
        written = len(list(model.generate(prompt, WRITTEN, Sampling(), seed)))
        rounds.append(1000 * (time.perf_counter() - started) / max(1, written))
    return statistics.median(rounds)


@torch.no_grad()
def carrying(model: LoadedModel, prompt: Sequence[int]) -> float | None:
    """The same for a model that can go on from its state: `module.read(ids, states)` -> logits and states.

    The likeliest token is taken each time. None where the model carries no state.
    """
    read = getattr(model.module, "read", None)
    if read is None:
        return None
    rounds = []
    for _ in range(ROUNDS):
        logits, states = read(torch.tensor([list(prompt)]))
        started = time.perf_counter()
        for _ in range(WRITTEN):
            logits, states = read(logits[:, -1:].argmax(-1), states)
        rounds.append(1000 * (time.perf_counter() - started) / WRITTEN)
    return statistics.median(rounds)


def _prompt(corpus: Corpus, model: LoadedModel) -> list[int]:
    """The first held-out tokens, and room behind them."""
    ids = streams.tokens(corpus, "valid", model.tokenizer, at_least=PROMPT).ids
    return [int(each) for each in ids[: min(PROMPT, max(1, model.context // 2))]]
