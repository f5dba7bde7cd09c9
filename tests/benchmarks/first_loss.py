"""How long a visitor waits for the first loss: from the order to the first event on disk, the fork server warm.

    python -m tests.benchmarks.first_loss [--rounds 7]

Every contender once a round; all limits and checks of the app are in force. Target: 1 second for the glass box.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from playground.jobs import Jobs
from tests.benchmarks.rounds import turns
from zoo.launch import Order

ME = "benchmark"
TARGET = 1.0
TEXT = "It was a dark and stormy night; the rain fell in torrents, except at occasional intervals. " * 1000
SMALL = {"blocks": 2, "heads": 2, "width": 64, "context": 64}


def main() -> None:
    """Order, wait, stop; again and again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    orders: dict[str, tuple[Order, str | None]] = {
        "glass box, zoo/gpt as it comes": (Order(model="zoo/gpt"), None),
        "glass box, a small zoo/gpt": (Order(model="zoo/gpt", config=SMALL), None),
        "own text of 91,000 characters, bpe": (Order(model="zoo/gpt", config=SMALL), TEXT),
    }
    times: dict[str, list[float]] = {name: [] for name in orders}
    with tempfile.TemporaryDirectory() as folder:
        jobs = Jobs(Path(folder) / "app")
        print(f"fork server warm after {_until(jobs.is_warm, start=jobs.warm_up):.1f} s")
        for names in turns(list(orders), rounds):
            for name in names:
                times[name].append(_first_loss(jobs, *orders[name]))
        jobs.close()
    print(f"{rounds} rounds; 1 thread of {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    for name, seconds in times.items():
        print(f"{name:36} median {median(seconds):.2f} s, {min(seconds):.2f} … {max(seconds):.2f}")
    worst = max(median(seconds) for name, seconds in times.items() if name.startswith("glass box"))
    print(f"first loss after {worst:.2f} s; the target is {TARGET}: {'met' if worst <= TARGET else 'NOT met'}")


def _first_loss(jobs: Jobs, order: Order, text: str | None) -> float:
    """Seconds from the order to the first event; the run is then deleted."""
    start = time.perf_counter()
    job = jobs.submit(order, ME, text)
    log = jobs.look(job).folder / "events.jsonl"
    _until(lambda: log.exists() and log.stat().st_size > 0)
    seconds = time.perf_counter() - start
    jobs.delete(job, ME)
    _until(lambda: not log.parent.exists())
    return seconds


def _until(what: Callable[[], bool], start: Callable[[], None] = lambda: None) -> float:
    """Wait for something to become true; returns the seconds."""
    began = time.perf_counter()
    start()
    while not what():
        time.sleep(0.002)
        if time.perf_counter() - began > 120:
            raise TimeoutError("nothing came in two minutes")
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
