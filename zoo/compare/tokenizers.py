"""What a tokenizer does to the model behind it: the same GPT, the same text, the same time, in bits per character.

    python -m zoo.compare.tokenizers --kinds char,bpe:512 --corpus FILE|glass-box --seconds 30 --seeds 2 [--json]

Each tokenizer is trained on the corpus, then a model with it, through `zoo.launch`. They take turns, step by step,
so that what else the machine does falls on all alike. Every checkpoint is scored on the same held-out characters
(`zoo.compare.per_character`). The page Tokenizers shows zoo/compare/tokenizers.json, and has two race live.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from zoo.compare import race
from zoo.compare.cost import processor_name
from zoo.compare.per_character import Scored, held_out, lost, score, written
from zoo.compare.race import Entrant, Measured, Point, Raced, Trial
from zoo.data import GLASS_BOX, Corpus, open_corpus
from zoo.inference import load
from zoo.launch import launch
from zoo.registry import Registry, discover
from zoo.tokenizers import kind_of
from zoo.training import Run, train

MOST_SEEDS = 20
Report = Callable[[str], object]


@dataclass(frozen=True)
class _Text:
    """What all learn from, and what all are scored on."""

    path: Path
    name: str
    context: int
    characters: int
    """That are scored at most."""


def run(
    entrants: Sequence[Entrant],
    corpus: str,
    budget: dict[str, Any],
    seeds: int = 2,
    *,
    context: int = race.CONTEXT,
    characters: int = race.CHARACTERS,
    report: Report = lambda line: None,
) -> Measured:
    """The whole comparison; `budget` is {"seconds": …} or {"steps": …} for each training.

    Raises:
        ValueError: a tokenizer, the corpus or the budget cannot be used, in one sentence.
    """
    if len({each.name for each in entrants}) < len(entrants) or not entrants:
        raise ValueError("name at least one tokenizer, and none of them twice")
    torch.set_num_threads(1)
    import_module("torch._dynamo")  # what an optimiser imports at its first step
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    found, registry, seeds = dict[Entrant, Raced](), discover(), min(max(seeds, 1), MOST_SEEDS)
    wall, processor = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        text = _Text(_file(corpus, Path(folder)), corpus, context, characters)
        for seed in range(seeds):
            report(f"seed {seed}: {', '.join(each.name for each in entrants)} …")
            for entrant, one in _heat(entrants, text, budget, seed, Path(folder) / str(seed), registry).items():
                before = found.get(entrant)
                found[entrant] = replace(one, trials=before.trials + one.trials) if before else one
        busy = 1 - (time.process_time() - processor) / (time.perf_counter() - wall)
        return _measured(list(found.values()), text, budget, max(0.0, busy))


def _file(corpus: str, folder: Path) -> Path:
    """The corpus as a text: that of the glass box is written down."""
    if corpus != GLASS_BOX:
        return Path(corpus)
    path = folder / "glass-box.txt"
    path.write_text(race.glass_box_text(), encoding="utf-8")
    return path


def _heat(
    entrants: Sequence[Entrant], text: _Text, budget: dict[str, Any], seed: int, folder: Path, registry: Registry
) -> dict[Entrant, Raced]:
    """Train a model for each, and score their checkpoints.

    They take turns, step by step: the one that has used the least of its time goes next. So whatever else the
    machine does falls on all alike.
    """
    begun = {
        each: launch(
            race.order(each, budget, str(text.path), seed=seed, context=text.context), folder / each.name, registry
        )
        for each in entrants
    }
    events = {each: train(one.run, one.plugin, one.corpus) for each, one in begun.items()}
    spent = dict.fromkeys(entrants, 0.0)
    while events:
        each = min(events, key=lambda entrant: spent[entrant])
        if (event := next(events[each], None)) is None:
            del events[each]
        else:
            spent[each] = event["elapsed"]
    return {each: _finished(one.run, one.corpus, text.characters, registry) for each, one in begun.items()}


def _finished(run: Run, corpus: Corpus, characters: int, registry: Registry) -> Raced:
    texts = held_out(corpus.valid, characters)
    return raced(
        run, {step: checkpoint(run, step, texts, registry) for step in run.steps()}, lost(run.tokenizer, texts)
    )


def checkpoint(run: Run, step: int, texts: Sequence[str], registry: Registry | None = None) -> Scored:
    """What a run's model made of these texts at one of its checkpoints.

    Raises:
        ValueError, LookupError: it was not kept, or its model cannot be loaded.
    """
    model = load(str(run.folder), step=step, registry=registry)
    return score(model.module, model.tokenizer, texts, model.context)


def curve(run: Run, scores: Mapping[int, Scored], missed: str) -> tuple[Point, ...]:
    """The checkpoints that were scored, in the order of the training; `missed` is what `lost` said of the texts."""
    seconds = {event["step"]: event["elapsed"] for event in run.events()}
    return tuple(
        Point(step, seconds[step], each.nats / each.tokens, None if missed else each.bits_per_character)
        for step, each in sorted(scores.items())
        if step in seconds
    )


def raced(run: Run, scores: Mapping[int, Scored], missed: str, registry: Registry | None = None) -> Raced:
    """What a run of `race.order` led to, once all its checkpoints are scored.

    Raises:
        ValueError: it has no checkpoint yet.
    """
    points, info, model = curve(run, scores, missed), run.info, load(str(run.folder), registry=registry)
    if not points:
        raise ValueError("the run has no checkpoint yet: there is nothing to score")
    tokenizer, last = model.tokenizer, scores[points[-1].step]
    sample = written(model.module, tokenizer, info.prompt, race.SAMPLE, model.context, info.recipe.seed)
    return Raced(
        kind=kind_of(tokenizer),
        vocab_size=tokenizer.vocab_size,
        parameters=info.parameters,
        embedding=race.embedding_parameters(tokenizer.vocab_size, int(info.config["width"])),
        lost=missed,
        tokens=last.tokens,
        characters=last.characters,
        seen=last.seen,
        trials=(Trial(info.recipe.seed, run.events()[-1]["tokens"], points, sample),),
    )


def _measured(found: Sequence[Raced], text: _Text, budget: dict[str, Any], busy: float) -> Measured:
    corpus = open_corpus(str(text.path))
    unit, amount = next(iter(budget.items()))
    return Measured(
        raced=tuple(found),
        command="",
        corpus=text.name if text.name == GLASS_BOX else text.path.name,
        sha256=corpus.sha256,
        budget=f"{amount:g} {unit}",
        context=text.context,
        width=race.WIDTH,
        blocks=race.BLOCKS,
        floor=race.floor(held_out(corpus.valid, text.characters)) if text.name == GLASS_BOX else None,
        when=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        torch=torch.__version__,
        processors=os.cpu_count() or 1,
        processor=processor_name(),
        busy=round(busy, 4),
    )


def table(measured: Measured) -> str:
    """The comparison as text: a row for each tokenizer, and what follows from them."""
    head = ("tokenizer", "characters/token", "parameters", "embedding", "tokens/s", "characters/s")
    rows: list[tuple[str, ...]] = [(*head, "bits/character", "perplexity/token")]
    for each in measured.raced:
        figures = (each.parameters, each.embedding, each.tokens_per_second, each.characters_per_second)
        bits = _range(each.bits, 3) if each.bits else "not comparable"
        middle = (f"{each.characters_per_token:.2f}", *(f"{figure:,.0f}" for figure in figures))
        rows.append((each.name, *middle, bits, _range(each.perplexities, 1)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([*lines, *_remarks(measured)])


def _remarks(measured: Measured) -> list[str]:
    found = [f"{each.name} is not comparable: {each.lost}" for each in measured.raced if each.lost]
    for one, other in race.contradictions(measured.raced):
        found.append(
            f"{one.name} is better than {other.name} by bits/character, and worse by perplexity/token, seed by seed"
        )
    if measured.floor is not None:
        found.append(f"floor of the language: {measured.floor:.3f} bits/character")
    scored = f"{measured.raced[0].characters:,} held-out characters of {measured.corpus}"
    return [*found, f"{measured.budget} each, on {scored}; a range: its seeds"]


def _range(values: Sequence[float], places: int) -> str:
    low, high = min(values), max(values)
    spread = f" ({low:.{places}f}-{high:.{places}f})" if low < high else ""
    return f"{race.mean(values):.{places}f}{spread}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the top of this file."""
    parser = argparse.ArgumentParser(prog="python -m zoo.compare.tokenizers", description="Tokenizers, one model.")
    parser.add_argument("--kinds", required=True, help="as in char,bpe:512: kind, and entries at most")
    parser.add_argument("--corpus", default=GLASS_BOX, help=f"a text file, or {GLASS_BOX}")
    parser.add_argument("--seconds", type=float, help="of training, for each (30 where nothing is said)")
    parser.add_argument("--steps", type=int, help="a budget in steps instead")
    parser.add_argument("--seeds", type=int, default=2, help="how many times each is trained")
    parser.add_argument("--context", type=int, default=race.CONTEXT, help="tokens")
    parser.add_argument("--characters", type=int, default=race.CHARACTERS, help="of held-out text, to be scored")
    parser.add_argument("--out", type=Path, help="write the result to this file, as JSON")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    given = parser.parse_args(arguments)
    budget = {"steps": given.steps} if given.steps is not None else {"seconds": given.seconds or 30.0}
    try:
        entrants = [Entrant.of(name) for name in given.kinds.split(",")]
        shape: dict[str, Any] = {"context": given.context, "characters": given.characters}
        found = run(
            entrants, given.corpus, budget, given.seeds, **shape, report=lambda line: print(line, file=sys.stderr)
        )
    except (LookupError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    found = replace(found, command=_command(given, budget))
    if given.out:
        found.write(given.out)
    print(json.dumps(asdict(found), ensure_ascii=False) if given.json else table(found))
    return 0


def _command(given: argparse.Namespace, budget: dict[str, Any]) -> str:
    """What was asked for, with the file's name alone."""
    unit, amount = next(iter(budget.items()))
    corpus = given.corpus if given.corpus == GLASS_BOX else Path(given.corpus).name
    parts = ["--kinds", given.kinds, "--corpus", corpus, f"--{unit}", f"{amount:g}", "--seeds", str(given.seeds)]
    for name, usual in (("context", race.CONTEXT), ("characters", race.CHARACTERS)):
        if getattr(given, name) != usual:
            parts += [f"--{name}", str(getattr(given, name))]
    return f"python -m zoo.compare.tokenizers {shlex.join(parts)}"


if __name__ == "__main__":
    sys.exit(main())
