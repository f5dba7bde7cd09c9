"""Half precision: who asks for it, and what a matrix does in it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from zoo.layers.formats import Matrix, number_format


def test_the_format_is_what_the_trainer_asks_for():
    cpu = torch.device("cpu")
    assert number_format(cpu) is torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert number_format(cpu) is torch.bfloat16
        with torch.autocast("cpu", enabled=False):
            assert number_format(cpu) is torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_matrix_multiplies_in_the_format_of_its_input(dtype):
    torch.manual_seed(0)
    matrix, x = Matrix(7, 3), torch.randn(2, 5, 7).to(dtype)
    assert torch.equal(matrix(x), F.linear(x, matrix.weight.to(dtype)))
    matrix(x).float().sum().backward()
    assert matrix.weight.grad.dtype == torch.float32
    assert torch.allclose(matrix.weight.grad, x.float().sum((0, 1)).expand(3, 7), rtol=2e-2, atol=2e-2)
    assert matrix.bias is None
