"""What the coloured text sends to the browser."""

from __future__ import annotations

import numpy as np
import pytest

from playground.components.surprise import prepare
from tests.playground.helpers import unpack

PIECES = ["The", " <b>né</b>", "\n", ""]
LOSSES = np.array([[np.nan, 1.5, 0.25, 9.0], [np.nan, 0.5, 3.25, 9.0]])


def test_the_losses_and_their_difference_arrive():
    head, arrays = unpack(prepare(PIECES, ("one", "other"), LOSSES, 8.0, "k"))
    assert head["pieces"] == PIECES
    assert head["names"] == ["one", "other"]
    assert (head["key"], head["ceiling"]) == ("k", 8.0)
    np.testing.assert_array_equal(arrays["losses"], LOSSES.astype(np.float32))
    np.testing.assert_array_equal(arrays["difference"], np.float32([np.nan, 1.0, -3.0, 0.0]))


def test_the_scale_is_symmetric_about_no_difference():
    head, arrays = unpack(prepare(PIECES, ("one", "other"), LOSSES, 8.0, "k"))
    assert head["limit"] == np.nanmax(np.abs(arrays["difference"])) == 3.0


@pytest.mark.parametrize("losses", [np.zeros((2, 4)), np.full((2, 4), np.nan)])
def test_two_alike_have_no_colour(losses):
    head, _ = unpack(prepare(PIECES, ("one", "other"), losses, 8.0, "k"))
    assert head["limit"] == 0.0


@pytest.mark.parametrize("shape", [(1, 4), (2, 3), (4,)])
def test_a_loss_of_each_for_each_piece_is_asked_for(shape):
    with pytest.raises(ValueError, match="don't fit 4 pieces"):
        prepare(PIECES, ("one", "other"), np.zeros(shape), 8.0, "k")
