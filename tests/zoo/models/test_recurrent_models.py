"""RNN, LSTM and GRU as language models: against torch's modules, what they see and record, and their bounds."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from zoo.models.gru import GRUPlugin
from zoo.models.lstm import LSTMPlugin
from zoo.models.rnn import RNNPlugin
from zoo.plugin import ModelPlugin
from zoo.testing import check_plugin
from zoo.trace.record import record_trace
from zoo.trace.schema import entry
from zoo.training.recipe import Recipe

PLUGINS = [RNNPlugin(), LSTMPlugin(), GRUPlugin()]
LETTERS = {"zoo/rnn": "h", "zoo/lstm": "ifgoch", "zoo/gru": "rznh"}
THEIRS = {"zoo/rnn": nn.RNN, "zoo/lstm": nn.LSTM, "zoo/gru": nn.GRU}
VOCAB = 11

every_model = pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.spec.id)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def build(plugin: ModelPlugin, **values: object) -> nn.Module:
    """A small model in eval mode, with every weight away from its start."""
    model = plugin.build(plugin.Config(**{"width": 8, "layers": 2} | values), VOCAB).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model


def ids(batch: int = 1, time: int = 6) -> Tensor:
    return torch.randint(VOCAB, (batch, time))


def edits(gate: str, call: int, value: float) -> dict:
    """An intervention on one step of one gate."""
    seen: list[Tensor] = []

    def edit(tensor: Tensor) -> Tensor:
        seen.append(tensor)
        return torch.full_like(tensor, value) if len(seen) == call + 1 else tensor

    return {gate: edit}


def reference(plugin: ModelPlugin, model: nn.Module, given: Tensor) -> Tensor:
    """The same logits through torch's own module, with copied weights."""
    theirs = THEIRS[plugin.spec.id](8, 8, num_layers=len(model.layers), batch_first=True)
    with torch.no_grad():
        for at, layer in enumerate(model.layers):
            bias = torch.zeros(len(layer.from_input.bias)) if layer.from_state.bias is None else layer.from_state.bias
            getattr(theirs, f"weight_ih_l{at}").copy_(layer.from_input.weight)
            getattr(theirs, f"weight_hh_l{at}").copy_(layer.from_state.weight)
            getattr(theirs, f"bias_ih_l{at}").copy_(layer.from_input.bias)
            getattr(theirs, f"bias_hh_l{at}").copy_(bias)
        return model.unembed(theirs(model.embed(given))[0])


# --- the numbers ---


@every_model
@pytest.mark.parametrize("fused", [None, False, True])
@pytest.mark.parametrize("training", [False, True])
def test_logits_equal_those_of_torchs_module_with_the_same_weights(plugin, fused, training):
    model, given = build(plugin, layers=3).train(training), ids(3, 20)
    model.fused = fused
    expected = reference(plugin, model, given)
    assert expected.std() > 0.3
    with torch.no_grad():
        assert torch.allclose(model(given), expected, atol=1e-5, rtol=0)


@every_model
def test_the_two_ways_teach_the_same(plugin):
    model, given, gradients = build(plugin), ids(3, 12), []
    for fused in (False, True):
        model.fused = fused
        model.zero_grad()
        nn.functional.cross_entropy(model(given)[:, :-1].flatten(0, 1), given[:, 1:].flatten()).backward()
        gradients.append({name: each.grad.clone() for name, each in model.named_parameters()})
    loop, kernel = gradients
    for name, gradient in loop.items():
        assert gradient.abs().max() > 1e-5
        assert torch.allclose(gradient, kernel[name], atol=1e-6, rtol=1e-4), name


@every_model
@pytest.mark.parametrize("fused", [None, True])
def test_a_text_can_be_read_on_from_where_it_was_left(plugin, fused):
    model, given = build(plugin), ids(2, 9)
    model.fused = fused
    with torch.no_grad():
        whole, states = model(given), None
        for at in range(9):
            row, states = model.read(given[:, at : at + 1], states)
            assert torch.allclose(row[:, 0], whole[:, at], atol=1e-5, rtol=0)


@every_model
def test_a_text_may_be_longer_than_any_it_was_trained_on(plugin):
    model = build(plugin, context=8)
    with torch.no_grad():
        assert model(ids(1, 20)).shape == (1, 20, VOCAB)


# --- what a trace sees ---


@every_model
@pytest.mark.parametrize("fused", [None, True])
def test_every_step_has_one_name_and_a_call_for_each_token(plugin, fused):
    model = build(plugin)
    model.fused = fused
    steps = record_trace(model, ids(1, 6), names=plugin.names()).steps
    cells = [f"layers.{layer}.cell.{letter}" for layer in (0, 1) for letter in LETTERS[plugin.spec.id]]
    assert list(steps) == ["embed.tok", "embed.out", *cells, "logits"]
    assert {name: len(calls) for name, calls in steps.items() if "cell" in name} == dict.fromkeys(cells, 6)
    for name in steps:
        assert entry(name) is not None, name
    assert all(each.shape == (1, 8) for name in cells for each in steps[name])


@every_model
def test_nothing_is_recorded_twice_where_every_part_is_tapped(plugin):
    """As in a run without a name table: no second name for a value that the model names itself."""
    steps = record_trace(build(plugin), ids(1, 6)).steps
    named = {name for name in steps if "cell." in name}
    assert {len(steps[name]) for name in named} == {6}
    for layer in (0, 1):
        state = torch.stack(steps[f"layers.{layer}.cell.h"], dim=1)
        assert torch.equal(state, steps[f"layers.{layer}"][0])  # the layer's own output: all its steps, side by side


@every_model
def test_the_logits_are_read_from_the_state_of_the_last_layer(plugin):
    model = build(plugin)
    steps = record_trace(model, ids(1, 6), names=plugin.names()).steps
    state = torch.stack(steps["layers.1.cell.h"], dim=1)  # (1, T, C)
    assert torch.allclose(state @ model.unembed.weight.mT + model.unembed.bias, steps["logits"][0], atol=1e-6)


@every_model
def test_an_edited_gate_moves_the_logits_from_its_token_on(plugin):
    model, given = build(plugin), ids(1, 6)
    letter = LETTERS[plugin.spec.id][0]
    plain = record_trace(model, given, names={}).output
    edited = record_trace(model, given, names={}, edits=edits(f"layers.0.cell.{letter}", 2, 0.9)).output
    moved = (edited - plain).abs().amax(-1)[0]
    assert torch.equal(moved[:2], torch.zeros(2))
    assert (moved[2:4] > 1e-3).all()


def test_an_lstm_whose_forget_gate_is_shut_and_opened():
    """Shut at token 3 in its one layer, nothing of the cell state from before comes through; c is then i · g."""
    model, given = build(LSTMPlugin(), layers=1), ids(1, 6)
    steps = record_trace(model, given, names={}, edits=edits("layers.0.cell.f", 3, 0.0)).steps
    i, g, c = (steps[f"layers.0.cell.{letter}"][3] for letter in "igc")
    assert torch.equal(c, i * g)
    assert not torch.allclose(steps["layers.0.cell.c"][2], torch.zeros(1, 8), atol=1e-3)


# --- the contract ---


@every_model
def test_the_conformance_kit_finds_nothing_wrong(plugin):
    results = check_plugin(plugin)
    assert [f"{each.name}: {each.message}" for each in results if each.ok is False] == []
    assert {each.name for each in results if each.ok} >= {"causality", "learns", "tracing changes nothing", "schema"}


@every_model
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"layers": 0}, "greater than or equal to 1"),
        ({"layers": 5}, "less than or equal to 4"),
        ({"width": 7}, "greater than or equal to 8"),
        ({"width": 513}, "less than or equal to 512"),
        ({"context": 7}, "greater than or equal to 8"),
        ({"context": 1025}, "less than or equal to 1024"),
    ],
)
def test_a_config_out_of_bounds_is_refused(plugin, values, words):
    with pytest.raises(ValidationError, match=words):
        plugin.Config(**values)


@every_model
@pytest.mark.parametrize("values", [{"layers": 1, "width": 8, "context": 8}, {"layers": 4, "width": 512}])
def test_both_ends_of_the_bounds_build(plugin, values):
    config = plugin.Config(**values)
    model = plugin.build(config, VOCAB).eval()
    width, gates = config.width, {"zoo/rnn": 1, "zoo/lstm": 4, "zoo/gru": 3}[plugin.spec.id]
    biases = gates * width * (2 if plugin.spec.id == "zoo/gru" else 1)
    expected = 2 * VOCAB * width + VOCAB + config.layers * (gates * 2 * width**2 + biases)
    assert sum(each.numel() for each in model.parameters()) == expected
    with torch.no_grad():
        assert model(ids(1, 3)).isfinite().all()


@every_model
def test_the_recipe_is_one(plugin):
    assert Recipe(seconds=1, **plugin.recipe()).batch >= 1
