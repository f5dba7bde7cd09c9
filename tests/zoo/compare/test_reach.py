"""Gradient reach: against models whose derivatives are known by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.compare.reach import gradient_reach, token_table
from zoo.models import gpt, lstm, window

VOCAB, TIME = 11, 24
ROWS = torch.randint(0, VOCAB, (3, TIME + 1), generator=torch.Generator().manual_seed(0))
REACH = 3 * TIME // 4


class Summing(nn.Module):
    """h = kept · h + e, logits = U h: by hand, d logit / d e is kept^k · U[right]."""

    def __init__(self, kept: float, averaging: bool = False) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.embed_positions = nn.Embedding(TIME, 4)  # another table, which must not be taken for that of the tokens
        self.embed, self.unembed = nn.Embedding(VOCAB, 4), nn.Linear(4, VOCAB)
        self.kept, self.averaging = kept, averaging

    def forward(self, ids: Tensor) -> Tensor:
        h, states = torch.zeros(len(ids), 4), []
        for time, x in enumerate(self.embed(ids).unbind(1)):
            h = self.kept * h + x
            states.append(h / (time + 1) if self.averaging else h)
        return self.unembed(torch.stack(states, 1))


def test_a_fading_sum_fades_as_it_was_told_to() -> None:
    found = gradient_reach(Summing(0.7), ROWS, VOCAB)
    assert found.shape == (REACH + 1,)
    assert found / found[0] == pytest.approx(0.7 ** np.arange(REACH + 1), rel=1e-5)


def test_an_averager_reaches_all_alike() -> None:
    found = gradient_reach(Summing(1.0, averaging=True), ROWS, VOCAB)
    assert found[0] > 0
    assert found == pytest.approx(np.full(REACH + 1, found[0]), rel=1e-5)


@pytest.mark.parametrize("size", [1, 4, 9])
def test_a_window_reaches_nothing_beyond_itself(size: int) -> None:
    torch.manual_seed(0)
    model = window.WindowNetwork(window.Config(window=size, width=8, hidden=16), VOCAB)
    found = gradient_reach(model, ROWS, VOCAB)
    assert (found[:size] > 0).all()
    assert (found[size:] == 0).all()


@pytest.mark.parametrize(
    "model",
    [gpt.GPT(gpt.Config(blocks=1, heads=2, width=8), VOCAB), lstm.LSTM(lstm.Config(width=8), VOCAB)],
    ids=["gpt", "lstm"],
)
def test_against_a_difference_of_two_passes(model: nn.Module) -> None:
    """The derivative by the embedding, from a small change of the table for a token that stands once in the text."""
    model = model.double().eval()
    ids = (torch.arange(9) % VOCAB)[None]  # each token once
    place, right = 7, int(ids[0, 8])
    with torch.no_grad():
        lengths = []
        for token in ids[0, :8].tolist():
            slopes = []
            for column in range(8):
                both = []
                for change in (1e-5, -1e-5):
                    model.embed.weight[token, column] += change
                    both.append(float(model(ids[:, :8])[0, place, right]))
                    model.embed.weight[token, column] -= change
                slopes.append((both[0] - both[1]) / 2e-5)
            lengths.append(np.linalg.norm(slopes))
    found = gradient_reach(model, ids, VOCAB)  # places 6 and 7
    alone = _at(model, ids, place, right)
    assert alone == pytest.approx(lengths, rel=1e-4, abs=1e-9)
    assert found == pytest.approx((alone[::-1][:7] + _at(model, ids, 6, int(ids[0, 7]))[:7][::-1]) / 2, rel=1e-6)


def _at(model: nn.Module, ids: Tensor, place: int, right: int) -> np.ndarray:
    """The lengths by autograd, with the embeddings taken by hand."""
    table, found = model.embed.weight, []
    (slope,) = torch.autograd.grad(model(ids[:, :8])[0, place, right], table)
    found = [float(slope[token].norm()) for token in ids[0, :8].tolist()]
    return np.array(found)


def test_weights_and_hooks_are_left_as_they_were() -> None:
    model = Summing(0.5)
    gradient_reach(model, ROWS, VOCAB)
    assert not model.embed._forward_hooks
    assert all(each.grad is None for each in model.parameters())


class _NoTable(nn.Module):
    def forward(self, ids: Tensor) -> Tensor:
        return nn.functional.one_hot(ids, VOCAB).float()


class _Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 2)

    def forward(self, ids: Tensor) -> Tensor:
        return (self.embed(ids).sum(-1, keepdim=True) > 0).float().expand(-1, -1, VOCAB)


class _Unused(_Counting):
    def forward(self, ids: Tensor) -> Tensor:
        return nn.functional.embedding(ids, self.embed.weight).repeat(1, 1, VOCAB)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (_NoTable(), "keeps its word vectors in no nn.Embedding"),
        (_Counting(), "has no gradient"),
        (_Unused(), "does not look its tokens up one by one"),
    ],
)
def test_what_cannot_be_differentiated_says_so(model: nn.Module, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gradient_reach(model, ROWS, VOCAB)


def test_the_table_may_have_a_row_for_a_mark() -> None:
    table = nn.Embedding(VOCAB + 1, 3)
    assert token_table(nn.Sequential(nn.Embedding(TIME, 3), table), VOCAB) is table
