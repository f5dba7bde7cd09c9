"""The recurrent layers against torch's own modules, both ways, forward and backward; and by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from zoo.layers.recurrent import GRULayer, LSTMLayer, RecurrentLayer, RNNLayer, gate_weights, read_through
from zoo.trace.record import record_trace

LAYERS = [RNNLayer, LSTMLayer, GRULayer]
THEIRS = {RNNLayer: nn.RNN, LSTMLayer: nn.LSTM, GRULayer: nn.GRU}
SHAPES = [(1, 1, 3, 4), (2, 5, 4, 4), (3, 17, 5, 8)]
"""batch, time, inputs, width"""
EXACT = torch.float64


def drawn(kind: type[RecurrentLayer], inputs: int, width: int, dtype: torch.dtype = EXACT) -> RecurrentLayer:
    """A layer with every weight and bias away from its start."""
    layer = kind(inputs, width).to(dtype)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.5)
    return layer


def reference(layers: list[RecurrentLayer]) -> nn.RNNBase:
    """torch's module of the same kind with the layers' weights."""
    first = layers[0]
    inputs = first.from_input.in_features
    theirs = THEIRS[type(first)](inputs, first.width, num_layers=len(layers), batch_first=True)
    theirs = theirs.to(first.from_input.weight.dtype)
    with torch.no_grad():
        for at, layer in enumerate(layers):
            getattr(theirs, f"weight_ih_l{at}").copy_(layer.from_input.weight)
            getattr(theirs, f"weight_hh_l{at}").copy_(layer.from_state.weight)
            getattr(theirs, f"bias_ih_l{at}").copy_(layer.from_input.bias)
            bias = layer.from_state.bias
            getattr(theirs, f"bias_hh_l{at}").copy_(
                torch.zeros(layer.from_input.out_features) if bias is None else bias
            )
    return theirs


def close(a: Tensor, b: Tensor) -> bool:
    """Equal up to rounding: ten digits in float64, five in float32."""
    size = max(1.0, float(b.detach().abs().max()))
    return torch.allclose(a, b, atol=(1e-10 if a.dtype == EXACT else 1e-5) * size, rtol=0)


class Alone(nn.Module):
    """A model that is one layer, and a way of running it."""

    def __init__(self, layer: nn.Module, run: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.layer = layer
        self.run = run or (lambda x: layer(x)[0])

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x)


def steps_of(run: Callable[[Tensor], Tensor], module: nn.Module, x: Tensor) -> dict[str, list[Tensor]]:
    """What is recorded while `run` reads x with `module`, which is the part "layer" of the traced model."""
    return record_trace(Alone(module, run), x, names={}).steps


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


# --- against torch ---


@pytest.mark.parametrize(("batch", "time", "inputs", "width"), SHAPES)
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("dtype", [EXACT, torch.float32])  # torch has a kernel of its own for float32
@pytest.mark.parametrize("kind", LAYERS)
def test_outputs_states_and_gradients_equal_those_of_torch(kind, dtype, fused, depth, batch, time, inputs, width):
    layers = [drawn(kind, width if at else inputs, width, dtype) for at in range(depth)]
    theirs = reference(layers)
    x = torch.randn(batch, time, inputs, dtype=dtype)
    mine, yours = x.clone().requires_grad_(), x.clone().requires_grad_()
    found, ends = read_through(layers, mine, fused=fused)
    expected, last = theirs(yours)
    assert expected.abs().max() > 0.02  # not a comparison of zeros
    assert close(found, expected)
    last = last if isinstance(last, tuple) else (last,)
    for part, stacked in enumerate(last):
        assert close(torch.stack([end[part] for end in ends]), stacked)

    weigh = torch.randn_like(expected)
    (found * weigh).sum().backward()
    (expected * weigh).sum().backward()
    assert close(mine.grad, yours.grad)
    for at, layer in enumerate(layers):
        assert close(layer.from_input.weight.grad, getattr(theirs, f"weight_ih_l{at}").grad)
        assert close(layer.from_state.weight.grad, getattr(theirs, f"weight_hh_l{at}").grad)
        assert close(layer.from_input.bias.grad, getattr(theirs, f"bias_ih_l{at}").grad)
        if layer.from_state.bias is not None:
            assert close(layer.from_state.bias.grad, getattr(theirs, f"bias_hh_l{at}").grad)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_given_state_is_gone_on_from_as_in_torch(kind, fused):
    layer = drawn(kind, 4, 6)
    state = tuple(torch.randn(2, 6, dtype=EXACT) for _ in range(kind.states))
    x = torch.randn(2, 5, 4, dtype=EXACT)
    start = tuple(each[None] for each in state)
    expected, _ = reference([layer])(x, start if kind.states > 1 else start[0])
    assert close(layer(x, state, fused)[0], expected)
    assert not close(layer(x, None, fused)[0], expected)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_text_read_in_two_parts_is_read_as_in_one(kind, fused):
    layer, x = drawn(kind, 4, 6), torch.randn(2, 9, 4, dtype=EXACT)
    whole, end = layer(x, fused=fused)
    first, state = layer(x[:, :4], fused=fused)
    second, last = layer(x[:, 4:], state, fused=fused)
    assert close(torch.cat([first, second], dim=1), whole)
    assert all(close(a, b) for a, b in zip(last, end, strict=True))


@pytest.mark.parametrize("kind", LAYERS)
def test_in_float32_the_two_ways_differ_by_rounding_alone(kind):
    """Sixty steps, with the weights that a model begins with."""
    layer, x = kind(64, 64), torch.randn(4, 60, 64)
    loop, kernel = layer(x, fused=False)[0], layer(x, fused=True)[0]
    assert loop.std() > 0.05
    assert torch.allclose(loop, kernel, atol=2e-6, rtol=0)


# --- which way is gone ---


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(
    ("training", "fused", "kernel"),
    [(True, None, True), (False, None, False), (True, False, False), (False, True, True), (True, True, True)],
)
def test_the_kernel_is_taken_where_it_is_asked_for_or_in_training(monkeypatch, kind, training, fused, kernel):
    layer, taken = kind(4, 4).train(training), []
    plain = layer.kernel
    monkeypatch.setattr(layer, "kernel", lambda x, state: taken.append(True) or plain(x, state))
    layer(torch.randn(1, 3, 4), fused=fused)
    assert bool(taken) == kernel


@pytest.mark.parametrize("kind", LAYERS)
def test_a_trace_sees_every_gate_of_every_step_whatever_way_was_asked_for(kind):
    layer = kind(4, 6)
    steps = steps_of(lambda x: layer(x, fused=True)[0], layer, torch.randn(1, 5, 4))
    letters = {RNNLayer: "h", LSTMLayer: "ifgoch", GRULayer: "rznh"}[kind]
    assert list(steps) == [f"layer.cell.{letter}" for letter in letters]
    assert {len(calls) for calls in steps.values()} == {5}
    assert {each.shape for calls in steps.values() for each in calls} == {(1, 6)}


@pytest.mark.parametrize("kind", LAYERS)
def test_what_is_recorded_is_what_a_replay_of_torchs_module_records(kind):
    """`zoo.trace.replay` opens nn.LSTM and its kin from outside: the same gates, found independently."""
    layer, x = drawn(kind, 4, 6).float(), torch.randn(1, 7, 4)
    theirs = reference([layer]).float()
    found = steps_of(lambda given: layer(given)[0], layer, x)
    expected = steps_of(lambda given: theirs(given)[0], theirs, x)
    assert found.keys() == expected.keys()
    for name, calls in found.items():
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(calls, expected[name], strict=True))


# --- what the numbers mean ---


@pytest.mark.parametrize("kind", [LSTMLayer, GRULayer])
def test_gates_lie_between_0_and_1_and_states_that_are_shown_between_minus_1_and_1(kind):
    layer = drawn(kind, 4, 6).float()
    steps = steps_of(lambda x: layer(x)[0], layer, 3 * torch.randn(1, 40, 4))
    for name, calls in steps.items():
        values = torch.cat(calls)
        letter = name.rpartition(".")[2]
        if letter in "iforz":
            assert ((values > 0) & (values < 1)).all()
            assert values.std() > 0.1
        elif letter != "c":
            assert (values.abs() <= 1).all()


def test_one_step_of_the_plain_cell_by_hand():
    """h = tanh(2·0.5 + 3·(−0.2) + 0.1) = tanh(0.5)"""
    layer = RNNLayer(1, 1)
    fill(layer, x=[0.5], h=[-0.2], b=[0.1])
    (h,) = layer.cell(layer.from_input(torch.tensor([[2.0]])), (torch.tensor([[3.0]]),))
    assert h.item() == pytest.approx(math.tanh(0.5))


def test_one_step_of_the_lstm_by_hand():
    """Input 1, h 0.5, c 2. i: σ(1 − 1) = 1/2; f: σ(ln 3) = 3/4; g: tanh(1); o: σ(−ln 4) = 1/5."""
    layer = LSTMLayer(1, 1)
    fill(layer, x=[1.0, 0.0, 0.5, 0.0], h=[-2.0, 0.0, 1.0, 0.0], b=[0.0, math.log(3), 0.0, -math.log(4)])
    state = (torch.tensor([[0.5]]), torch.tensor([[2.0]]))
    h, c = layer.cell(layer.from_input(torch.tensor([[1.0]])), state)
    assert c.item() == pytest.approx(3 / 4 * 2 + math.tanh(1) / 2)
    assert h.item() == pytest.approx(math.tanh(1.5 + math.tanh(1) / 2) / 5)


def test_one_step_of_the_gru_by_hand_with_the_reset_after_the_matrix():
    """Input 1, h 2. r: σ(0) = 1/2; z: σ(ln 3) = 3/4; n: tanh(0.1 + r·(0.3·2 + 0.4)) = tanh(0.6)."""
    layer = GRULayer(1, 1)
    fill(layer, x=[0.0, 0.0, 0.1], h=[0.0, 0.0, 0.3], b=[0.0, math.log(3), 0.0])
    with torch.no_grad():
        layer.from_state.bias.copy_(torch.tensor([0.0, 0.0, 0.4]))
    (h,) = layer.cell(layer.from_input(torch.tensor([[1.0]])), (torch.tensor([[2.0]]),))
    assert h.item() == pytest.approx(math.tanh(0.6) / 4 + 3 / 4 * 2)
    before = math.tanh(0.1 + 0.3 * (2 / 2) + 0.4) / 4 + 3 / 4 * 2  # Cho et al.: the state itself is reset
    assert h.item() != pytest.approx(before, abs=1e-3)


def fill(layer: RecurrentLayer, x: list[float], h: list[float], b: list[float]) -> None:
    """Weights of a layer of width 1 that reads one number: one of each kind a gate."""
    with torch.no_grad():
        layer.from_input.weight.copy_(torch.tensor(x)[:, None])
        layer.from_state.weight.copy_(torch.tensor(h)[:, None])
        layer.from_input.bias.copy_(torch.tensor(b))


@pytest.mark.parametrize("kind", LAYERS)
def test_every_gate_can_be_recomputed_from_its_weights(kind):
    layer, x = drawn(kind, 4, 6).float(), torch.randn(1, 6, 4)
    steps = steps_of(lambda given: layer(given)[0], layer, x)
    weights = gate_weights(layer)
    assert list(weights) == list(layer.gates)
    for at in range(1, 6):
        h = steps["layer.cell.h"][at - 1]
        for letter, gate in weights.items():
            assert gate.W_x.shape == (4, 6)
            assert gate.W_h.shape == (6, 6)
            own = x[:, at] @ gate.W_x + gate.b
            past = h @ gate.W_h if gate.b_h is None else steps["layer.cell.r"][at] * (h @ gate.W_h + gate.b_h)
            bend = torch.tanh if letter in "hgn" else torch.sigmoid
            assert torch.allclose(bend(own + past), steps[f"layer.cell.{letter}"][at], atol=1e-6)


@pytest.mark.parametrize(("kind", "gate"), [(RNNLayer, "h"), (LSTMLayer, "f"), (LSTMLayer, "c"), (GRULayer, "z")])
def test_an_edited_step_changes_what_follows_and_nothing_before(kind, gate):
    layer, x, calls = drawn(kind, 4, 6).float(), torch.randn(1, 6, 4), []

    def third(value: Tensor) -> Tensor:
        calls.append(value)
        return torch.full_like(value, 0.9) if len(calls) == 3 else value

    plain = record_trace(Alone(layer), x, names={})
    edited = record_trace(Alone(layer), x, names={}, edits={f"layer.cell.{gate}": third})
    assert edited.edited == {f"layer.cell.{gate}"}
    assert torch.equal(edited.output[:, :2], plain.output[:, :2])
    assert all((edited.output[0, at] - plain.output[0, at]).abs().max() > 1e-4 for at in (2, 3))


# --- how they begin ---


@pytest.mark.parametrize("kind", LAYERS)
def test_the_states_matrices_begin_as_turns(kind):
    for gate in gate_weights(kind(5, 8)).values():
        assert torch.allclose(gate.W_h @ gate.W_h.mT, torch.eye(8), atol=1e-5)


@pytest.mark.parametrize("kind", [LSTMLayer, GRULayer])
def test_without_a_reach_all_gates_begin_half_open(kind):
    assert all(not gate.b.any() for gate in gate_weights(kind(5, 8)).values())


@pytest.mark.parametrize(("kind", "keeps"), [(LSTMLayer, "f"), (GRULayer, "z")])
def test_a_gate_that_keeps_begins_with_spans_up_to_its_reach(kind, keeps):
    weights = gate_weights(kind(5, 1000, reach=50))
    kept = weights[keeps].b.detach().sigmoid()
    steps = (1 / (1 - kept)).sort().values  # what is left after n steps is kept ** n: so many on average
    assert 2 <= steps[0] < 3
    assert 49 < steps[-1] <= 50 + 1e-3
    assert steps.mean() == pytest.approx(26, abs=1.5)  # evenly drawn
    for letter, gate in weights.items():
        if letter == "i":
            assert torch.equal(gate.b, -weights["f"].b)  # lets in what is forgotten
        elif letter != keeps:
            assert not gate.b.any()
