"""Quality per second: zoo/gpt-modern against nanoGPT's documented CPU configuration, on one text.

    python -m tests.benchmarks.nanogpt --nanogpt CHECKOUT --corpus tinyshakespeare.txt --part thirty
        [--threads 2] [--seeds 1] [--seconds S]

Parts: final (its final loss, in a fraction of its seconds), thirty and sixty (the loss after so many
seconds), chars (the same after 30 with characters as tokens), seeds (does any of twenty diverge?), speed
(tokens per second at its own shape).

Both take turns on the same cores, a few seconds each. Losses are nats per *character* over the whole last
tenth of the text, in windows that do not overlap, from float32 weights in float32. Seconds are those of the
training steps of each, batches and all; evaluation, saving, and the first building are left out on both
sides. Our tokenizer is trained on the training split; its time is shown apart. Ours goes the way of the
command line and the app: an `Order`, `launch`, a run folder, `train`.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from tests.benchmarks.nanogpt_peer import README, Apart
from tests.benchmarks.ours import Ours
from tests.benchmarks.rounds import interleave, ratio
from zoo.data import read_corpus
from zoo.training import Diverged

SLICE = 2.0
"""Seconds that one trains while the other waits."""
STEPS = 2000
"""Of nanoGPT, to its end."""
SHARES = (20, 25, 40)
"""Of nanoGPT's seconds, ours gets one in so many."""
GOALS = {"thirty": (30.0, 1.54, 1.50), "sixty": (60.0, 1.48, 1.45), "chars": (30.0, 1.66, 1.66)}
"""Seconds, the loss that is promised, and the one that is aimed for."""
SPEED, STRETCH = (1.8, 2.0), 40
"""How many times its tokens per second is promised and aimed for; the steps that each takes at a time."""


@dataclass(frozen=True)
class Bench:
    """Where both find what they need."""

    checkout: Path
    corpus: Path
    folder: Path

    @contextmanager
    def peer(self) -> Iterator[Apart]:
        """nanoGPT at its start."""
        text = read_corpus(self.corpus)
        run = Apart(self.checkout, "".join(text.train), "".join(text.valid), _new(self.folder))
        try:
            yield run
        finally:
            run.close()

    @contextmanager
    def ours(self, seed: int = 0, tokenizer: str = "bpe", **recipe: Any) -> Iterator[Ours]:
        """Our model at its start."""
        run = Ours(self.corpus, _new(self.folder), {"seed": seed, **recipe}, tokenizer)
        try:
            yield run
        finally:
            run.close()


def _new(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


def main() -> None:
    """Run one part and print its figures."""
    options = _options()
    torch.set_num_threads(options.threads)
    print(f"part {options.part}, torch {torch.__version__}, {options.threads} threads", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        PARTS[options.part](Bench(options.nanogpt, options.corpus, Path(folder)), options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nanogpt", type=Path, required=True, metavar="CHECKOUT")
    parser.add_argument("--corpus", type=Path, required=True, metavar="FILE")
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, help="runs of ours (by default 4 for final, 20 for seeds, else 1)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each run of the part seeds")
    parser.add_argument("--rounds", type=int, default=12, help="of the part speed")
    return parser.parse_args()


def final(bench: Bench, options: argparse.Namespace) -> None:
    """nanoGPT to its end; behind each part of its way, a run of ours in 1/20, 1/25, 1/40 of the seconds it needs."""
    rounds, found = options.seeds or 4, dict[int, list[tuple[float, float]]]()
    with bench.peer() as peer:
        for seed in range(rounds):
            peer.advance(STEPS * (seed + 1) // rounds - peer.step)
            for share in SHARES:
                with bench.ours(seed, seconds=peer.seconds * STEPS / peer.step / share) as ours:
                    ours.advance_to(math.inf)
                    found.setdefault(share, []).append((ours.seconds, ours.held_out()))
                _tell(f"{ours.name}, seed {seed}, a {share}th", ours, found[share][-1][1])
        goal = peer.held_out()
        _tell(f"{peer.name}, to its end", peer, goal)
    for outcomes in found.values():
        times = peer.seconds / max(seconds for seconds, _ in outcomes)
        _judge(f"worst of {rounds} in 1/{times:.1f} of its seconds", max(loss for _, loss in outcomes), goal)


def after(bench: Bench, options: argparse.Namespace) -> None:
    """Both train for so many seconds, in turns."""
    seconds, goal, aim = GOALS[options.part]
    tokenizer = "char" if options.part == "chars" else "bpe"
    for seed in range(options.seeds or 1):
        with bench.peer() as peer, bench.ours(seed, tokenizer, seconds=seconds) as ours:
            at = 0.0
            while at < seconds:
                at = min(at + SLICE, seconds)
                ours.advance_to(at)
                peer.advance_to(at)
            loss = ours.held_out()
            _tell(f"{ours.name}, seed {seed}", ours, loss)
            _tell(peer.name, peer, peer.held_out())
        _judge(f"after {seconds:.0f} s (aim {aim})", loss, goal)


def seeds(bench: Bench, options: argparse.Namespace) -> None:
    """Many short trainings, one after the other: none may diverge."""
    losses, diverged = list[float](), list[int]()
    for seed in range(options.seeds or 20):
        try:
            with bench.ours(seed, seconds=options.seconds) as ours:
                ours.advance_to(math.inf)
                losses.append(ours.held_out())
                _tell(f"{ours.name}, seed {seed}", ours, losses[-1])
        except Diverged as error:
            diverged.append(seed)
            print(f"seed {seed}: {error}", flush=True)
    print(f"{len(diverged)} of {len(losses) + len(diverged)} diverged {diverged or ''}")
    if losses:
        print(f"nats per character: least {min(losses):.4f}, median {median(losses):.4f}, greatest {max(losses):.4f}")


def speed(bench: Bench, options: argparse.Namespace) -> None:
    """Tokens per second at nanoGPT's own shape: its width, blocks, heads, window, batch, and characters.

    Ours twice: as it is, and with AdamW for everything, as nanoGPT has it.
    """
    shape: dict[str, Any] = {"steps": 10**6, "batch": README["batch_size"]}
    with (
        bench.peer() as peer,
        bench.ours(0, "char", **shape) as ours,
        bench.ours(0, "char", **shape, optimizer="adamw", rate=0.001) as plain,
    ):
        runs: dict[str, Apart | Ours] = {peer.name: peer, ours.name: ours, f"{ours.name}, AdamW": plain}
        times = interleave({name: partial(run.advance, STRETCH) for name, run in runs.items()}, options.rounds)
    for name, seconds in times.items():
        step, found = median(seconds) / STRETCH, ratio(times, peer.name, name)
        print(
            f"{name:22} {peer.tokens / step:10,.0f} tokens/s, {step * 1e3:.1f} ms a step,"
            f" {found.middle:.2f} × ({found.least:.2f} to {found.greatest:.2f} in {options.rounds} rounds)"
        )
    found = ratio(times, peer.name, ours.name)
    verdict = "met" if found.middle >= SPEED[0] else "NOT met"
    print(f"{found.middle:.2f} × its tokens per second; the target is {SPEED[0]} (aim {SPEED[1]}): {verdict}")


def _tell(name: str, run: Apart | Ours, loss: float) -> None:
    apart = f"; tokenizer and preparation {run.preparation:.2f} s apart" if isinstance(run, Ours) else ""
    print(f"{name:32} {run.seconds:7.2f} s, {run.step:5d} steps, {loss:.4f} nats per character{apart}", flush=True)


def _judge(what: str, loss: float, goal: float) -> None:
    print(f"{what}: {loss:.4f}; the target is {goal:.4f}: {'met' if loss <= goal else 'NOT met'}", flush=True)


PARTS: dict[str, Callable[[Bench, argparse.Namespace], None]] = {
    "final": final,
    "thirty": after,
    "sixty": after,
    "chars": after,
    "seeds": seeds,
    "speed": speed,
}

if __name__ == "__main__":
    main()
