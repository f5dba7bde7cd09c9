"""The logit lens: at the last block it is the model's own prediction; before, torch's norm and head on the stream."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from zoo.trace.lens import logit_lens
from zoo.trace.trace import Trace

POSITIONS = ["learned", "sinusoidal", "rotary", "none"]


def read_out(trace: Trace, stream: str, row: int) -> torch.Tensor:
    """(vocab,) probabilities: torch's own norm, then the output layer, on one row of a recorded stream."""
    params = {name: torch.from_numpy(np.array(value)).double() for name, value in trace.params.items()}
    x, weight = torch.from_numpy(trace[stream][row]).double(), params["final_norm.weight"]
    assert trace.anatomy is not None
    if trace.anatomy.norm == "rms_norm":
        normed = F.rms_norm(x, x.shape, weight, trace.anatomy.norm_eps)
    else:
        normed = F.layer_norm(x, x.shape, weight, params["final_norm.bias"], trace.anatomy.norm_eps)
    return (normed @ params["unembed.W_U"]).softmax(-1)


@pytest.fixture(params=[*POSITIONS, "torch", "torch, layer norm"])
def trace(request, gpt_trace, torch_trace) -> Trace:
    """zoo/gpt with each kind of positions, and transformers put together from torch's functions."""
    if request.param in POSITIONS:
        return gpt_trace(positions=request.param, blocks=3)
    return torch_trace() if request.param == "torch" else torch_trace(norm="layer_norm", positions="learned")


def test_there_is_a_reading_for_the_embedding_and_for_each_block_in_order(trace):
    expected = ["embed.out", *(f"blocks.{i}.resid" for i in range(trace.blocks))]
    assert [each.step for each in logit_lens(trace, 2)] == expected


def test_the_last_reading_is_the_models_own_prediction(trace):
    for row in range(len(trace.ids)):
        last = logit_lens(trace, row)[-1]
        assert last.id == int(trace["probs"][row].argmax())
        assert last.prob == pytest.approx(float(trace["probs"][row].max()), rel=1e-4)


def test_every_reading_is_torchs_norm_and_head_on_the_stream(trace):
    for row in range(len(trace.ids)):
        for reading in logit_lens(trace, row):
            probs = read_out(trace, reading.step, row)
            assert reading.id == int(probs.argmax())
            assert reading.prob == pytest.approx(float(probs.max()), rel=1e-9)


def test_readings_change_on_the_way(gpt_trace):
    readings = logit_lens(gpt_trace(blocks=3), 4)
    assert len({(each.id, round(each.prob, 6)) for each in readings}) == 4


def test_a_switched_off_part_moves_only_the_readings_after_it(gpt_trace):
    whole, edited = gpt_trace(blocks=3), gpt_trace(blocks=3, edits={"blocks.1.attn.out": torch.zeros_like})
    before, after = logit_lens(whole, 3), logit_lens(edited, 3)
    assert before[:2] == after[:2]
    assert before[2] != after[2]
    assert after[-1].id == int(edited["probs"][3].argmax())


@pytest.mark.parametrize("lacking", ["unembed.W_U", "every weight", "anatomy"])
def test_without_the_weights_there_are_no_readings(gpt_trace, lacking):
    trace = gpt_trace()
    kept = {name: value for name, value in trace.params.items() if lacking == "unembed.W_U" and name != lacking}
    anatomy = None if lacking == "anatomy" else replace(trace.anatomy, params=kept)
    assert logit_lens(replace(trace, anatomy=anatomy), 0) == []


def test_without_a_final_norm_or_blocks_there_are_no_readings(gpt_trace):
    trace = gpt_trace()
    without = {name: calls for name, calls in trace.steps.items() if name != "final_norm"}
    assert logit_lens(replace(trace, steps=without), 0) == []
    without = {name: calls for name, calls in trace.steps.items() if not name.startswith("blocks.")}
    assert logit_lens(replace(trace, steps=without), 0) == []


@pytest.mark.parametrize("budget", [0, 500, 2000, 4000, 8000, 9000])
def test_streams_that_the_budget_dropped_are_left_out(gpt_trace, budget):
    whole, cut = logit_lens(gpt_trace(blocks=3), 1), logit_lens(gpt_trace(blocks=3, budget=budget), 1)
    assert set(cut) <= set(whole)
