"""What the fork server loads once, so that each worker that it forks is at work at once. Imported by name only.

Nothing here may raise, or there would be no fork server: a worker that lacks a thing loads it itself,
and says what is wrong with it.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # threads do not survive a fork
os.environ.setdefault("OMP_NUM_THREADS", "1")


def _load() -> None:
    import torch

    torch.set_num_threads(1)
    import torch._dynamo  # the first optimiser imports it, which takes longer than a small model's first step

    import zoo.launch
    import zoo.registry

    zoo.registry.discover(folders=[])
    zoo.launch.preload()
    gc.collect()
    gc.freeze()  # what is loaded by now is nobody's garbage: pages that a fork shares stay shared


try:
    _load()
except Exception:
    print("playground: the fork server starts without all of its modules", file=sys.stderr)
    traceback.print_exc()
