"""Shuffled weights: the same numbers in another order, and nothing learned left."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.playground.helpers import make_run
from zoo.inference import load
from zoo.shuffling import shuffle_weights


def test_every_tensor_keeps_its_numbers_and_loses_their_order():
    module = nn.Sequential(nn.Linear(20, 30), nn.BatchNorm1d(30))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.arange(parameter.numel()).view_as(parameter))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    shuffle_weights(module, seed=3)
    parameters = dict(module.named_parameters())
    for name, value in module.state_dict().items():
        if name in parameters:
            assert not torch.equal(value, before[name])
            assert torch.equal(value.flatten().sort().values, before[name].flatten().sort().values)
        else:  # a buffer
            assert torch.equal(value, before[name])


def test_the_seed_decides_the_order_and_tied_tensors_stay_tied():
    def shuffled(seed: int) -> nn.Module:
        module = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 9, bias=False))
        module[1].weight = module[0].weight
        with torch.no_grad():
            module[0].weight.copy_(torch.arange(36).view(9, 4))
        shuffle_weights(module, seed)
        return module

    assert torch.equal(shuffled(1)[0].weight, shuffled(1)[0].weight)
    assert not torch.equal(shuffled(1)[0].weight, shuffled(2)[0].weight)
    assert shuffled(1)[0].weight is not None
    tied = shuffled(1)
    assert tied[0].weight is tied[1].weight


def test_a_shuffled_run_has_the_trained_runs_numbers_in_another_order(tmp_path):
    make_run(tmp_path / "run")
    trained, shuffled = load(str(tmp_path / "run")), load(str(tmp_path / "run"), shuffled=True, seed=4)
    assert shuffled.about == "trained, its weights shuffled, seed 4"
    assert not shuffled.trained
    assert trained.trained
    for mine, theirs in zip(shuffled.module.parameters(), trained.module.parameters(), strict=True):
        np.testing.assert_array_equal(np.sort(mine.detach().flatten()), np.sort(theirs.detach().flatten()))
    ids = trained.ids("the cat")
    assert not np.allclose(trained.logits(ids), shuffled.logits(ids), atol=1e-3)


def test_a_folder_of_others_is_shuffled_too(stories260k):
    trained, shuffled = load(str(stories260k)), load(str(stories260k), shuffled=True, seed=1)
    ids = trained.ids("Once upon a time")
    assert trained.logits(ids).argmax() != shuffled.logits(ids).argmax()
    assert "shuffled, seed 1" in shuffled.about
    assert shuffled.anatomy is not None
    table = shuffled.anatomy.params["embed.W_E"].detach().numpy()
    np.testing.assert_array_equal(table[ids], shuffled.trace_ids(ids)["embed.tok"])  # its weights are the shuffled ones


def test_untrained_and_shuffled_at_once_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not both"):
        load("zoo/gpt", untrained=True, shuffled=True)
