"""Muon: a matrix's step is its momentum with every direction brought to the same length (Jordan et al. 2024).

Plain descent moves a matrix mostly along the few directions in which its gradient is long. Muon takes the
nearest matrix that turns and does not stretch, U·Vᵀ of the gradient's U·S·Vᵀ, so that all directions learn
at one pace. Used by `zoo.training.optimizers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Polynomial = tuple[float, float, float]

POLAR_EXPRESS: tuple[Polynomial, ...] = (
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
)
"""The best polynomial for each of three steps, were nothing known of the matrix (Amsel et al. 2025, algorithm 1).

Three steps leave lengths between 0.4 and 1.9 where five would leave about 1 (very short ones stay shorter);
a model learns as well, and sooner.
"""


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal; all matrices of one shape in one go, which a CPU does several times as fast.

    Raises:
        ValueError: a parameter is not a matrix.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        polynomials: Sequence[Polynomial] = POLAR_EXPRESS,
    ) -> None:
        matrices = list(matrices)
        if any(each.ndim != 2 for each in matrices):
            raise ValueError("Muon is for matrices: give other parameters to another optimiser")
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._polynomials = polynomials

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One step along the gradients; a matrix without one stays as it is."""
        for group in self.param_groups:
            shapes: dict[tuple[int, ...], list[nn.Parameter]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    shapes.setdefault(tuple(sorted(matrix.shape)), []).append(matrix)
            for matrices in shapes.values():
                self._move(matrices, group)

    def _move(self, matrices: list[nn.Parameter], group: dict[str, Any]) -> None:
        """Matrices of one shape (rows, columns) or (columns, rows), together."""
        ahead = self._ahead(matrices, group["momentum"])
        turns = orthogonal(
            torch.stack([wide(each).bfloat16() for each in ahead]), self._polynomials
        )  # (matrices, short, long)
        if group["weight_decay"]:
            torch._foreach_mul_(list[Tensor](matrices), 1 - group["lr"] * group["weight_decay"])
        for matrix, turn in zip(matrices, turns, strict=True):
            rows, columns = matrix.shape
            rate = group["lr"] * max(1, rows / columns) ** 0.5  # so that an output changes as much in any shape
            wide(matrix).add_(turn, alpha=-rate)

    def _ahead(self, matrices: list[nn.Parameter], momentum: float) -> list[Tensor]:
        """Where the momentum leads, looked at one step ahead (Nesterov)."""
        gradients = [each.grad for each in matrices if each.grad is not None]
        memory = [self.state[each].setdefault("momentum_buffer", torch.zeros_like(each)) for each in matrices]
        torch._foreach_lerp_(memory, gradients, 1 - momentum)
        return list(torch._foreach_lerp(gradients, memory, momentum))


def wide(matrix: Tensor) -> Tensor:
    """(rows, columns) -> (short, long): the same memory, on its side where it is tall."""
    return matrix.mT if matrix.shape[-2] > matrix.shape[-1] else matrix


def orthogonal(batch: Tensor, polynomials: Sequence[Polynomial] = POLAR_EXPRESS) -> Tensor:
    """(batch, short, long) -> the same in bfloat16, with all singular values of each matrix brought near 1.

    Each step replaces X by a·X + b·(X·Xᵀ)·X + c·(X·Xᵀ)²·X: the same polynomial of every singular value,
    without ever computing one (Newton–Schulz; Bernstein and Newhouse 2024). Half precision is enough: the
    next step mends what the one before rounded.
    """
    x = batch.bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) * 1.02 + 1e-7)  # no singular value is above 1
    for a, b, c in polynomials:
        products = x @ x.mT  # (batch, short, short)
        x = torch.baddbmm(x, torch.baddbmm(products, products, products, beta=b, alpha=c), x, beta=a)
    return x
