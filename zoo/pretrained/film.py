"""From a training run to a small one that the playground ships whole, so that its checkpoints can be scrubbed through.

    python -m zoo.pretrained.film RUN --out zoo/pretrained/weights/gpt-glass-box

The folder written is a run folder with about a dozen checkpoints in float16, close together where the
model changes fast, and CARD.md, in which every figure is measured on the weights as they were written.
A command, like `zoo.pretrained.ship`; nothing in the zoo imports it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from zoo.data import Corpus, open_corpus
from zoo.inference import load
from zoo.pretrained.commands import portable
from zoo.pretrained.ship import check_target, half
from zoo.tasks import streams
from zoo.tasks.next_token import NextToken, Windows
from zoo.training.run import Run

FRAMES = 12
"""Checkpoints in the film."""
LIMIT = 15_000_000
"""The most bytes that they may have together."""


def film(run: Run, out: Path, frames: int = FRAMES) -> list[tuple[int, float]]:
    """Write the run's film to `out`; each checkpoint's step and held-out loss in nats per token, as shipped.

    Raises:
        ValueError: the run has too few checkpoints, the film is too large, or `out` holds something else.
    """
    check_target(out)
    steps = pick(run.steps(), frames)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".film-") as scratch:
        draft = Path(scratch) / out.name
        export(run, draft, steps)
        losses = measure(draft, open_corpus(run.info.corpus["open"]))
        (draft / "CARD.md").write_text(card(Run.open(draft), losses, run.folder.name, portable(out)), encoding="utf-8")
        if out.exists():
            shutil.rmtree(out)
        os.replace(draft, out)
    return losses


def pick(steps: Sequence[int], frames: int) -> list[int]:
    """About `frames` of the steps, the first and the last among them, each gap larger than the one before.

    [0, 10, …, 1000], 5 -> [0, 10, 40, 200, 1000]: a model changes fastest at first.

    Raises:
        ValueError: there are not two steps to choose from.
    """
    if len(steps) < 2:
        raise ValueError("the run has kept fewer than two checkpoints: train it with --set checkpoints=100")
    later = np.asarray(steps[1:])
    wanted = np.geomspace(later[0], later[-1], frames - 1)
    nearest = {int(later[np.abs(np.log(later / each)).argmin()]) for each in wanted}
    return [steps[0], *sorted(nearest)]


def export(run: Run, folder: Path, steps: Sequence[int]) -> None:
    """A run folder with the weights of these steps in float16, and the events at which held-out text was scored."""
    shipped = Run(folder)
    shipped.checkpoints.mkdir(parents=True)
    for name in ("run.json", "tokenizer.json", "yardsticks.json"):
        shutil.copyfile(run.folder / name, folder / name)
    for step in steps:
        file = shipped.checkpoints / f"{step:07d}.safetensors"
        save_file({name: half(name, tensor) for name, tensor in run.weights(step).items()}, file)
        file.chmod(0o644)  # the library leaves it readable for its writer alone
    size = sum(file.stat().st_size for file in shipped.checkpoints.iterdir())
    if size > LIMIT:
        raise ValueError(f"the checkpoints take {size:,} bytes; at most {LIMIT:,} are shipped")
    for event in run.events():
        if "valid_loss" in event:
            shipped.append(event)


def measure(folder: Path, corpus: Corpus) -> list[tuple[int, float]]:
    """Each checkpoint's loss on the held-out windows that the run itself was scored on: (step, nats per token)."""
    run = Run.open(folder)
    found = []
    for step in run.steps():
        model = load(str(folder), step=step)
        valid = streams.tokens(corpus, "valid", model.tokenizer)
        windows = Windows(valid.ids, model.context, starts=valid.starts)
        limit = run.info.recipe.held_out_windows
        found.append((step, NextToken().evaluate(model.module, windows, model.tokenizer, limit=limit).nats_per_token))
    return found


def card(run: Run, losses: Sequence[tuple[int, float]], source: str, out: str) -> str:
    """What the folder holds, in Markdown."""
    info, yardsticks = run.info, run.yardsticks
    assert yardsticks is not None
    changed = info.recipe.model_dump(exclude_defaults=True, exclude_none=True)
    budget = "".join(f" --{name} {changed.pop(name)}" for name in ("seconds", "steps") if name in changed)
    settings = "".join(f" --set {name}={value}" for name, value in (info.config | changed).items())
    size = sum(file.stat().st_size for file in run.checkpoints.iterdir())
    floor = f"{yardsticks.floor:.3f}" if yardsticks.floor is not None else "unknown"
    rows = "".join(f"| {step:,} | {loss:.3f} |\n" for step, loss in losses)
    return f"""# A training to scrub through

`{info.model}` ({info.parameters:,} parameters) learning `{info.corpus["name"]}`: {len(losses)} checkpoints in float16,
{size / 1e6:.1f} MB together. The text is the project's own: the stories are drawn by the program in
`zoo/data/glass_box/`. Licence: as the project.

    python -m zoo train --model {info.model} --corpus {info.corpus["name"]} --run runs/{source}{budget}{settings}
    python -m zoo.pretrained.film runs/{source} --out {out}

Held-out loss of the weights as they are shipped, in nats per token, on {yardsticks.tokens:,} tokens. On the same
tokens: an even guess {yardsticks.ceiling:.3f}, word frequencies {yardsticks.unigram:.3f}, the word before
{yardsticks.bigram:.3f}, the exact distribution {floor}.

| training steps | loss |
| ---: | ---: |
{rows}"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status: 2, with one clear line, where the input can't be used."""
    parser = argparse.ArgumentParser(prog="python -m zoo.pretrained.film", description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        losses = film(Run.open(options.run), options.out)
    except (ValueError, LookupError) as error:
        print(f"film: {str(error).splitlines()[0]}", file=sys.stderr)
        return 2
    for step, loss in losses:
        print(f"step {step:6d}  held out {loss:.4f} nats/token")
    print(f"saved in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
