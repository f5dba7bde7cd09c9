"""What the commands of `python -m zoo` do, one file a topic. `zoo.__main__` parses their arguments."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.registry import Registry


class BadInput(Exception):
    """What the user gave can't be used; the message says why, in one line."""


def installed() -> Registry:
    """Every plugin. What a plugin prints while it is imported goes to standard error: output may be JSON."""
    from zoo.registry import discover

    with redirect_stdout(sys.stderr):
        return discover()


def one_thread() -> None:
    """Two torch threads slow each other down where a neighbour needs the processor, a training run for one."""
    import torch

    torch.set_num_threads(1)
