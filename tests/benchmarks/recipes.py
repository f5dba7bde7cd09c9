"""What each built-in model learns of our own language in well under a minute, with its own recipe, on one core.

    python -m tests.benchmarks.recipes [--seconds 45] [--only zoo/gpt zoo/bert …]

Held-out loss at the end beside the bar that the model has to come below: for the next token what counting pairs
of words gives, else half the loss of a blind guess.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from zoo.registry import discover
from zoo.training import Run

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Train one after the other, and print a line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--only", nargs="+", metavar="MODEL")
    options = parser.parse_args()
    plugins = discover(folders=[]).plugins
    print(f"{options.seconds:g} s each; 1 thread of {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    for model in options.only or plugins:
        with tempfile.TemporaryDirectory() as folder:
            print(_learned(model, plugins[model].spec.task, options.seconds, Path(folder) / "run"), flush=True)


def _learned(model: str, task: str, seconds: float, folder: Path) -> str:
    corpus = "glass-box-pairs" if task == "translate" else "glass-box"
    order = [sys.executable, "-m", "zoo", "train", "--model", model, "--corpus", corpus, "--folder", str(folder)]
    subprocess.run([*order, "--seconds", str(seconds)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    run = Run.open(folder)
    marks = run.yardsticks
    assert marks is not None
    loss = [event["valid_loss"] for event in run.events() if "valid_loss" in event][-1]
    bar = marks.ceiling / 2 if marks.bigram is None else marks.bigram
    rest = f", floor {marks.floor:.3f}" if marks.floor is not None else ""
    verdict = "below" if loss < bar else "NOT below"
    return f"{model:22} {loss:.3f} nats, {verdict} {bar:.3f} (blind guess {marks.ceiling:.3f}{rest})"


if __name__ == "__main__":
    main()
