"""For the tests of the jobs: plugins that misbehave, small orders, and waiting for what a process does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playground.jobs import Job, Jobs
from zoo.launch import Order

PLUGIN = '''
import ctypes, os, resource, sys
import torch
from pydantic import BaseModel, Field
from torch import nn
from zoo import ModelPlugin, ModelSpec

class Config(BaseModel):
    context: int = Field(8, ge=2, le=4096)
    at: int = Field(5, ge=0, description="The step at which it misbehaves.")

class Table(nn.Module):
    """Guesses the next token from the present one alone."""
    def __init__(self, vocab_size, at):
        super().__init__()
        self.next, self.at, self.calls = nn.Embedding(vocab_size, vocab_size), at, 0

    def forward(self, ids):
        self.calls += self.training
        if self.training and self.calls > self.at:
            {deed}
        return self.next(ids)

class Plugin(ModelPlugin):
    spec = ModelSpec(id="test/{name}", title="{name}", family="other", task="next-token", summary="For a test.")
    Config = Config
    def build(self, config, vocab_size):
        return Table(vocab_size, config.at)
'''
DEEDS = {
    "good": "pass",
    "nan": "return self.next(ids) * float('nan')",
    "hangs": "\n            open(__file__ + '.hung', 'w').close()\n            while True: pass",
    "holds": "ctypes.PyDLL(None).sleep(3600)",  # in C, without letting any other thread run
    "crashes": "ctypes.string_at(0)",
    "exits": "os._exit(3)",
    "leaves": "sys.exit('enough')",
    "raises": "raise RuntimeError('the *cat* ran <b>away</b>\\nand more')",
    "hoards": "self.more = [torch.ones(2**22) for _ in range(10_000)]",
    "hoards-bytes": "self.more = [bytearray(2**24) for _ in range(10_000)]",
    "fills": "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))",
    "tells": "raise RuntimeError(' '.join(m for m in sys.modules if m.split('.')[0] == 'streamlit') or 'none')",
}
"""Name of the plugin test/… -> what it does at a step of the training."""
TEXT = "the cat sat on the mat and the dog sat on the log. " * 40
ME = "my token"
LONG: dict[str, Any] = {"steps": None, "seconds": 600.0}
"""A budget that no test uses up."""


def order(model: str = "good", config: dict[str, Any] | None = None, **recipe: Any) -> Order:
    """A few quick steps of a plugin of ours, to go with TEXT."""
    fields = {"steps": 40, "batch": 2, "evaluations": 2, "checkpoints": 4, "held_out_windows": 2, "save_every": 0.0}
    return Order(model=f"test/{model}", config=config or {}, recipe=fields | recipe, tokenizer="byte", prompt="the cat")


def reach(jobs: Jobs, job: str, *states: str, seconds: float = 60.0) -> Job:
    """The job, once it is in one of these states."""
    deadline = time.monotonic() + seconds
    while (found := jobs.look(job)).state not in states:
        assert time.monotonic() < deadline, f"{found} is in none of {states}"
        time.sleep(0.002)
    return found


def until(what: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def children_of(pid: int) -> list[int]:
    """Processes whose parent is `pid`, zombies included."""
    stats = [path.read_text() for path in Path("/proc").glob("[0-9]*/stat") if path.exists()]
    fields = [(int(stat.split()[0]), int(stat.rpartition(")")[2].split()[1])) for stat in stats]
    return [child for child, parent in fields if parent == pid]
