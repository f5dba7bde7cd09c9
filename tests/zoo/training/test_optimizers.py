"""Which parameter learns by which optimiser, and that their memory survives a save."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.models.gpt import GPT, Config
from zoo.training import Recipe
from zoo.training.optimizers import Optimizers, output_layer, split
from zoo.training.run import seeded_build

VOCAB = 64


def names(module: nn.Module, parameters: list[nn.Parameter]) -> set[str]:
    wanted = {id(each) for each in parameters}
    return {name for name, each in module.named_parameters() if id(each) in wanted}


class HeadFirst(nn.Module):
    """The output layer is defined first, and the inner layer is as wide as the vocabulary."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(VOCAB, VOCAB)
        self.embed = nn.Embedding(VOCAB, 16)
        self.inner = nn.Linear(16, VOCAB)

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.head(self.inner(self.embed(ids)))
        return logits


class TiedByHand(nn.Module):
    """Logits from the embedding table itself: there is no output layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.inner = nn.Embedding(VOCAB, 16), nn.Linear(16, 16)

    def forward(self, ids: Tensor) -> Tensor:
        return F.linear(self.inner(self.embed(ids)), self.embed.weight)


class OnlyMatrices(nn.Module):
    """Nothing but an inner matrix: the rest is fixed."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(VOCAB, 16, bias=False)
        self.register_buffer("readout", torch.randn(16, VOCAB))

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.inner(F.one_hot(ids, VOCAB).float()) @ self.readout
        return logits


class TestSplit:
    @pytest.mark.parametrize("tied", [False, True])
    def test_muon_gets_the_matrices_inside_the_blocks(self, tied: bool) -> None:
        module = GPT(Config(blocks=2, heads=2, width=16, context=8, tied=tied), VOCAB)  # hidden = 4 * 16 = VOCAB
        matrices, rest = split(module)
        assert names(module, matrices) == {
            f"blocks.{i}.{name}.weight"
            for i in range(2)
            for name in ("attn.query", "attn.key", "attn.value", "attn.out", "mlp.up", "mlp.down")
        }
        assert {"embed.weight", "embed_positions.weight", "final_norm.weight"} <= names(module, rest)
        assert ("unembed.weight" in names(module, rest)) is not tied  # tied: one parameter, listed as the embedding
        assert len(matrices) + len(rest) == len(list(module.parameters()))

    def test_the_output_layer_is_found_by_running(self) -> None:
        module = HeadFirst()
        assert output_layer(module) is module.head
        assert names(module, split(module)[0]) == {"inner.weight"}

    def test_without_an_output_layer_no_inner_matrix_is_taken_for_it(self) -> None:
        module = TiedByHand()
        assert output_layer(module) is None
        assert names(module, split(module)[0]) == {"inner.weight"}

    def test_finding_it_leaves_no_hook_and_the_modes_as_they_were(self) -> None:
        module = HeadFirst()
        module.inner.eval()
        split(module)
        assert not any(each._forward_hooks for each in module.modules())
        assert module.training
        assert not module.inner.training

    def test_frozen_parameters_are_left_out(self) -> None:
        module = HeadFirst()
        module.inner.requires_grad_(False)
        matrices, rest = split(module)
        assert matrices == []
        assert names(module, rest) == {"embed.weight", "head.weight", "head.bias"}


def learn(module: nn.Module, optimizers: Optimizers, steps: int) -> list[float]:
    ids = torch.arange(2 * VOCAB).reshape(2, VOCAB) % 5
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(module(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        optimizers.step(1.0)
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("kind", [HeadFirst, TiedByHand, OnlyMatrices, lambda: nn.Embedding(VOCAB, VOCAB)])
def test_any_mix_of_parameters_learns(kind: type[nn.Module], optimizer: str) -> None:
    module = seeded_build(kind, 0)
    losses = learn(module, Optimizers(module, Recipe(steps=9, optimizer=optimizer, rate=0.02)), 9)
    assert losses[-1] < losses[0] - 0.05


def test_nothing_to_learn_is_said_at_once() -> None:
    with pytest.raises(ValueError, match="nothing to learn"):
        Optimizers(nn.Identity(), Recipe(steps=1))


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_state_round_trip_goes_on_as_if_nothing_had_happened(optimizer: str) -> None:
    recipe = Recipe(steps=9, optimizer=optimizer)
    module = seeded_build(HeadFirst, 0)
    optimizers = Optimizers(module, recipe)
    learn(module, optimizers, 3)
    other = seeded_build(HeadFirst, 1)
    other.load_state_dict(module.state_dict())
    resumed = Optimizers(other, recipe)
    resumed.load({name: tensor.clone() for name, tensor in optimizers.state().items()})
    assert learn(other, resumed, 3) == learn(module, optimizers, 3)
    fresh = seeded_build(HeadFirst, 1)
    fresh.load_state_dict(module.state_dict())
    assert learn(fresh, Optimizers(fresh, recipe), 3) != learn(module, optimizers, 3)  # the memory matters


def test_the_gradient_is_clipped_and_its_length_told() -> None:
    module = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(module.weight)
    optimizers = object.__new__(Optimizers)  # plain descent, so that the step shows the gradient
    optimizers._parameters, optimizers._clip = list(module.parameters()), 1.0
    optimizers._all = [torch.optim.SGD(module.parameters(), lr=0.5)]
    optimizers._rates = [0.5]
    module.weight.grad = torch.tensor([[3.0, 4.0]])
    assert optimizers.step(0.1) == pytest.approx(5.0)
    assert module.weight.tolist()[0] == pytest.approx([-0.05 * 0.6, -0.05 * 0.8], abs=1e-6)
    assert module.weight.grad is None


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_no_number_moves_nothing(bad: float) -> None:
    module = seeded_build(HeadFirst, 0)
    optimizers = Optimizers(module, Recipe(steps=1))
    before = {name: each.clone() for name, each in module.state_dict().items()}
    for each in module.parameters():
        each.grad = torch.full_like(each, bad)
    assert not math.isfinite(optimizers.step(1.0))
    assert all(torch.equal(each, before[name]) for name, each in module.state_dict().items())


def test_the_factor_scales_every_rate() -> None:
    moved = []
    for factor in (1.0, 0.5, 0.0):
        module = seeded_build(HeadFirst, 0)
        before = torch.cat([each.detach().flatten() for each in module.parameters()]).clone()
        optimizers = Optimizers(module, Recipe(steps=1))
        F.cross_entropy(module(torch.zeros(1, 1, dtype=torch.long))[0], torch.tensor([1])).backward()
        optimizers.step(factor)
        moved.append(float((torch.cat([each.detach().flatten() for each in module.parameters()]) - before).norm()))
    assert moved[1] == pytest.approx(moved[0] / 2, rel=1e-3)
    assert moved[2] == 0
    assert all(a > b for a, b in pairwise(moved))


@pytest.mark.parametrize(("optimizer", "rates"), [("muon", [0.125, 0.25, 0.5]), ("adamw", [0.25, 0.5])])
def test_the_output_layer_may_have_a_rate_of_its_own(optimizer: str, rates: list[float]) -> None:
    module = GPT(Config(blocks=1, heads=2, width=16, context=VOCAB), VOCAB)
    optimizers = Optimizers(module, Recipe(steps=1, optimizer=optimizer, rate=0.5, head_rate=0.25, matrix_rate=0.125))
    assert sorted(set(optimizers._rates)) == rates
    before = {name: each.detach().clone() for name, each in module.named_parameters()}
    learn(module, optimizers, 1)
    moved = {name: float((each.detach() - before[name]).abs().max()) for name, each in module.named_parameters()}
    assert moved["unembed.weight"] == pytest.approx(0.25, rel=1e-3)  # the first step of Adam is the rate itself
    assert moved["embed.weight"] == pytest.approx(0.5, rel=1e-3)


def test_without_a_head_rate_all_of_adams_parameters_share_one() -> None:
    module = GPT(Config(blocks=1, heads=2, width=16, context=VOCAB), VOCAB)
    assert set(Optimizers(module, Recipe(steps=1, rate=0.5))._rates) == {0.02, 0.5}


def test_a_tied_output_layer_learns_at_the_head_rate() -> None:
    module = GPT(Config(blocks=1, heads=2, width=16, context=VOCAB, tied=True), VOCAB)
    before = module.embed.weight.detach().clone()
    learn(module, Optimizers(module, Recipe(steps=1, rate=0.5, head_rate=0.25)), 1)
    assert float((module.embed.weight.detach() - before).abs().max()) == pytest.approx(0.25, rel=1e-3)


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_matrices_and_tables_are_pulled_to_zero_each_by_its_own_decay_and_norms_are_not(optimizer: str) -> None:
    module = GPT(Config(blocks=1, heads=2, width=16, context=8), VOCAB)
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    rates = {"matrix_rate": 0.5, "rate": 0.5, "weight_decay": 0.5, "table_decay": 0.25}
    optimizers = Optimizers(module, Recipe(steps=1, optimizer=optimizer, **rates))
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizers.step(1.0)
    matrices, tables = names(module, split(module)[0]), {"embed.weight", "embed_positions.weight", "unembed.weight"}
    assert {name: float(each.detach().mean()) for name, each in module.named_parameters()} == {
        name: 0.75 if name in matrices else 0.875 if name in tables else 1.0 for name, _ in module.named_parameters()
    }
