"""Every number of a true trace holds, and one wrong cell anywhere is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.trace.derive import derivation
from zoo.trace.trace import Trace
from zoo.trace.verify import Check, verify

MakeTrace = Callable[..., Trace]
WithCell = Callable[[Trace, str, tuple[int, ...], float], Trace]


def failed(checks: list[Check]) -> set[str]:
    return {check.step for check in checks if check.ok is False}


def assert_all_hold(trace: Trace) -> None:
    checks = verify(trace)
    assert {check.step for check in checks} == set(trace.steps)
    assert [check for check in checks if not check.ok] == []
    assert all(check.max_error <= check.tolerance for check in checks)  # type: ignore[operator]
    assert all(check.formula and not check.reason for check in checks)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary", "none"])
def test_every_step_of_a_gpt_holds(gpt_trace: MakeTrace, positions: str, tied: bool) -> None:
    assert_all_hold(gpt_trace(positions=positions, tied=tied))


@settings(max_examples=25)
@given(
    blocks=st.integers(1, 3),
    heads=st.sampled_from([1, 2, 4]),
    size=st.sampled_from([8, 24]),
    positions=st.sampled_from(["learned", "sinusoidal", "rotary", "none"]),
    tied=st.booleans(),
    ids=st.lists(st.integers(0, 28), min_size=1, max_size=16),
    seed=st.integers(0, 2**16),
)
def test_every_step_holds_for_any_config(
    gpt_trace: MakeTrace, blocks: int, heads: int, size: int, positions: str, tied: bool, ids: list[int], seed: int
) -> None:
    options = {"blocks": blocks, "heads": heads, "width": size, "positions": positions, "tied": tied}
    assert_all_hold(gpt_trace(ids=ids, vocab=29, seed=seed, **options))


@settings(max_examples=25)
@given(
    blocks=st.integers(0, 2),
    sharing=st.sampled_from([(1, 1), (4, 4), (4, 2), (6, 1)]),
    norm=st.sampled_from(["layer_norm", "rms_norm"]),
    activation=st.sampled_from(["gelu", "gelu_tanh", "silu", "relu", "relu_squared"]),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    positions=st.sampled_from(["learned", "rotary", "none"]),
    theta=st.sampled_from([100.0, 10_000.0, 500_000.0]),
    ids=st.lists(st.integers(0, 12), min_size=1, max_size=9),
    seed=st.integers(0, 2**16),
)
def test_every_step_of_a_transformer_written_with_torch_alone_holds(
    torch_trace: MakeTrace,
    blocks: int,
    sharing: tuple[int, int],
    norm: str,
    activation: str,
    flags: tuple[bool, bool, bool],
    positions: str,
    theta: float,
    ids: list[int],
    seed: int,
) -> None:
    options: dict[str, Any] = dict(zip(("gated", "causal", "biased"), flags, strict=True))
    options |= dict(zip(("heads", "kv_heads"), sharing, strict=True))
    options |= {"blocks": blocks, "norm": norm, "activation": activation, "positions": positions, "rope_theta": theta}
    assert_all_hold(torch_trace(ids=ids, seed=seed, **options))


def test_every_step_of_a_trained_llama_holds(stories260k: object) -> None:
    from zoo.inference import load

    assert_all_hold(load(str(stories260k)).trace("Once upon a time there was a little girl named Lily. She"))


def typical_cell(array: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """The cell whose size is the median one, among those that are neither 0 nor infinite."""
    size = np.where(np.isfinite(array), np.abs(array), 0.0)
    order = np.argsort(size, axis=None)
    order = order[size.ravel()[order] > 0]
    return tuple(int(at) for at in np.unravel_index(order[len(order) // 2], array.shape))


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary"])
@pytest.mark.parametrize("factor", [1.01, 0.99])
def test_one_wrong_cell_is_found_in_its_step_and_nowhere_before(
    gpt_trace: MakeTrace, with_cell: WithCell, positions: str, factor: float
) -> None:
    trace = gpt_trace(positions=positions)
    for step in trace.steps:
        if step.endswith(".mask"):
            continue  # has only 0 and −∞: its own test is below
        cell = typical_cell(trace[step])
        wrong = with_cell(trace, step, cell, trace[step][cell] * factor)
        users = {other for other in trace.steps if step in derivation(trace, other).inputs}
        assert step in failed(verify(wrong)), step
        assert failed(verify(wrong)) <= {step} | users, step


@pytest.mark.parametrize("factor", [1.01, 0.99])
def test_one_wrong_cell_of_shared_heads_and_gates_is_found(
    torch_trace: MakeTrace, with_cell: WithCell, factor: float
) -> None:
    trace = torch_trace()
    for step in trace.steps:
        if not step.endswith(".mask"):
            cell = typical_cell(trace[step])
            assert step in failed(verify(with_cell(trace, step, cell, trace[step][cell] * factor))), step


def test_a_token_that_sees_the_future_is_found(gpt_trace: MakeTrace, with_cell: WithCell) -> None:
    step = "blocks.1.attn.mask"
    wrong = with_cell(gpt_trace(), step, (1, 3), 0.0)
    assert failed(verify(wrong)) == {step, "blocks.1.attn.pattern"}
    (check,) = (each for each in verify(wrong) if each.step == step)
    assert check.max_error == np.inf


def test_attention_paid_to_a_hidden_token_is_found(gpt_trace: MakeTrace, with_cell: WithCell) -> None:
    wrong = with_cell(gpt_trace(), "blocks.0.attn.pattern", (0, 1, 3), 1e-6)
    assert "blocks.0.attn.pattern" in failed(verify(wrong))


def test_rows_of_attention_and_of_probabilities_are_summed(gpt_trace: MakeTrace) -> None:
    trace = gpt_trace()
    checks = [check for check in verify(trace) if "sums to 1" in check.formula]
    assert {check.step for check in checks} == {"blocks.0.attn.pattern", "blocks.1.attn.pattern", "probs"}
    doubled = replace(trace, steps={**trace.steps, "probs": [trace["probs"] * 2]}, anatomy=None)
    sums = [check for check in verify(doubled) if check.formula == "each row of probs sums to 1"]
    assert sums[0].ok is False
    assert sums[0].max_error == pytest.approx(1.0, abs=1e-6)


def test_a_wrong_number_that_is_not_a_number_is_found(gpt_trace: MakeTrace, with_cell: WithCell) -> None:
    wrong = with_cell(gpt_trace(), "logits", (0, 0), float("nan"))
    (check,) = (each for each in verify(wrong) if each.step == "logits")
    assert check.ok is False
    assert check.max_error == np.inf


def test_edited_steps_are_reported_and_what_follows_from_them_still_holds(gpt_trace: MakeTrace) -> None:
    step = "blocks.0.attn.pattern"
    trace = gpt_trace(edits={step: torch.zeros_like})
    checks = verify(trace)
    edited = [check for check in checks if check.step == step]
    assert [check.ok for check in edited] == [None, None]
    assert all("edited" in check.reason for check in edited)
    assert all(check.ok for check in checks if check.step != step)


def test_what_the_budget_dropped_is_reported_with_all_that_needs_it(gpt_trace: MakeTrace) -> None:
    trace = gpt_trace(budget=1500)
    assert trace.dropped
    checks = verify(trace)
    assert set(trace.steps) | set(trace.dropped) == {check.step for check in checks}
    for check in checks:
        assert check.ok or (check.ok is None and "shorten the text" in check.reason)
    assert all(check.ok is None for check in checks if check.step in trace.dropped)


def test_a_saved_trace_without_weights_still_checks_what_needs_none(gpt_trace: MakeTrace, tmp_path: Any) -> None:
    gpt_trace().save(tmp_path / "trace.safetensors")
    checks = verify(Trace.load(tmp_path / "trace.safetensors"))
    assert {check.ok for check in checks} == {True, None}
    by_step = {check.step: check for check in checks}
    assert by_step["blocks.0.attn.z"].ok
    assert by_step["blocks.0.norm1"].ok is None
    assert "weights" in by_step["blocks.0.norm1"].reason


def test_a_saved_trace_with_its_weights_holds_like_the_first(gpt_trace: MakeTrace, tmp_path: Any) -> None:
    trace = gpt_trace()
    trace.save(tmp_path / "trace.safetensors")
    assert verify(Trace.load(tmp_path / "trace.safetensors", trace.params)) == verify(trace)


def test_a_second_call_is_checked_against_the_second_call_of_its_inputs(gpt_trace: MakeTrace) -> None:
    first, second = gpt_trace(ids=[1, 2, 3]), gpt_trace(ids=[4, 5, 6])
    z = "blocks.0.attn.z"
    steps = {name: [first[name], second[name]] for name in ("blocks.0.attn.pattern", "blocks.0.attn.v", z)}
    checks = [check for check in verify(replace(first, steps=steps)) if check.step.startswith(z)]
    assert [(check.step, check.ok) for check in checks] == [(z, True), (f"{z}#1", True)]
    swapped = verify(replace(first, steps={**steps, z: [first[z], first[z]]}))
    assert f"{z}#1" in failed(swapped)
    assert z not in failed(swapped)


def test_calls_that_cannot_be_paired_are_said_to_be(gpt_trace: MakeTrace) -> None:
    trace = gpt_trace()
    steps = {**trace.steps, "blocks.0.norm1": trace.steps["blocks.0.norm1"] * 2}
    checks = [each for each in verify(replace(trace, steps=steps)) if each.step.startswith("blocks.0.norm1")]
    assert [check.ok for check in checks] == [None, None]
    assert "computed 2 times" in checks[0].reason


def test_inputs_that_do_not_fit_fail_with_both_shapes(gpt_trace: MakeTrace) -> None:
    trace = gpt_trace()
    cropped = replace(trace, steps={**trace.steps, "final_norm": [trace["final_norm"][:, :3]]})
    by_step = {check.step: check for check in verify(cropped)}
    assert by_step["final_norm"].ok is False
    assert "(5, 3)" in by_step["final_norm"].reason
    assert by_step["logits"].ok is False


def test_a_mask_of_lowest_floats_counts_as_hidden(gpt_trace: MakeTrace) -> None:
    trace = gpt_trace()
    mask = trace["blocks.0.attn.mask"]
    lowest = np.where(np.isinf(mask), np.finfo(np.float32).min, mask)
    trace = replace(trace, steps={**trace.steps, "blocks.0.attn.mask": [lowest]})
    assert all(check.ok for check in verify(trace))


def test_native_modules_are_named_as_closed(gpt_trace: MakeTrace) -> None:
    trace = replace(gpt_trace(), steps={"encoder.layers.3": [np.zeros((5, 4), dtype=np.float32)]})
    (check,) = verify(trace)
    assert check.ok is None
    assert "record(" in check.reason
