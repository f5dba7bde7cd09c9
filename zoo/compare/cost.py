"""What reading a text costs by its length, measured: recurrent networks and a transformer of one width, side by side.

    python -m zoo.compare.cost --seconds 20 [--out FILE] [--json]

One pass over one text of random tokens, without gradients, on one thread of the processor. All are timed in turn,
round after round, so that what else the machine does falls on each alike. The page Sequential and parallel runs
this command in a process of its own, and shows zoo/compare/cost.json until then.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo.compare import counts
from zoo.compare.counts import Flops
from zoo.compare.files import read_json, write_json
from zoo.compare.fused import FusedGPT
from zoo.models import gpt, gru, lstm, rnn

RECORDED = Path(__file__).with_name("cost.json")
"""A measurement that comes with the repository, made by the command above."""
LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048)
WIDTH, LAYERS, HEADS, VOCAB = 128, 2, 4, 256
SECONDS = 20.0
MOST_SECONDS = 60.0
MOST_ROUNDS = 40
WATCHED = 0.35
"""The share of the time in which the memory is watched, before anything is timed."""

RECURRENT = {"rnn": ("RNN", rnn.RNN, rnn.Config), "lstm": ("LSTM", lstm.LSTM, lstm.Config)} | {
    "gru": ("GRU", gru.GRU, gru.Config)
}

Clock = Callable[[], float]


@dataclass(frozen=True)
class Subject:
    """One model in one way of running it."""

    name: str
    kind: str
    """"rnn", "lstm", "gru" or "transformer"."""
    fused: bool
    """Whether torch's own kernel does the reading, or the lines of `zoo.layers`."""
    module: nn.Module
    flops: Flops
    layers: int
    parameters: int

    def steps(self, tokens: int) -> int:
        """How many steps of a pass have to wait for each other."""
        return counts.dependent_steps(tokens, self.layers, recurrent=self.kind in counts.GATES)


@dataclass(frozen=True)
class Point:
    """One model at one length."""

    tokens: int
    seconds: float
    """The median of the rounds, by the clock on the wall."""
    processor: float
    """The median of the time in which this thread had a processor."""
    rounds: int
    steps: int
    flops: int
    peak_bytes: int | None
    """The most bytes of values alive at once; None where the time did not reach."""


@dataclass(frozen=True)
class Line:
    """One model at all lengths."""

    name: str
    kind: str
    fused: bool
    parameters: int
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Measured:
    """A whole measurement, with all that it takes to repeat it."""

    lines: tuple[Line, ...]
    width: int
    layers: int
    heads: int
    vocab_size: int
    spent: float
    """Seconds that it took in all."""
    when: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    torch: str = torch.__version__
    threads: int = 1
    processors: int = field(default_factory=lambda: os.cpu_count() or 1)
    processor: str = field(default_factory=lambda: processor_name())
    command: str = "python -m zoo.compare.cost"

    def line(self, kind: str, fused: bool) -> Line:
        """The line of a model in one way of running it."""
        return next(each for each in self.lines if (each.kind, each.fused) == (kind, fused))

    @property
    def busy(self) -> float:
        """The share of its time that a pass had to wait for a processor."""
        points = [point for line in self.lines for point in line.points]
        return max(0.0, 1 - sum(point.processor for point in points) / sum(point.seconds for point in points))

    def write(self, path: Path) -> None:
        """As JSON."""
        write_json(self, path)

    @classmethod
    def read(cls, text: str | bytes) -> Measured:
        """From JSON.

        Raises:
            ValueError: it is something else.
        """
        return read_json(cls, text, "measurement of cost")


def subjects(longest: int = LENGTHS[-1]) -> list[Subject]:
    """Every model, untrained: RNN, LSTM and GRU cell by cell and fused, and the transformer in both ways as well."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [*_recurrent(), *_transformers(longest)]


def _recurrent() -> list[Subject]:
    found = []
    for kind, (title, build, config) in RECURRENT.items():
        for fused, way in ((False, "cell by cell"), (True, "fused")):
            module = build(config(layers=LAYERS, width=WIDTH), VOCAB)
            module.fused = fused
            flops = counts.recurrent_flops(kind, WIDTH, LAYERS, VOCAB)
            found.append(_subject(f"{title}, {way}", kind, fused, module, flops))
    return found


def _transformers(longest: int) -> list[Subject]:
    config = gpt.Config(blocks=LAYERS, heads=HEADS, width=WIDTH).model_copy(update={"context": longest})
    flops, found = counts.transformer_flops(WIDTH, LAYERS, VOCAB), []
    for fused, way in ((False, "scores written out"), (True, "fused attention")):
        module = (FusedGPT if fused else gpt.GPT)(config, VOCAB)
        found.append(_subject(f"Transformer, {way}", "transformer", fused, module, flops))
    return found


def _subject(name: str, kind: str, fused: bool, module: nn.Module, flops: Flops) -> Subject:
    return Subject(name, kind, fused, module.eval(), flops, LAYERS, sum(each.numel() for each in module.parameters()))


@dataclass
class _Times:
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    peak: int | None = None


@torch.no_grad()
def measure(
    models: Sequence[Subject],
    lengths: Sequence[int] = LENGTHS,
    seconds: float = SECONDS,
    *,
    vocab_size: int = VOCAB,
    clock: Clock = time.perf_counter,
    processor: Clock = time.thread_time,
) -> tuple[tuple[Line, ...], float]:
    """Time every model at every length, in rounds, for about so many seconds: the lines, and the seconds spent.

    Each length has its share of the time: short texts are read more often. A length that the time does not reach
    in the first round is left out, for all models alike, but never the first two. `clock` and `processor` give seconds.
    """
    torch.set_num_threads(1)
    begin, ids = clock(), torch.randint(vocab_size, (1, max(lengths)), generator=torch.Generator().manual_seed(0))
    times = {(model.name, tokens): _Times() for model in models for tokens in lengths}
    for model in models:
        model.module(ids[:, : min(lengths)])  # the first pass pays for what is set up only once
    _watch(models, lengths, ids, times, lambda: clock() - begin > WATCHED * seconds)
    share = (seconds - (clock() - begin)) / len(lengths)
    spent = dict.fromkeys(lengths, 0.0)
    for turn in range(MOST_ROUNDS):
        for tokens in lengths:
            late = clock() - begin > seconds
            if (late and tokens not in lengths[:2]) if turn == 0 else (late or spent[tokens] > share):
                continue
            for model in models:
                spent[tokens] += _time(model, ids[:, :tokens], times[model.name, tokens], clock, processor)
    return tuple(_line(model, lengths, times) for model in models), clock() - begin


def _watch(
    models: Sequence[Subject],
    lengths: Sequence[int],
    ids: torch.Tensor,
    times: dict[tuple[str, int], _Times],
    late: Callable[[], bool],
) -> None:
    """Watch the memory of each pass as long as it is not late: transformers first, which is quick, then by length."""
    passes = [(model.kind in counts.GATES, tokens, not model.fused, model) for tokens in lengths for model in models]
    for _, tokens, _, model in sorted(passes, key=lambda each: each[:3]):
        if not late():
            times[model.name, tokens].peak = counts.peak_bytes(model.module, ids[:, :tokens])


def _time(model: Subject, ids: torch.Tensor, times: _Times, clock: Clock, processor: Clock) -> float:
    begin, begin_processor = clock(), processor()
    model.module(ids)
    times.processor.append(processor() - begin_processor)
    times.wall.append(clock() - begin)
    return times.wall[-1]


def _line(model: Subject, lengths: Sequence[int], times: dict[tuple[str, int], _Times]) -> Line:
    found = [(tokens, times[model.name, tokens]) for tokens in lengths]
    points = tuple(_point(model, tokens, each) for tokens, each in found if each.wall)
    return Line(model.name, model.kind, model.fused, model.parameters, points)


def _point(model: Subject, tokens: int, times: _Times) -> Point:
    return Point(
        tokens=tokens,
        seconds=statistics.median(times.wall),
        processor=statistics.median(times.processor),
        rounds=len(times.wall),
        steps=model.steps(tokens),
        flops=model.flops.of(tokens),
        peak_bytes=times.peak,
    )


def processor_name() -> str:
    """What this machine's processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def run(seconds: float = SECONDS, longest: int = LENGTHS[-1]) -> Measured:
    """The whole measurement, within its bounds: at most a minute, at most 2,048 tokens."""
    lengths = [tokens for tokens in LENGTHS if tokens <= max(longest, LENGTHS[1])]
    seconds = min(max(seconds, 0.1), MOST_SECONDS)
    lines, spent = measure(subjects(longest=lengths[-1]), lengths, seconds)
    command = f"python -m zoo.compare.cost --seconds {seconds:g}"
    return Measured(lines, WIDTH, LAYERS, HEADS, VOCAB, round(spent, 2), command=command)


def _table(measured: Measured) -> str:
    """The medians in milliseconds, a row a model."""
    tokens = [point.tokens for point in measured.lines[0].points]
    rows = [f"{'ms for a text of … tokens':34}" + "".join(f"{n:>10,}" for n in tokens)]
    rows += [f"{line.name:34}" + "".join(f"{p.seconds * 1e3:10.2f}" for p in line.points) for line in measured.lines]
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the top of this file."""
    parser = argparse.ArgumentParser(prog="python -m zoo.compare.cost", description="Measure cost against length.")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"how long, at most {MOST_SECONDS:g}")
    parser.add_argument("--longest", type=int, default=LENGTHS[-1], help="the longest text, in tokens")
    parser.add_argument("--out", type=Path, help="write the result to this file, as JSON")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    given: Any = parser.parse_args(arguments)
    measured = run(given.seconds, given.longest)
    if given.out:
        measured.write(given.out)
    print(json.dumps(asdict(measured)) if given.json else _table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
