"""Where a row of ids is cut into source and target, and what is masked where sentences are filled up."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from zoo.layers.pairs import PairModel, last, lengths, padding_mask, present, split

FILLED = torch.tensor([[3, 1, 4], [1, -1, -1], [5, 9, -1]])


class Sums(PairModel):
    """Gives every token of the target the sum of the source as its logit."""

    def translate(self, source: Tensor, target: Tensor) -> Tensor:
        return (source.sum(1, keepdim=True) * torch.ones_like(target))[..., None].float().expand(-1, -1, self.mark)


def test_the_marker_parts_source_and_target():
    source, target = split(torch.tensor([[1, 2, 7, 5], [3, 4, 7, 6]]), mark=7)
    assert source.tolist() == [[1, 2], [3, 4]]
    assert target.tolist() == [[7, 5], [7, 6]]


def test_forward_has_a_row_for_the_marker_and_for_each_target_token():
    logits = Sums(7)(torch.tensor([[1, 2, 7, 5], [3, 4, 7, 6]]))
    assert logits.tolist() == [[[3.0] * 7] * 2, [[7.0] * 7] * 2]


@pytest.mark.parametrize(
    "rows",
    [
        [[1, 2, 3]],
        [[1, 7, 7]],
        [[1, 7, 3], [1, 2, 7]],
        [[1, 7, 3], [1, 2, 3]],
        [[1, 7, 7], [1, 2, 3]],
    ],
    ids=["none", "two", "different places", "one row without", "as many as rows"],
)
def test_ids_without_one_marker_in_one_place_are_refused(rows):
    with pytest.raises(ValueError, match="the mark 7, and the target so far, with the mark in the same place"):
        Sums(7)(torch.tensor(rows))


def test_no_rows_and_an_empty_source_are_refused():
    with pytest.raises(ValueError, match="each row of ids is a source, the mark 7"):
        split(torch.empty(0, 3, dtype=torch.long), mark=7)
    with pytest.raises(ValueError, match="the source is empty: put at least one token before the mark 7"):
        split(torch.tensor([[7, 1]]), mark=7)


def test_a_model_without_translate_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        PairModel(7)


def test_what_is_present():
    assert present(FILLED).tolist() == [[True, True, True], [True, False, False], [True, True, False]]
    assert lengths(FILLED).tolist() == [3, 1, 2]


def test_the_mask_closes_what_is_filled_up():
    mask = padding_mask(FILLED)
    assert mask.shape == (3, 1, 1, 3)
    assert mask[:, 0, 0].tolist() == [[0, 0, 0], [0, -math.inf, -math.inf], [0, 0, -math.inf]]
    scores = torch.zeros(3, 2, 5, 3)  # (B, H, T, S)
    assert (scores + mask).softmax(-1)[2, 1, 4].tolist() == [0.5, 0.5, 0.0]


def test_the_last_state_is_that_of_the_last_token():
    states = torch.arange(9.0).view(3, 3, 1)
    assert last(states, FILLED).tolist() == [[2.0], [3.0], [7.0]]
