"""Positions: the sinusoidal table by hand and by formula; rotation against Llama's, and what it is for."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from zoo.layers.positions import frequencies, rotate, sinusoidal, turned, turning


def test_the_sinusoidal_table_by_hand():
    """Width 4, base 100: the pairs turn by 1 and by 1/10 radian per position."""
    table = sinusoidal(3, 4, base=100.0)
    assert table[0].tolist() == [0, 1, 0, 1]
    assert table[2].tolist() == pytest.approx([0.9092974, -0.4161468, 0.1986693, 0.9800666], abs=1e-6)


@pytest.mark.parametrize(("time", "width"), [(1, 2), (9, 16), (40, 7)])
def test_the_sinusoidal_table_by_the_formula(time, width):
    table = sinusoidal(time, width)
    assert table.shape == (time, width)
    for t in range(time):
        for c in range(width):
            angle = t / 10_000 ** (2 * (c // 2) / width)
            assert table[t, c].item() == pytest.approx(math.cos(angle) if c % 2 else math.sin(angle), abs=1e-5)


def test_sinusoidal_neighbours_are_alike_and_farther_ones_less():
    table = sinusoidal(20, 64)
    closeness = table @ table[0]
    assert closeness[0] > closeness[1] > closeness[2] > closeness[4]


def test_frequencies_fall_from_one_towards_the_inverse_base():
    assert frequencies(4, 100.0).tolist() == pytest.approx([1.0, 0.1])


@pytest.mark.parametrize("base", [10_000.0, 500_000.0])
def test_rotation_equals_llamas(base):
    torch.manual_seed(0)
    q, k = torch.randn(2, 3, 11, 8), torch.randn(2, 3, 11, 8)
    angles = torch.arange(11.0)[:, None] * base ** -(torch.arange(0, 8, 2) / 8)
    angles = torch.cat([angles, angles], -1)[None]  # (1, T, D)
    expected = apply_rotary_pos_emb(q, k, angles.cos(), angles.sin())
    assert torch.allclose(rotate(q, base), expected[0], atol=1e-6)
    assert torch.allclose(rotate(k, base), expected[1], atol=1e-6)


def test_one_turn_by_hand():
    """One pair, position 1: a turn by 1 radian."""
    x = torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]]])
    assert rotate(x)[0, 0, 0].tolist() == [1.0, 0.0]
    assert rotate(x)[0, 0, 1].tolist() == pytest.approx([0.5403023, 0.8414710], abs=1e-6)


@settings(max_examples=25)
@given(half=st.integers(1, 8), distance=st.integers(0, 10), seed=st.integers(0, 99))
def test_turned_products_depend_on_the_distance_alone(half, distance, seed):
    torch.manual_seed(seed)
    q, k = torch.randn(2 * half), torch.randn(2 * half)
    turned_q, turned_k = (rotate(x.expand(1, 1, 30, -1))[0, 0] for x in (q, k))
    products = [(turned_q[t + distance] @ turned_k[t]).item() for t in range(30 - distance)]
    assert products == pytest.approx([products[0]] * len(products), abs=1e-4)
    assert torch.allclose(turned_q.norm(dim=-1), q.norm().expand(30), atol=1e-5)  # a turn changes no length


@pytest.mark.parametrize(("time", "width", "base"), [(1, 2, 10_000.0), (7, 8, 10_000.0), (33, 32, 100.0)])
def test_turning_with_tables_is_the_same_rotation(time, width, base):
    torch.manual_seed(time)
    x = torch.randn(2, 3, time, width)
    assert torch.allclose(turned(x, *turning(time, width, base)), rotate(x, base), atol=1e-6)
