"""From a training run to a small one that the playground ships whole, so that its checkpoints can be scrubbed through.

    python -m zoo.pretrained.ship_checkpoints RUN --out zoo/pretrained/weights/gpt-glass-box [--checkpoints 12]

The folder written is a run folder with about a dozen checkpoints in float16, close together where the
model changes fast, and CARD.md, in which every figure is measured on the weights as they were written.
The run may be of any task. A text that is not the project's own is named with `--corpus`.
A command, like `zoo.pretrained.ship`; nothing in the zoo imports it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from zoo.data import Corpus, open_corpus
from zoo.inference import load
from zoo.plugin import context_of
from zoo.pretrained.card import as_code
from zoo.pretrained.commands import plain, portable, tokenizer_options
from zoo.pretrained.export import check_corpus, export, replacing
from zoo.pretrained.facts import CORPORA
from zoo.registry import discover
from zoo.tasks import task_of
from zoo.training.run import Run, Yardsticks

ANSWERS = 10
"""How many of the run's answers the card shows."""
CHECKPOINTS = 12
"""How many are shipped, about."""
LIMIT = 15_000_000
"""The most bytes that they may have together."""


def ship_checkpoints(
    run: Run, out: Path, count: int = CHECKPOINTS, corpus: Corpus | None = None
) -> list[tuple[int, float]]:
    """Write about `count` of the run's checkpoints to `out`; the step and held-out loss of each, in nats per token.

    Raises:
        ValueError: the run has too few checkpoints or another text, they are too large together, or `out` holds
            something else.
    """
    if corpus is None and "open" not in run.info.corpus:
        raise ValueError(f"{run.folder} was trained on {run.info.corpus['name']}: name that file with --corpus")
    corpus = corpus or open_corpus(run.info.corpus["open"])
    check_corpus(run, corpus)
    with replacing(out) as draft:
        export(run, draft, pick(run.steps(), count), LIMIT)
        shutil.copyfile(run.folder / "yardsticks.json", draft / "yardsticks.json")
        losses = measure(draft, corpus)
        words = card(Run.open(draft), losses, run.folder.name, portable(out), count)
        (draft / "CARD.md").write_text(words, encoding="utf-8")
    return losses


def pick(steps: Sequence[int], count: int) -> list[int]:
    """About `count` of the steps, the first and the last among them, each gap larger than the one before.

    [0, 10, …, 1000], 5 -> [0, 10, 40, 200, 1000]: a model changes fastest at first.

    Raises:
        ValueError: there are not two steps to choose from.
    """
    if len(steps) < 2:
        raise ValueError("the run has kept fewer than two checkpoints: train it with --set checkpoints=100")
    later = np.asarray(steps[1:])
    wanted = np.geomspace(later[0], later[-1], count - 1)
    nearest = {int(later[np.abs(np.log(later / each)).argmin()]) for each in wanted}
    return [steps[0], *sorted(nearest)]


def measure(folder: Path, corpus: Corpus) -> list[tuple[int, float]]:
    """Each checkpoint's loss on the held-out examples that the run itself was scored on: (step, nats)."""
    run = Run.open(folder)
    plugin, tokenizer, limit = discover().get(run.info.model), run.tokenizer, run.info.recipe.held_out_windows
    task, context = task_of(plugin.spec.task), context_of(plugin.Config.model_validate(run.info.config))
    held_out = task.examples(corpus, "valid", tokenizer, context, limit=limit)
    modules = ((step, load(str(folder), step=step).module) for step in run.steps())
    return [(step, task.evaluate(module, held_out, tokenizer, limit=limit).nats_per_token) for step, module in modules]


def card(run: Run, losses: Sequence[tuple[int, float]], source: str, out: str, count: int) -> str:
    """What the folder holds, in Markdown."""
    info, yardsticks = run.info, run.yardsticks
    assert yardsticks is not None
    changed = info.recipe.model_dump(exclude_defaults=True, exclude_none=True)
    budget = "".join(f" --{name} {plain(changed.pop(name))}" for name in ("seconds", "steps") if name in changed)
    ours = "open" in info.corpus
    tokens = "" if ours else "".join(f" {name} {value}" for name, value in tokenizer_options(run.tokenizer))
    made = f" --checkpoints {count}" * (count != CHECKPOINTS) + f" --corpus {info.corpus['name']}" * (not ours)
    settings = "".join(f" --set {name}={value}" for name, value in (info.config | changed).items())
    size = sum(file.stat().st_size for file in run.checkpoints.iterdir())
    task, about = discover().get(info.model).spec.task, CORPORA.get(info.corpus["sha256"])
    text = (
        "The text is the project's own: it is drawn by the programs in `zoo/data/`. Licence: as the project."
        if about is None
        else f"{about.what} Licence: {about.licence}. {about.limit}."
    )
    train = f"python -m zoo train --model {info.model} --corpus {info.corpus['name']} --run runs/{source}"
    train += f"{tokens}{budget}{settings}"
    text = textwrap.fill(f"{size / 1e6:.1f} MB together. {text}", 100)
    rows = "".join(f"| {step:,} | {loss:.3f} |\n" for step, loss in losses)
    return f"""# A training to scrub through

`{info.model}` ({info.parameters:,} parameters) learning `{info.corpus["name"]}`: {len(losses)} checkpoints in float16,
{text}

    {train}
    python -m zoo.pretrained.ship_checkpoints runs/{source} --out {out}{made}

Held-out loss of the weights as they are shipped, in nats per prediction ({task}), on the first
{info.recipe.held_out_windows:,} held-out examples. {_yardsticks(yardsticks)}

| training steps | loss |
| ---: | ---: |
{rows}
What it made of its prompt, unpicked, each time that held-out text was scored during the training. The prompt:

{as_code(info.prompt)}

{_answers(run)}"""


def _yardsticks(known: Yardsticks) -> str:
    """What the losses are to be held against."""
    found = {
        "word frequencies": known.unigram,
        "the word before": known.bigram,
        "the exact distribution": known.floor,
    }
    others = "".join(f", {name} {value:.3f}" for name, value in found.items() if value is not None)
    return f"A blind guess loses {known.ceiling:.3f}{others}."


def _answers(run: Run) -> str:
    """The likeliest answer and the text that was drawn, at about ten evaluations."""
    events = [event for event in run.events() if event.get("next")]
    picked = sorted({int(i) for i in np.linspace(0, len(events) - 1, ANSWERS).round()}) if events else []
    return (
        "\n\n".join(
            f"Step {event['step']:,}, likeliest {event['next'][0]['token'].strip()!r} "
            f"({event['next'][0]['prob']:.1%}):\n\n{as_code(event.get('sample', '').strip() or '(nothing)')}"
            for event in (events[i] for i in picked)
        )
        + "\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status: 2, with one clear line, where the input can't be used."""
    parser = argparse.ArgumentParser(
        prog="python -m zoo.pretrained.ship_checkpoints", description=__doc__.splitlines()[0]
    )
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
    parser.add_argument("--checkpoints", type=int, default=CHECKPOINTS, help=f"how many (default {CHECKPOINTS})")
    parser.add_argument("--corpus", help="the text that the run was trained on, where it is a file")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        corpus = open_corpus(options.corpus) if options.corpus else None
        losses = ship_checkpoints(Run.open(options.run), options.out, options.checkpoints, corpus)
    except (ValueError, LookupError) as error:
        print(f"ship_checkpoints: {str(error).splitlines()[0]}", file=sys.stderr)
        return 2
    for step, loss in losses:
        print(f"step {step:6d}  held out {loss:.4f} nats/token")
    print(f"saved in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
