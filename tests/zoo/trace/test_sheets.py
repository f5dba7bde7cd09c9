"""A sheet carries all that its cells are made of: each is recomputed here from the operands alone, in plain loops."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.zoo.trace.cells import worked
from zoo.trace.sheet import Sheet
from zoo.trace.sheets import sheet
from zoo.trace.trace import Trace

MakeTrace = Callable[..., Trace]


def assert_opens(s: Sheet) -> None:
    assert s.error is not None
    assert s.error < 1e-4
    for place in np.ndindex(*s.values.shape):
        shown = float(s.values[place])
        assert worked(s, *place) == pytest.approx(shown, rel=1e-4, abs=1e-4), (s.step, place)


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary"])
def test_every_cell_of_a_gpt_follows_from_its_operands(gpt_trace: MakeTrace, positions: str) -> None:
    trace = gpt_trace(ids=[3, 1, 4], blocks=1, positions=positions)
    kinds = {step: sheet(trace, step).kind for step in trace.steps}
    assert set(kinds.values()) >= {"lookup", "add", "norm", "dot", "softmax", "map", "mask"}
    for step in trace.steps:
        assert_opens(sheet(trace, step, first_column=1, columns=3))


def test_every_cell_with_shared_heads_and_gates_follows_from_its_operands(torch_trace: MakeTrace) -> None:
    trace = torch_trace(ids=[3, 1, 4], blocks=1)
    for step in trace.steps:
        assert_opens(sheet(trace, step, first_column=1, columns=2))


@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_every_cell_of_other_activations_and_norms(torch_trace: MakeTrace, activation: str) -> None:
    options = {"activation": activation, "gated": False, "norm": "layer_norm", "causal": False, "positions": "none"}
    trace = torch_trace(ids=[3, 1], blocks=1, **options)
    for step in trace.steps:
        assert_opens(sheet(trace, step, columns=2))


def test_arrays_are_small_floats_side_by_side_and_the_rest_is_json(torch_trace: MakeTrace) -> None:
    trace = torch_trace()
    for step in trace.steps:
        s = sheet(trace, step)
        for array in (s.values, *s.operands.values()):
            assert array.dtype == np.float32
            assert array.flags["C_CONTIGUOUS"]
            assert step.endswith(("mask", "pattern")) or np.isfinite(array).all()
        assert not any(name.startswith("_") for name in s.operands)
        assert set(s.operands) <= set(s.operand_names)
        plain = [s.constants, s.operand_names, s.row_labels, s.column_labels, s.layer_labels, s.columns, s.error]
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert s.values.shape == (len(s.layer_labels), len(s.row_labels), len(s.column_labels))


def test_attention_is_labelled_by_its_tokens(gpt_trace: MakeTrace) -> None:
    s = sheet(replace(gpt_trace(ids=[3, 1, 4]), tokens=["the", " cat", " sat"]), "blocks.0.attn.pattern")
    assert (s.row_labels, s.column_labels) == (["the", " cat", " sat"], ["the", " cat", " sat"])
    assert (s.row_axis, s.column_axis) == ("row = the token that looks", "column = the token looked at")
    assert s.layer_labels == ["head 0", "head 1"]
    assert s.title == "Attention pattern"


def test_vectors_are_labelled_by_token_and_number(gpt_trace: MakeTrace) -> None:
    s = sheet(gpt_trace(ids=[3, 1, 4]), "embed.out", first_column=6, columns=32)
    assert (s.row_labels, s.column_labels) == (["t3", "t1", "t4"], ["6", "7"])
    assert (s.row_axis, s.column_axis) == ("row = the token", "column = one of 8 numbers")
    assert (s.layer_labels, s.columns, s.first_column) == ([""], 8, 6)


def test_shared_heads_are_called_so(torch_trace: MakeTrace) -> None:
    trace = torch_trace()
    assert sheet(trace, "blocks.0.attn.k").layer_labels == ["key/value head 0", "key/value head 1"]
    assert sheet(trace, "blocks.0.attn.q").layer_labels == [f"head {n}" for n in range(4)]


def test_chosen_words_of_the_vocabulary_keep_the_whole_vocabularys_sum(gpt_trace: MakeTrace) -> None:
    trace = gpt_trace(vocab=200)
    top = [int(n) for n in np.argsort(-trace["probs"][-1])[:4]]
    pieces = [f"piece {n}" for n in range(200)]
    s = sheet(trace, "probs", column_ids=top, vocab_pieces=pieces)
    np.testing.assert_array_equal(s.values[0], trace["probs"][:, top])
    assert s.column_labels == [f"piece {n}" for n in top]
    assert (s.column_ids, s.columns) == (top, 200)
    logits = torch.tensor(trace["logits"][-1], dtype=torch.float64)
    assert float(s.operands["sum"][0, -1]) == pytest.approx((logits - logits.max()).exp().sum().item(), rel=1e-6)
    assert_opens(s)
    assert_opens(sheet(trace, "logits", column_ids=top))


def test_the_error_is_that_of_the_whole_step(gpt_trace: MakeTrace, with_cell: Callable[..., Trace]) -> None:
    wrong = with_cell(gpt_trace(), "logits", (0, 12), 99.0)
    s = sheet(wrong, "logits", columns=3)
    assert s.error is not None
    assert s.error > 50


def test_operands_are_the_steps_own_numbers_under_their_names(gpt_trace: MakeTrace) -> None:
    trace = gpt_trace()
    s = sheet(trace, "blocks.0.attn.q", first_column=1)
    assert s.operand_names == {"a": "norm1", "b": "W_Q", "bias": "b_Q"}
    np.testing.assert_array_equal(s.operands["a"][0], trace["blocks.0.norm1"])
    W_Q = trace.params["blocks.0.attn.W_Q"][:, 4:]  # head 1 of width 4
    np.testing.assert_array_equal(s.operands["b"][1], W_Q[:, 1:])


def test_keys_that_heads_share_are_those_of_the_right_head(torch_trace: MakeTrace) -> None:
    trace = torch_trace()
    s = sheet(trace, "blocks.0.attn.scores")
    assert s.operand_names["b"] == "k_rot"
    np.testing.assert_array_equal(s.operands["b"][3], trace["blocks.0.attn.k_rot"][1].T)


def test_a_hidden_cell_is_minus_infinity_and_opens_as_that(gpt_trace: MakeTrace) -> None:
    s = sheet(gpt_trace(), "blocks.0.attn.mask")
    assert worked(s, 0, 0, 3) == s.values[0, 0, 3] == -math.inf
    pattern = sheet(gpt_trace(), "blocks.0.attn.pattern")
    assert worked(pattern, 0, 0, 3) == pattern.values[0, 0, 3] == 0.0


def test_closed_steps_are_shown_with_their_reason(gpt_trace: MakeTrace) -> None:
    trace = gpt_trace()
    steps = {"layers.0": [np.ones((5, 3), dtype=np.float32)], "state": [np.ones(4, dtype=np.float32)]}
    for step, shape in (("layers.0", (1, 5, 3)), ("state", (1, 1, 4))):
        s = sheet(replace(trace, steps=steps), step)
        assert (s.kind, s.values.shape, s.error, dict(s.operands)) == ("opaque", shape, None, {})
        assert "record(" in s.reason


def test_an_edited_step_is_given_not_computed(gpt_trace: MakeTrace) -> None:
    s = sheet(gpt_trace(edits={"blocks.0.attn.z": torch.zeros_like}), "blocks.0.attn.z")
    assert (s.kind, s.error) == ("input", None)
    assert "edited" in s.reason


def test_inputs_that_do_not_fit_close_the_step(gpt_trace: MakeTrace) -> None:
    trace = gpt_trace()
    cropped = replace(trace, steps={**trace.steps, "final_norm": [trace["final_norm"][:, :3]]})
    s = sheet(cropped, "logits")
    assert s.kind == "opaque"
    assert "do not fit" in s.reason


def test_a_second_call_is_shown_with_its_own_operands(gpt_trace: MakeTrace) -> None:
    first, second = gpt_trace(ids=[1, 2, 3]), gpt_trace(ids=[4, 5, 6])
    both = replace(first, steps={name: [first[name], second[name]] for name in ("logits", "probs")})
    s = sheet(both, "probs", call=1)
    np.testing.assert_array_equal(s.values[0], second["probs"])
    assert_opens(s)


@pytest.mark.parametrize(
    ("step", "options", "message"),
    [
        ("blocks.7.resid", {}, "recorded 0 times"),
        ("logits", {"call": 1}, "no call 1"),
        ("logits", {"first_column": 13}, "columns 0 to 12"),
        ("logits", {"columns": 0}, "columns 0 to 12"),
        ("logits", {"column_ids": [13]}, "columns 0 to 12"),
    ],
)
def test_what_is_not_there_is_one_clear_error(
    gpt_trace: MakeTrace, step: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sheet(gpt_trace(), step, **options)  # type: ignore[arg-type]


def test_a_dropped_step_says_to_shorten_the_text(gpt_trace: MakeTrace) -> None:
    trace = gpt_trace(budget=1500)
    dropped = next(step for step in trace.dropped if step not in trace)
    with pytest.raises(ValueError, match="shorten the text"):
        sheet(trace, dropped)
