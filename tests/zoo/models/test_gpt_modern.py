"""The modern GPT against the same model written down a second time, its switches, its steps, and its half precision."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional as F

from tests.zoo.trace.cells import worked
from zoo.inference import to_trace
from zoo.models.gpt_modern import Config, GPTModern, GPTModernPlugin
from zoo.trace import Trace
from zoo.trace.record import record_trace
from zoo.trace.sheets import sheet
from zoo.trace.verify import verify
from zoo.training import Recipe
from zoo.training.optimizers import split

VOCAB = 11
SWITCHES = ("rotary", "query_key_norm", "squared_relu", "plain_norm", "zero_start", "untied", "previous_token")
EVERY = [dict(zip(SWITCHES, values, strict=True)) for values in product([True, False], repeat=len(SWITCHES))]
ONE_BACK = [{}, *({name: False} for name in SWITCHES), dict.fromkeys(SWITCHES, False)]


def build(seed: int = 0, random: float = 0.0, **values: object) -> GPTModern:
    """A tiny model; with `random` every weight is drawn anew with that spread, so that nothing is zero or one."""
    torch.manual_seed(seed)
    config = Config(**{"blocks": 2, "heads": 2, "width": 16, "context": 12, **values})
    module = GPTModernPlugin().build(config, VOCAB).eval()
    if random:
        for parameter in module.parameters():
            nn.init.normal_(parameter, std=random)
    return module


def traced(module: GPTModern, ids: list[int]) -> Trace:
    recording = record_trace(module, torch.tensor([ids]), names=GPTModernPlugin().names())
    return to_trace(recording, "zoo/gpt-modern", ids, [str(i) for i in ids], GPTModernPlugin().anatomy(module))


def reference(module: GPTModern, ids: Tensor) -> Tensor:
    """The logits once more: fused attention, rotation of complex numbers, and no line of the model's own."""
    w, c = dict(module.named_parameters(remove_duplicate=False)), module.config
    time, size = ids.shape[1], c.width // c.heads

    def norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], w.get(f"{name}.weight"), w.get(f"{name}.bias"))

    def turn(x: Tensor) -> Tensor:
        angles = torch.arange(time)[:, None] * 10_000.0 ** (-torch.arange(0, size, 2) / size)
        both = torch.complex(*x.double().chunk(2, -1)) * torch.polar(torch.ones_like(angles), angles).cdouble()
        return torch.cat([both.real, both.imag], -1).float()

    x = w["embed.weight"][ids]
    if c.previous_token:
        before = [w["embed_previous.weight"][[VOCAB, *row[:-1]]] for row in ids.tolist()]
        x = x + torch.stack(before)
    if not c.rotary:
        x = x + w["embed_positions.weight"][:time]
    for i in range(c.blocks):
        y, at = norm(x, f"blocks.{i}.norm1"), f"blocks.{i}.attn"
        q, k, v = (
            torch.stack((y @ w[f"{at}.{name}.weight"].T).split(size, -1), 1) for name in ("query", "key", "value")
        )
        if c.query_key_norm:
            q, k = norm(q, f"{at}.q_norm"), norm(k, f"{at}.k_norm")
        if c.rotary:
            q, k = turn(q), turn(k)
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + torch.cat(z.unbind(1), -1) @ w[f"{at}.out.weight"].T
        hidden = norm(x, f"blocks.{i}.norm2") @ w[f"blocks.{i}.mlp.up.weight"].T
        hidden = hidden.clamp(min=0) ** 2 if c.squared_relu else F.gelu(hidden, approximate="tanh")
        x = x + hidden @ w[f"blocks.{i}.mlp.down.weight"].T
    return norm(x, "final_norm") @ w["unembed.weight"].T


@settings(max_examples=40, deadline=None)
@given(switches=st.sampled_from(EVERY), time=st.integers(1, 12), seed=st.integers(0, 99))
def test_logits_equal_those_of_the_model_written_down_again(switches, time, seed):
    module = build(seed, random=0.4, **switches)
    ids = torch.randint(VOCAB, (3, time))
    with torch.no_grad():
        expected, found = reference(module, ids), module(ids)
    assert expected.std() > 0.1
    assert torch.allclose(found, expected, atol=1e-4, rtol=1e-4)


@settings(max_examples=40, deadline=None)
@given(switches=st.sampled_from(EVERY), time=st.integers(2, 12), data=st.data())
def test_no_token_sees_those_after_it(switches, time, data):
    module = build(1, random=0.4, **switches)
    at = data.draw(st.integers(0, time - 1))
    ids = torch.randint(VOCAB, (1, time))
    other = ids.clone()
    other[0, at] = (ids[0, at] + data.draw(st.integers(1, VOCAB - 1))) % VOCAB
    with torch.no_grad():
        before, after = module(ids), module(other)
    assert torch.allclose(before[:, :at], after[:, :at], atol=1e-5)
    assert not torch.allclose(before[:, at], after[:, at], atol=1e-5)


@pytest.mark.parametrize("switches", ONE_BACK, ids=str)
def test_every_step_is_recorded_and_recomputed(switches):
    checks = verify(traced(build(2, random=0.4, **switches), [3, 1, 4, 1, 5]))
    assert [(check.step, check.reason) for check in checks if check.ok is not True] == []
    names = {check.step for check in checks}
    config = Config(**switches)
    assert ("embed.prev" in names) == config.previous_token
    assert ("blocks.1.attn.k_norm" in names) == config.query_key_norm
    assert ("blocks.1.attn.q_rot" in names) == config.rotary
    assert ("embed.pos" in names) is not config.rotary
    assert len(names) == 5 + config.previous_token + (not config.rotary) + 2 * (
        15 + 2 * config.query_key_norm + 2 * config.rotary
    )


@pytest.mark.parametrize("switches", ONE_BACK, ids=str)
@pytest.mark.parametrize("step", ["embed.prev", "embed.out", "q_norm", "q_rot", "scores", "act", "norm2", "logits"])
def test_any_number_opens_to_the_sum_that_made_it(step, switches):
    trace = traced(build(3, random=0.4, **switches), [3, 1, 4, 1, 5])
    name = next((each for each in trace.steps if each == step or each.endswith(f"1.attn.{step}")), None)
    name = name or next((each for each in trace.steps if each.endswith((f"1.mlp.{step}", f"1.{step}"))), None)
    if name is None:
        off = {"embed.prev": "previous_token", "q_norm": "query_key_norm", "q_rot": "rotary"}
        assert switches[off[step]] is False
        return
    shown = sheet(trace, name)
    for layer, row in ((0, 0), (len(shown.values) - 1, 4)):
        assert worked(shown, layer, row, 2) == pytest.approx(float(shown.values[layer, row, 2]), abs=1e-5, rel=1e-5)


def test_the_row_before_the_first_token_is_one_of_its_own():
    trace = traced(build(4, random=0.4), [3, 1, 4])
    table = trace.params["embed.W_prev"]
    assert table.shape == (VOCAB + 1, 16)
    assert np.array_equal(trace["embed.prev"], table[[VOCAB, 3, 1]])
    assert sheet(trace, "embed.prev").operands["ids"].tolist() == [VOCAB, 3, 1]


def test_with_a_zero_start_the_first_prediction_is_an_even_guess_and_blocks_are_a_passage():
    module = build(5)
    trace = traced(module, [3, 1, 4])
    assert not trace["logits"].any()
    assert np.array_equal(trace["blocks.1.resid"], trace["embed.out"])
    assert traced(build(5, zero_start=False), [3, 1, 4])["logits"].std() > 0.1


def test_a_tied_model_has_one_table():
    tied = build(6, untied=False)
    assert tied.unembed.weight is tied.embed.weight
    loose = build(6)
    assert sum(p.numel() for p in loose.parameters()) == sum(p.numel() for p in tied.parameters()) + VOCAB * 16


@pytest.mark.parametrize("switches", ONE_BACK, ids=str)
def test_under_autocast_the_pass_is_in_half_precision_and_the_weights_are_not(switches):
    module = build(7, random=0.2, **switches)
    ids = torch.randint(VOCAB, (2, 12))
    with torch.autocast("cpu", torch.bfloat16):
        half = module(ids)
    whole = module(ids)
    assert (half.dtype, whole.dtype) == (torch.bfloat16, torch.float32)
    assert 0 < (half.float() - whole).detach().abs().max() < 0.1 * whole.detach().abs().max()
    half.float().square().sum().backward()
    assert {each.dtype for each in module.parameters()} == {torch.float32}
    assert {each.grad.dtype for each in module.parameters()} == {torch.float32}


@pytest.mark.parametrize("switches", ONE_BACK, ids=str)
def test_the_anatomy_holds_every_weight(switches):
    module = build(8, **switches)
    params = GPTModernPlugin().anatomy(module).params
    learned = {each.data_ptr(): each.numel() for each in module.parameters()}
    assert {each.data_ptr(): each.numel() for each in params.values()} == learned
    assert not any(each.requires_grad for each in params.values())


def test_muon_gets_the_matrices_of_the_blocks():
    module = build(9)
    matrices, rest = split(module)
    assert len(matrices) == 2 * 6
    assert {id(each) for each in rest} == {
        id(each.weight) for each in (module.embed, module.embed_previous, module.unembed)
    }


def test_the_recommended_recipe_is_one():
    assert Recipe(seconds=1, **GPTModernPlugin().recipe()).precision == "bfloat16"


def test_a_text_longer_than_the_context_is_refused():
    with pytest.raises(ValueError, match="the text has 13 tokens; this model reads at most 12"):
        build()(torch.zeros(1, 13, dtype=torch.long))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"width": 30, "heads": 4}, "width 30 is not a multiple of heads 4"),
        ({"width": 12, "heads": 4}, "width / heads must be even"),
        ({"blocks": 0}, "greater than or equal to 1"),
        ({"context": 1}, "greater than or equal to 2"),
    ],
)
def test_a_config_out_of_bounds_is_refused(values, words):
    with pytest.raises(ValidationError, match=words):
        Config(**values)


def test_an_odd_head_is_no_matter_without_rotation():
    assert build(width=18, heads=2, rotary=False)(torch.zeros(1, 2, dtype=torch.long)).shape == (1, 2, VOCAB)
