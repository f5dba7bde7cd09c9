"""What each step is made of, and the same numbers as torch and transformers give."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

from zoo.layers.positions import rotate, sinusoidal
from zoo.plugin import Anatomy
from zoo.trace.arithmetic import activation, cut, evaluate, tiles
from zoo.trace.derive import derivation, recompute
from zoo.trace.trace import Trace

MakeTrace = Callable[..., Trace]


def trace_with(steps: dict[str, Any], anatomy: Anatomy | None = None, ids: list[int] | None = None) -> Trace:
    arrays = {name: [np.asarray(array, dtype=np.float32)] for name, array in steps.items()}
    return Trace("test/made", ids or [0], ["x"], arrays, anatomy)


def anatomy(**changes: Any) -> Anatomy:
    return Anatomy(**{"params": {}, "blocks": 1, "heads": 2, "kv_heads": 2, "head_dim": 4} | changes)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("gelu", F.gelu),
        ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh")),
        ("silu", F.silu),
        ("relu", F.relu),
        ("relu_squared", lambda x: F.relu(x).square()),
        ("sin", torch.sin),
    ],
)
def test_activations_equal_torch_to_the_last_digits(name: str, reference: Callable[..., torch.Tensor]) -> None:
    x = torch.linspace(-1000, 1000, 4001, dtype=torch.float64) / 50
    x = torch.cat([x, torch.tensor([-1e4, 0.0, 1e4], dtype=torch.float64)])
    np.testing.assert_allclose(activation(name, x.numpy()), reference(x).numpy(), rtol=1e-12, atol=1e-15)


def test_an_unknown_activation_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="choose gelu"):
        activation("swish2", np.zeros(1))


@pytest.mark.parametrize("kind", ["layer_norm", "rms_norm"])
def test_norms_equal_torch(kind: str) -> None:
    generator = torch.Generator().manual_seed(1)
    x, weight, bias = (torch.randn(size, generator=generator) * 3 + 1 for size in ((5, 8), (8,), (8,)))
    x, eps = x.double(), 1e-3
    params = {"final_norm.weight": weight.numpy()} | ({"final_norm.bias": bias.numpy()} if kind == "layer_norm" else {})
    steps = {"blocks.0.resid": x.numpy(), "final_norm": x.numpy()}
    trace = Trace("test/norm", [0] * 5, ["x"] * 5, {name: [array] for name, array in steps.items()})
    trace = replace(trace, anatomy=anatomy(params=params, norm=kind, norm_eps=eps))
    if kind == "rms_norm":
        expected = F.rms_norm(x, (8,), weight.double(), eps)
    else:
        expected = F.layer_norm(x, (8,), weight.double(), bias.double(), eps)
    np.testing.assert_allclose(recompute(trace, "final_norm"), expected.numpy(), rtol=1e-12)


@pytest.mark.parametrize("theta", [100.0, 10_000.0, 500_000.0])
def test_rotation_equals_transformers(theta: float) -> None:
    q = torch.randn(3, 40, 6, generator=torch.Generator().manual_seed(2))
    config = LlamaConfig(
        hidden_size=6, num_attention_heads=1, head_dim=6, rope_parameters={"rope_type": "default", "rope_theta": theta}
    )
    turned, _ = apply_rotary_pos_emb(q[None], q[None], *LlamaRotaryEmbedding(config)(q, torch.arange(40)[None]))
    steps = {"blocks.0.attn.q": q.numpy(), "blocks.0.attn.q_rot": turned[0].numpy()}
    trace = trace_with(steps, anatomy(positions="rotary", rope_theta=theta, head_dim=6))
    np.testing.assert_allclose(recompute(trace, "blocks.0.attn.q_rot"), turned[0].numpy(), atol=1e-5)


def test_rotation_equals_the_zoos_own_and_honours_scaled_frequencies() -> None:
    k = torch.randn(2, 7, 8, generator=torch.Generator().manual_seed(3))
    steps = {"blocks.0.attn.k": k.numpy(), "blocks.0.attn.k_rot": k.numpy()}
    own = recompute(trace_with(steps, anatomy(positions="rotary", head_dim=8)), "blocks.0.attn.k_rot")
    np.testing.assert_allclose(own, rotate(k[None])[0].numpy(), atol=1e-6)
    still = anatomy(positions="rotary", head_dim=8, extra={"rope_frequencies": [1e-30] * 4})
    np.testing.assert_allclose(recompute(trace_with(steps, still), "blocks.0.attn.k_rot"), k.numpy(), atol=1e-12)


@pytest.mark.parametrize("width", [8, 7])
def test_sinusoidal_positions_follow_from_their_formula_without_a_table(width: int) -> None:
    table = sinusoidal(20, width).numpy()
    trace = trace_with({"embed.pos": table}, anatomy(positions="sinusoidal"))
    np.testing.assert_allclose(recompute(trace, "embed.pos"), table, atol=1e-5)


def test_softmax_equals_torch_with_hidden_cells_and_without_a_warning() -> None:
    scores = torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(4)) * 30
    mask = torch.full((4, 4), -torch.inf).triu(1)
    steps = {"blocks.0.attn.scores": scores, "blocks.0.attn.mask": mask, "blocks.0.attn.pattern": scores}
    expected = (scores.double() + mask).softmax(-1).numpy()
    np.testing.assert_allclose(recompute(trace_with(steps), "blocks.0.attn.pattern"), expected, rtol=1e-12)


def test_a_row_that_may_look_nowhere_is_not_a_number_as_in_torch() -> None:
    mask = np.full((2, 2), -np.inf)
    steps = {"blocks.0.attn.scores": np.ones((1, 2, 2)), "blocks.0.attn.mask": mask}
    trace = trace_with({**steps, "blocks.0.attn.pattern": np.ones((1, 2, 2))})
    assert np.isnan(recompute(trace, "blocks.0.attn.pattern")).all()


def test_hand_worked_scores_and_weighted_values() -> None:
    q, k, v = [[[1.0, 2.0]], [[0.0, 1.0]]], [[[3.0, 4.0]]], [[[5.0, -6.0]]]
    steps = {"blocks.0.attn.q": q, "blocks.0.attn.k": k, "blocks.0.attn.v": v}
    steps |= {"blocks.0.attn.scores": np.zeros((2, 1, 1)), "blocks.0.attn.pattern": np.ones((2, 1, 1))}
    trace = trace_with({**steps, "blocks.0.attn.z": np.zeros((2, 1, 2))}, anatomy(kv_heads=1, head_dim=2))
    # (1 · 3 + 2 · 4) / √2 and (0 · 3 + 1 · 4) / √2, both heads with the one key; all attention on the one value
    np.testing.assert_allclose(recompute(trace, "blocks.0.attn.scores").ravel(), [11 / 2**0.5, 4 / 2**0.5])
    np.testing.assert_allclose(recompute(trace, "blocks.0.attn.z"), [[[5, -6]], [[5, -6]]])


def test_recomputed_is_float64_in_the_recorded_shape_for_every_step(torch_trace: MakeTrace) -> None:
    trace = torch_trace()
    for step in trace.steps:
        again = recompute(trace, step)
        assert (again.dtype, again.shape) == (np.float64, trace[step].shape)
        np.testing.assert_allclose(again, trace[step], rtol=1e-4, atol=1e-4)


def test_the_stream_runs_from_the_embedding_through_the_blocks(gpt_trace: MakeTrace) -> None:
    trace = gpt_trace()
    assert derivation(trace, "blocks.0.norm1").inputs == ("embed.out",)
    assert derivation(trace, "blocks.1.norm1").inputs == ("blocks.0.resid",)
    assert derivation(trace, "blocks.1.resid_mid").inputs == ("blocks.0.resid", "blocks.1.attn.out")
    assert derivation(trace, "final_norm").inputs == ("blocks.1.resid",)
    assert derivation(trace, "embed.out").inputs == ("embed.tok", "embed.pos")


@pytest.mark.parametrize("positions", ["rotary", "none"])
def test_without_added_positions_the_embedding_is_the_tokens(gpt_trace: MakeTrace, positions: str) -> None:
    trace = gpt_trace(positions=positions)
    assert derivation(trace, "embed.out").inputs == ("embed.tok",)
    bare = replace(trace, steps={name: calls for name, calls in trace.steps.items() if name != "embed.out"})
    assert derivation(bare, "blocks.0.norm1").inputs == ("embed.tok",)
    turned = "_rot" if positions == "rotary" else ""
    assert derivation(trace, "blocks.0.attn.scores").inputs == (f"blocks.0.attn.q{turned}", f"blocks.0.attn.k{turned}")


@pytest.mark.parametrize(
    ("step", "formula"),
    [
        ("blocks.0.norm1", "norm1 = embed.out / √(mean square + 0.00001) · weight"),
        ("blocks.1.norm1", "norm1 = blocks.0.resid / √(mean square + 0.00001) · weight"),
        ("blocks.1.norm2", "norm2 = resid_mid / √(mean square + 0.00001) · weight"),
        ("blocks.1.attn.q", "q = norm1 · W_Q"),
        ("blocks.1.attn.scores", "scores = q_rot · k_rot[head // 2]ᵀ / √4"),
        ("blocks.1.attn.pattern", "pattern = softmax(scores + mask)"),
        ("blocks.1.attn.z", "z = pattern · v[head // 2]"),
        ("blocks.1.attn.out", "attn.out = concat(z) · W_O"),
        ("blocks.1.resid_mid", "resid_mid = blocks.0.resid + attn.out"),
        ("blocks.1.mlp.pre", "pre = norm2 · W_gate"),
        ("blocks.1.mlp.up", "up = norm2 · W_in"),
        ("blocks.1.mlp.act", "act = silu(pre) · up"),
        ("logits", "logits = final_norm · W_U"),
    ],
)
def test_formulas_name_this_models_own_terms(torch_trace: MakeTrace, step: str, formula: str) -> None:
    assert derivation(torch_trace(biased=False), step).formula == formula


@pytest.mark.parametrize(
    ("step", "formula"),
    [
        ("final_norm", "final_norm = (blocks.1.resid − mean) / √(variance + 0.00001) · weight + bias"),
        ("blocks.0.attn.v", "v = norm1 · W_V + b_V"),
        ("blocks.0.attn.scores", "scores = q · kᵀ / √4"),
        ("blocks.0.mlp.act", "act = gelu_tanh(pre)"),
        ("embed.out", "embed.out = embed.tok + embed.pos"),
    ],
)
def test_formulas_of_a_gpt(gpt_trace: MakeTrace, step: str, formula: str) -> None:
    assert derivation(gpt_trace(), step).formula == formula


def test_a_mask_that_was_not_recorded_follows_from_the_anatomy(gpt_trace: MakeTrace) -> None:
    trace = gpt_trace()
    bare = replace(trace, steps={name: calls for name, calls in trace.steps.items() if not name.endswith(".mask")})
    step = "blocks.0.attn.pattern"
    np.testing.assert_array_equal(recompute(bare, step), recompute(trace, step))
    assert derivation(replace(bare, anatomy=None), step).kind == "opaque"


@pytest.mark.parametrize(
    ("change", "step", "reason"),
    [
        ({"anatomy": None}, "blocks.0.attn.q", "give its plugin an `anatomy"),
        ({"dropped": {"blocks.0.norm1": 9}}, "blocks.0.attn.q", "shorten the text"),
        ({"edited": frozenset(["logits"])}, "logits", "edited"),
        ({}, "blocks.0.secret", "not a step of the schema"),
        ({}, "cell.h", "under the path `layers"),
        ({}, "decoder.logits", "decoder.final_norm was not recorded"),
    ],
)
def test_what_cannot_be_taken_apart_says_why(
    gpt_trace: MakeTrace, change: dict[str, Any], step: str, reason: str
) -> None:
    trace = replace(gpt_trace(), **change)
    found = derivation(trace, step)
    assert found.kind in ("opaque", "input")
    with pytest.raises(ValueError, match=reason):
        recompute(trace, step)


def test_a_step_that_was_not_recorded_cannot_be_recomputed(gpt_trace: MakeTrace) -> None:
    with pytest.raises(ValueError, match="not recorded"):
        recompute(gpt_trace(), "blocks.0.attn.q_rot")


def test_missing_inputs_and_weights_are_named(gpt_trace: MakeTrace) -> None:
    trace = gpt_trace()
    assert trace.anatomy is not None
    without = replace(trace, steps={name: calls for name, calls in trace.steps.items() if name != "blocks.0.norm1"})
    assert "its input blocks.0.norm1 was not recorded" in derivation(without, "blocks.0.attn.q").reason
    params = {name: array for name, array in trace.params.items() if name != "unembed.W_U"}
    lacking = replace(trace, anatomy=replace(trace.anatomy, params=params))
    assert "unembed.W_U" in derivation(lacking, "logits").reason
    assert "no call 3" in derivation(trace, "logits", call=3).reason


def test_what_needs_no_weights_is_recomputed_without_an_anatomy(gpt_trace: MakeTrace) -> None:
    trace = replace(gpt_trace(), anatomy=None)
    for step in ("blocks.0.attn.pattern", "blocks.0.attn.z", "probs"):
        np.testing.assert_allclose(recompute(trace, step), trace[step], atol=1e-5)


def test_tiles_cover_a_large_step_and_change_nothing() -> None:
    random = np.random.default_rng(5)
    parts = {"a": random.normal(size=(1, 40, 64)), "b": random.normal(size=(1, 64, 30_000))}
    pieces = list(tiles("dot", parts, (1, 40, 30_000)))
    assert len(pieces) > 1
    whole = evaluate("dot", parts, {"scale": 2.0})
    joined = [evaluate("dot", cut("dot", parts, rows, columns), {"scale": 2.0}) for rows, columns in pieces]
    np.testing.assert_allclose(np.concatenate(joined, axis=2), whole, rtol=1e-12, atol=1e-12)
    rows = [rows for rows, _ in tiles("softmax", {}, (1, 100, 50_000))]
    assert [at for piece in rows for at in range(100)[piece]] == list(range(100))


def test_nothing_here_needs_torch() -> None:
    code = "import sys, zoo.trace.verify, zoo.trace.sheets; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
