"""Our Muon against torch's, matrix by matrix, and against the singular value decomposition that it avoids."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zoo.training.muon import POLAR_EXPRESS, Muon, orthogonal

JORDAN = ((3.4445, -4.7750, 2.0315),) * 5
"""What torch's own Muon uses, five times over."""
SHAPES = [(16, 16), (16, 16), (48, 16), (16, 48), (48, 16)]


def matrices(seed: int = 0) -> list[nn.Parameter]:
    torch.manual_seed(seed)
    return [nn.Parameter(torch.randn(shape)) for shape in SHAPES]


def gradients(step: int) -> list[Tensor]:
    torch.manual_seed(100 + step)
    return [torch.randn(shape) for shape in SHAPES]


def take(optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], steps: range) -> None:
    for step in steps:
        for parameter, gradient in zip(parameters, gradients(step), strict=True):
            parameter.grad = gradient
        optimizer.step()


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_with_the_same_polynomials_it_steps_as_torchs_own(decay: float) -> None:
    ours, theirs, start = matrices(), matrices(), matrices()
    take(Muon(ours, lr=0.1, momentum=0.9, weight_decay=decay, polynomials=JORDAN), ours, range(4))
    take(torch.optim.Muon(theirs, lr=0.1, momentum=0.9, weight_decay=decay), theirs, range(4))
    for a, b, before in zip(ours, theirs, start, strict=True):
        assert (a - b).detach().norm() < 0.03 * (b - before).detach().norm()  # bfloat16 inside of both


@pytest.mark.parametrize("shape", [(32, 32), (16, 64)])
def test_orthogonal_keeps_the_directions_and_brings_the_lengths_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    batch = torch.randn(3, *shape) * torch.tensor([1e-6, 1.0, 1e6])[:, None, None]
    found = orthogonal(batch).float()
    u, _, v = torch.linalg.svd(batch, full_matrices=False)
    lengths = (u.mT @ found @ v.mT).diagonal(dim1=-2, dim2=-1)  # along each of the matrix's own directions
    assert float(lengths.max()) < 1.95
    assert float(lengths.quantile(0.1)) > 0.2
    spread, before = lengths.quantile(0.9) / lengths.quantile(0.1), torch.linalg.svdvals(batch)
    assert float(spread) < float(before.quantile(0.9) / before.quantile(0.1))
    along = u @ torch.diag_embed(lengths) @ v
    assert float((found - along).norm() / found.norm()) < 0.05  # nothing but those directions


def test_a_zero_gradient_moves_nothing() -> None:
    assert not orthogonal(torch.zeros(2, 4, 6)).any()
    assert len(POLAR_EXPRESS) == 3


def test_a_matrix_without_a_gradient_stays() -> None:
    parameters = matrices()
    before = [each.detach().clone() for each in parameters]
    optimizer = Muon(parameters, lr=0.1)
    parameters[1].grad = torch.ones(SHAPES[1])
    optimizer.step()
    moved = [not torch.equal(a, b) for a, b in zip(parameters, before, strict=True)]
    assert moved == [False, True, False, False, False]


def test_its_memory_survives_a_save() -> None:
    whole, parts = matrices(), matrices()
    take(Muon(whole, lr=0.1), whole, range(4))
    first = Muon(parts, lr=0.1)
    take(first, parts, range(2))
    second = Muon(parts, lr=0.1)
    second.load_state_dict(first.state_dict())
    take(second, parts, range(2, 4))
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))


def test_only_matrices_are_taken() -> None:
    with pytest.raises(ValueError, match="Muon is for matrices"):
        Muon([nn.Parameter(torch.zeros(3))], lr=0.1)
