"""Several processes that train one model: each learns from its share of every batch, and gradients are averaged.

The processes are started by `torchrun`, `accelerate launch` or `mpirun`, which tell each its rank in the
environment. Rank 0 leads: it alone writes, and its clock counts. The others must be able to read the run's
folder and the text. Used by `train` and the command line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed.nn  # first: imported while a group is open, its default arguments hold the group for ever
from torch import Tensor, distributed, nn


class Left(RuntimeError):
    """Another process of this training has ended, so that this one cannot go on."""


@dataclass(frozen=True)
class Group:
    """The processes that train together; one process alone is a group of one, and talks to nobody."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the run folder."""
        return self.rank == 0

    def average(self, parameters: Sequence[nn.Parameter], loss: Tensor) -> float:
        """Put the mean of all processes' gradients in place; returns the mean of their losses."""
        if self.size == 1:
            return float(loss)
        none = [each.grad is None for each in parameters]
        parts = [torch.zeros_like(each) if each.grad is None else each.grad for each in parameters]
        flat = torch.cat([loss.reshape(1), *(part.flatten() for part in parts)])
        with _talking():
            distributed.all_reduce(flat)
        flat /= self.size
        shares = torch.split(flat[1:], [each.numel() for each in parameters])
        for parameter, unused, part in zip(parameters, none, shares, strict=True):
            if not unused or part.any():
                parameter.grad = part.view_as(parameter)
        return float(flat[0])

    def from_leader(self, value: float) -> float:
        """The leader's number."""
        if self.size == 1:
            return value
        number = torch.tensor([value], dtype=torch.float64)
        with _talking():
            distributed.broadcast(number, 0)
        return float(number)

    def align(self, tensors: Sequence[Tensor]) -> None:
        """Overwrite the tensors by the leader's: all begin with the very same weights."""
        if self.size > 1:
            with _talking(), torch.no_grad():
                for tensor in tensors:
                    distributed.broadcast(tensor, 0)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            with _talking():
                distributed.barrier()


ALONE = Group()


STARTED_BY = (("RANK", "WORLD_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"))
"""Environment variables: a process's rank and how many there are, by torchrun and accelerate, Open MPI, other MPIs."""


@contextmanager
def joined() -> Iterator[Group]:
    """The group that this process was started into; a group of one where it was started alone.

    Raises:
        ValueError: the environment names a group that cannot be joined.
    """
    rank, size = next(((r, s) for r, s in STARTED_BY if s in os.environ and r in os.environ), ("", ""))
    if int(os.environ.get(size, "1")) < 2:
        yield ALONE
        return
    group = Group(int(os.environ[rank]), int(os.environ[size]))
    try:
        distributed.init_process_group("gloo", rank=group.rank, world_size=group.size)
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"cannot join the other processes ({reason}): start them with torchrun") from error
    try:
        yield group
        group.wait()  # one that is gone while another still talks to it takes that one down
    finally:
        distributed.destroy_process_group()


@contextmanager
def _talking() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise Left("another process of this training has ended; what it printed says why") from error
