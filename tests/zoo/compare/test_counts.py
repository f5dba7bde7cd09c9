"""Steps counted by hand, operations against the hand formula and torch's own counter, bytes against known tensors."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zoo.compare import counts
from zoo.compare.fused import FusedGPT
from zoo.inference import load
from zoo.models import gpt, gru, lstm, rnn

KINDS = {"rnn": (rnn.RNN, rnn.Config), "lstm": (lstm.LSTM, lstm.Config), "gru": (gru.GRU, gru.Config)}
V = 11


def ids(tokens: int) -> torch.Tensor:
    return torch.arange(tokens)[None] % V


def make(kind: str, width: int = 8, layers: int = 2, fused: bool | None = False) -> nn.Module:
    build, config = KINDS[kind]
    module = build(config(width=width, layers=layers), V).eval()
    module.fused = fused
    return module


def tiny_gpt(build: type = gpt.GPT) -> nn.Module:
    torch.manual_seed(0)
    return build(gpt.Config(blocks=2, heads=2, width=8, context=64), V).eval()


# --- steps that wait for each other ------------------------------------------------------------


def test_the_schedule_of_three_tokens_in_two_recurrent_layers_by_hand():
    assert counts.schedule(3, 2, recurrent=True).tolist() == [[0, 0, 0], [1, 2, 3], [2, 3, 4], [3, 4, 5]]


def test_the_schedule_of_three_tokens_in_two_blocks_by_hand():
    assert counts.schedule(3, 2, recurrent=False).tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 2], [3, 3, 3]]


@pytest.mark.parametrize(("tokens", "layers"), [(1, 1), (1, 3), (7, 2), (50, 4)])
def test_a_recurrent_network_waits_for_each_token_and_a_transformer_for_none(tokens, layers):
    assert counts.dependent_steps(tokens, layers, recurrent=True) == tokens + layers + 1
    assert counts.dependent_steps(tokens, layers, recurrent=False) == layers + 2


# --- operations --------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "gates"), [("rnn", 1), ("lstm", 4), ("gru", 3)])
def test_a_cell_costs_two_matrices_of_its_gates(kind, gates):
    tokens, width, layers = 5, 8, 2
    by_hand = tokens * (layers * 2 * gates * (width * width + width * width) + 2 * width * V)
    assert counts.recurrent_flops(kind, width, layers, V).of(tokens) == by_hand
    assert counts.counted_flops(make(kind), ids(tokens)) == by_hand


def test_a_block_costs_its_matrices_and_its_pairs():
    tokens, width = 5, 8
    linear = 2 * width * width * (3 + 1) + 2 * width * 4 * width * 2
    pairs = 2 * tokens * width + 2 * tokens * width
    by_hand = tokens * (2 * (linear + pairs) + 2 * width * V)
    assert counts.transformer_flops(width, 2, V).of(tokens) == by_hand
    assert counts.counted_flops(tiny_gpt(), ids(tokens)) == by_hand


def test_torch_s_counter_does_not_look_into_the_fused_kernel():
    """So the formula speaks for both ways; all but the pairs is counted in both alike."""
    assert counts.counted_flops(tiny_gpt(FusedGPT), ids(12)) == counts.transformer_flops(8, 2, V).each * 12


@pytest.mark.parametrize("tokens", [2, 3, 16])
def test_what_a_token_and_a_pair_cost_is_found_by_the_counter_alone(tokens):
    found = counts.fitted_flops(tiny_gpt(), [each % V for each in range(tokens)])
    assert found == counts.transformer_flops(8, 2, V)
    assert counts.fitted_flops(make("gru"), [1] * tokens) == counts.recurrent_flops("gru", 8, 2, V)


def test_the_next_token_costs_the_difference_of_two_passes_less_the_pairs_that_look_ahead():
    flops = counts.Flops(each=100, pair=3)
    assert [flops.next(place) for place in (1, 10)] == [103, 130]
    assert flops.of(10) - flops.of(9) == flops.next(10) + 3 * 9


def test_the_shipped_gpt_is_counted_as_its_formula_says():
    model = load("zoo/gpt")
    config = model.module.config
    expected = counts.transformer_flops(config.width, config.blocks, model.tokenizer.vocab_size)
    assert counts.fitted_flops(model.module, list(range(6))) == expected


# --- bytes -------------------------------------------------------------------------------------


class Steps(nn.Module):
    """Makes a large value, drops it, and makes a small one."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.zeros(1000)
        z = y + 1
        del y
        w = z[:10] * 2
        return w + x


def test_the_peak_is_of_values_alive_at_once():
    one = Steps()
    assert counts.peak_bytes(one, torch.zeros(10)) in range(2 * 4000, 2 * 4000 + 1)


def test_weights_are_not_counted():
    """Nor are views of them, such as the transposed matrix of a linear layer."""
    assert counts.peak_bytes(nn.Linear(500, 2, bias=False), torch.zeros(1, 500)) == 2 * 4


def test_a_pass_holds_more_of_a_longer_text_and_little_of_a_short_one():
    short, long = (counts.peak_bytes(make("lstm", fused=None), ids(tokens)) for tokens in (1, 50))
    assert short < 4 * sum(each.numel() for each in make("lstm").parameters()) < long


def test_the_scores_of_a_long_text_are_most_of_what_a_textbook_transformer_holds():
    peaks = [counts.peak_bytes(tiny_gpt(), ids(tokens)) for tokens in (32, 64)]
    table = 2 * 4 * (64**2 - 32**2)  # heads, bytes: one more table of scores of the longer text
    assert peaks[1] - peaks[0] > table
    fused = counts.peak_bytes(tiny_gpt(FusedGPT), ids(64))
    assert fused < peaks[1]


def test_the_fused_transformer_gives_the_textbook_one_s_logits():
    one, other = tiny_gpt(), tiny_gpt(FusedGPT)
    other.load_state_dict(one.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(other(ids(20)), one(ids(20)))
