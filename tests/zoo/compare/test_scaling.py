"""A power law's exponent is found exactly, and two lines cross where algebra says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.compare.scaling import crossings, slope

LENGTHS = [16, 32, 64, 128, 256]


@given(st.floats(-3, 3), st.floats(1e-3, 1e3))
def test_the_slope_of_a_power_is_its_exponent(exponent, factor):
    assert slope(LENGTHS, [factor * x**exponent for x in LENGTHS]) == pytest.approx(exponent, abs=1e-9)


def test_only_the_last_lengths_are_fitted():
    costs = [1e6, *[x**2 for x in LENGTHS[1:]]]
    assert slope(LENGTHS, costs, last=4) == pytest.approx(2)
    assert slope(LENGTHS, costs, last=5) < 0


def test_one_point_has_no_slope():
    assert slope([16], [1.0]) is None
    assert slope([16, 32], [0.0, 1.0]) is None


def test_a_straight_line_and_a_square_cross_where_they_are_equal():
    assert crossings(LENGTHS, [100 * x for x in LENGTHS], [x * x for x in LENGTHS]) == pytest.approx([100])


def test_lines_that_do_not_meet_do_not_cross():
    assert crossings(LENGTHS, [2 * x for x in LENGTHS], LENGTHS) == []


def test_a_crossing_at_a_measured_length_is_found_once():
    assert crossings(LENGTHS, [64 * x for x in LENGTHS], [x * x for x in LENGTHS]) == pytest.approx([64])


def test_every_crossing_is_found():
    assert len(crossings([1, 2, 4, 8], [1, 3, 1, 3], [2, 2, 2, 2])) == 3
