"""What each change since 2019 is worth: zoo/gpt-modern with one switch turned back at a time.

    python -m tests.benchmarks.gpt_modern --corpus tinyshakespeare.txt [--seconds 30 | --steps 800] [--seeds 3]
        [--threads 1] [--out FILE.json] [--only rotary muon …]

Every variant trains for the same time (or steps), in turns of a few seconds, so that a busy machine slows
all of them alike; then again with the next seed. The table, and the file, tell how much worse each is than
the model with everything on: nats per character, over the whole held-out last tenth of the text.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from tests.benchmarks.ours import CONTEXT, Ours
from zoo.data import read_corpus
from zoo.training import Diverged

SLICE = 2.0
"""Seconds that one trains while the others wait."""


@dataclass(frozen=True)
class Change:
    """One change, and how it is turned back."""

    name: str
    title: str
    back: str
    """What stands in its place."""
    config: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    tokenizer: str = "bpe"
    stretch: float = 1.0
    """How many times the steps that fit into the time its schedule is planned for."""


BASE = Change("all", "Everything on", "")
CHANGES = (
    Change("rotary", "Rotary positions", "learned position vectors", {"rotary": False}),
    Change("query_key_norm", "Query–key norm", "none", {"query_key_norm": False}),
    Change("squared_relu", "Squared ReLU", "GELU", {"squared_relu": False}),
    Change("plain_norm", "Norms without weights", "a learned scale and shift", {"plain_norm": False}),
    Change("zero_start", "Projections and output layer start at zero", "at random", {"zero_start": False}),
    Change("untied", "An output layer of its own", "the embedding table again", {"untied": False}),
    Change("previous_token", "The previous token in the embedding", "each token alone", {"previous_token": False}),
    Change("muon", "Muon for the matrices", "AdamW for all", recipe={"optimizer": "adamw", "rate": 0.003}),
    Change("bfloat16", "Half-precision arithmetic", "float32", recipe={"precision": "float32"}),
    Change("bpe", "Pieces of words for tokens", "characters", tokenizer="char"),
    Change("time", "A schedule that falls with the time spent", "one planned in steps, for twice as many as fit",
           stretch=2.0),
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """One variant: a loss and a number of steps for each seed; losses are None where it diverged."""

    name: str
    title: str
    back: str
    losses: list[float | None]
    steps: list[int]
    worse_by: float | None
    """Mean difference to everything on, of the seeds at which it did not diverge."""
    least: float | None
    greatest: float | None


def main() -> None:
    """Train all variants, print the table, write the file."""
    options = _options()
    torch.set_num_threads(options.threads)
    wanted = [BASE, *(each for each in CHANGES if not options.only or each.name in options.only)]
    found: dict[str, list[tuple[float | None, int]]] = {each.name: [] for each in wanted}
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            for name, outcome in trained(wanted, options, seed, Path(folder)).items():
                found[name].append(outcome)
                print(f"seed {seed}  {name:16} {_number(outcome[0])}  {outcome[1]:6d} steps", flush=True)
    results = [summary(each, found[each.name], found["all"]) for each in wanted]
    print(table(results))
    if options.out:
        options.out.write_text(json.dumps(_facts(options, results), indent=2, ensure_ascii=False) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True, metavar="FILE")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--seconds", type=float)
    budget.add_argument("--steps", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="FILE")
    parser.add_argument("--only", nargs="+", choices=[each.name for each in CHANGES])
    options = parser.parse_args()
    if options.seconds is None and options.steps is None:
        options.seconds = 30.0
    return options


def trained(
    changes: list[Change], options: argparse.Namespace, seed: int, folder: Path
) -> dict[str, tuple[float | None, int]]:
    """Each variant's loss and steps after the same time or steps; a schedule in steps follows the base's pace."""
    first = [each for each in changes if each.stretch == 1.0]
    runs = {each.name: _start(each, options, seed, folder / each.name) for each in first}
    found = _in_turns(runs, options.seconds)
    for each in (each for each in changes if each.stretch != 1.0):
        fit = found["all"][1]
        run = _start(each, argparse.Namespace(**vars(options) | {"seconds": None, "steps": round(each.stretch * fit)}),
                     seed, folder / each.name)  # fmt: skip
        found |= _in_turns({each.name: run}, options.seconds, stop_at=fit)
    return found


def _start(change: Change, options: argparse.Namespace, seed: int, folder: Path) -> Ours:
    budget = {"steps": options.steps} if options.seconds is None else {"seconds": options.seconds}
    return Ours(options.corpus, folder, {"seed": seed} | budget | change.recipe, change.tokenizer, change.config)


def _in_turns(
    runs: dict[str, Ours], seconds: float | None, stop_at: int | None = None
) -> dict[str, tuple[float | None, int]]:
    """All runs, a slice each time, until each has spent its budget or has taken `stop_at` steps."""
    found: dict[str, tuple[float | None, int]] = {}
    while len(found) < len(runs):
        for name, run in runs.items():
            if name in found:
                continue
            try:
                before = run.step
                run.advance_to(run.seconds + SLICE) if stop_at is None else run.advance(stop_at - run.step)
            except Diverged:
                found[name] = (None, run.step)
                continue
            if run.step == before or run.step == stop_at:
                run.close()
                found[name] = (run.held_out(), run.step)
    return found


def summary(change: Change, mine: list[tuple[float | None, int]], base: list[tuple[float | None, int]]) -> Result:
    """What the seeds say together: differences are between runs of one seed."""
    gaps = [
        loss - other for (loss, _), (other, _) in zip(mine, base, strict=True) if loss is not None and other is not None
    ]
    return Result(
        change.name,
        change.title,
        change.back,
        [loss for loss, _ in mine],
        [steps for _, steps in mine],
        mean(gaps) if gaps else None,
        min(gaps, default=None),
        max(gaps, default=None),
    )


def table(results: list[Result]) -> str:
    """A row for each change, the most valuable first."""
    rows = sorted(results, key=lambda each: -(each.worse_by or 0.0))
    lines = [f"{'turned back':46} {'loss':>7}  worse by (least, greatest)   steps"]
    for each in rows:
        whole = [loss for loss in each.losses if loss is not None]
        loss = _number(mean(whole) if whole else None)
        spread = f"{_number(each.worse_by)} ({_number(each.least)}, {_number(each.greatest)})"
        lines.append(f"{each.title:46} {loss:>7}  {spread:28} {mean(each.steps):7.0f}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "diverged" if value is None else f"{value:.4f}"


def _facts(options: argparse.Namespace, results: list[Result]) -> dict[str, Any]:
    """All that a page needs to show the table and to say how it came about."""
    corpus = read_corpus(options.corpus)
    return {
        "model": Ours.name,
        "unit": "nats per character",
        "corpus": {"name": corpus.name, "sha256": corpus.sha256, "held_out": "the last tenth of the text"},
        "seconds": options.seconds,
        "steps": options.steps,
        "threads": options.threads,
        "seeds": list(range(options.seeds)),
        "context": CONTEXT,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "command": " ".join(["python -m tests.benchmarks.gpt_modern", *_portable(sys.argv[1:])]),
        "results": [asdict(each) for each in results],
    }


def _portable(arguments: list[str]) -> list[str]:
    """The command's words, with files by their names alone."""
    return [Path(word).name if "/" in word else word for word in arguments]


if __name__ == "__main__":
    main()
