"""From a finished training run to weights that the playground ships, with a model card.

    python -m zoo.pretrained.ship RUN --corpus FILE --out zoo/pretrained/weights/gpt-stories

The folder written is a run folder with one float16 checkpoint and CARD.md (`zoo.pretrained.card`).
Every figure in the card is measured here, on the weights as they were written. This is a command,
above `zoo.inference`; nothing in the zoo imports it.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.data import Corpus, read_corpus
from zoo.data.ngram import count_ngrams
from zoo.inference import LoadedModel, load
from zoo.pretrained.card import write_card
from zoo.pretrained.commands import portable
from zoo.pretrained.export import check_corpus, export, replacing
from zoo.pretrained.facts import Card, Sample, Score, Text
from zoo.registry import Registry, discover
from zoo.sampling import Sampling
from zoo.tasks.next_token import NextToken, Windows
from zoo.tasks.streams import token_stream
from zoo.training.run import Run

LIMIT = 25_000_000
"""The most bytes that the shipped weights may have."""
PROMPT, SEEDS, TOKENS, TEMPERATURE = "The", range(10), 80, 0.8
"""How the card's samples are made."""


def ship(run: Run, corpus: Corpus, out: Path, registry: Registry | None = None) -> Card:
    """Write the run's newest kept weights to `out`, measured and with a card; a folder shipped before is replaced.

    Raises:
        ValueError: the corpus is not the run's, the weights don't fit, or `out` holds something else.
        LookupError: the run's plugin is not installed.
    """
    registry = registry or discover()
    check_corpus(run, corpus)
    with replacing(out) as draft:
        export(run, draft, [_newest(run)], LIMIT)
        card = describe(draft, corpus, registry, f"runs/{run.folder.resolve().name}", portable(out))
        (draft / "CARD.md").write_text(write_card(card), encoding="utf-8")
    return card


def _newest(run: Run) -> int:
    step = max(run.steps(), default=0)
    if not step:
        raise ValueError(f"{run.folder} has no trained weights yet: let it train until its first checkpoint")
    return step


def describe(folder: Path, corpus: Corpus, registry: Registry, source: str, out: str) -> Card:
    """Measure the shipped weights of `folder` and gather all that the card says.

    `source` and `out` are the run's and the folder's names as the card shall write them.
    """
    model, run = load(str(folder), registry=registry), Run.open(folder)
    train, valid = (token_stream(model.tokenizer, texts).numpy() for texts in (corpus.train, corpus.valid))
    return Card(
        info=run.info,
        fields=registry.get(run.info.model).Config.model_fields,
        title=model.title,
        context=model.context,
        tokenizer=model.tokenizer,
        weights={name: tensor.numel() for name, tensor in run.weights().items()},
        size=sum(path.stat().st_size for path in run.checkpoints.iterdir()),
        events=run.events(),
        train=_text(train, corpus.train),
        valid=_text(valid, corpus.valid),
        scores=score(model, train, valid, run.info.parameters),
        samples=[_sample(model, seed) for seed in SEEDS],
        source=source,
        out=out,
    )


def score(model: LoadedModel, train: NDArray[np.int32], valid: NDArray[np.int32], parameters: int) -> list[Score]:
    """The model beside an even guess and two counted models, on the same held-out tokens, worst first.

    The model reads the stream `valid` in windows of its context, each on its own; the counted models
    read it in one piece. What is left over after the last whole window is scored by none.
    """
    windows, vocab = Windows(torch.from_numpy(valid), model.context), model.tokenizer.vocab_size
    held_out = NextToken().evaluate(model.module, windows, model.tokenizer)
    scored, characters = slice(1, 1 + held_out.tokens), held_out.characters

    def row(name: str, nats: float, size: int) -> Score:
        return Score(name, nats, nats * held_out.tokens / math.log(2) / characters, held_out.tokens, characters, size)

    rows = [row("even guess", math.log(vocab), 0)]
    for order, name in ((1, "unigram"), (3, "trigram")):
        counted = count_ngrams(train, vocab, order)
        rows.append(row(name, -float(counted.log_probs(valid)[scored].mean()), counted.size))
    return [*rows, row(model.title, held_out.nats_per_token, parameters)]


def _text(stream: NDArray[np.int32], texts: Collection[str]) -> Text:
    return Text(documents=len(texts), characters=sum(map(len, texts)), tokens=len(stream))


def _sample(model: LoadedModel, seed: int) -> Sample:
    drawn = list(model.generate(model.ids(PROMPT), TOKENS, Sampling(temperature=TEMPERATURE), seed))
    return Sample(PROMPT, TEMPERATURE, seed, TOKENS, PROMPT + model.tokenizer.decode(drawn))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status: 2, with one clear line, where the input can't be used."""
    parser = argparse.ArgumentParser(prog="python -m zoo.pretrained.ship", description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--corpus", required=True, help="the text that the run was trained on")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    print("writing and measuring: a few minutes for millions of tokens", flush=True)
    try:
        card = ship(Run.open(options.run), read_corpus(options.corpus), options.out)
    except (ValueError, LookupError) as error:
        print(f"ship: {str(error).splitlines()[0]}", file=sys.stderr)
        return 2
    for score in card.scores:
        print(f"{score.name:12s} {score.nats:.4f} nats/token  {score.bits:.4f} bits/character")
    print(f"saved in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
