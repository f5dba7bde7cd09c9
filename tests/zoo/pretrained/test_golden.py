"""What we record against what the library computes with its own eager attention."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from zoo.pretrained.huggingface import Pretrained
from zoo.trace.record import record_trace

CLOSE = {"rtol": 0.0, "atol": 1e-5}


@pytest.fixture
def ids(loaded: Pretrained) -> Tensor:
    return torch.randint(0, 270, (1, 11), generator=torch.Generator().manual_seed(1))


def eager(folder: Path) -> torch.nn.Module:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


@torch.no_grad()
def test_steps_equal_eager_attention(folder: Path, loaded: Pretrained, ids: Tensor) -> None:
    reference = eager(folder)(ids, output_attentions=True, output_hidden_states=True)
    recording = record_trace(loaded.module, ids, names=loaded.names)
    steps = {name: calls[0] for name, calls in recording.steps.items()}
    torch.testing.assert_close(recording.output, reference.logits, **CLOSE)
    torch.testing.assert_close(steps["logits"], reference.logits, **CLOSE)
    for i, pattern in enumerate(reference.attentions):
        torch.testing.assert_close(steps[f"blocks.{i}.attn.pattern"], pattern, **CLOSE)
    last = loaded.anatomy.blocks
    streams = ["embed.out", *(f"blocks.{i}.resid" for i in range(last - 1)), "final_norm"]
    assert len(reference.hidden_states) == last + 1 == len(streams)
    for name, hidden in zip(streams, reference.hidden_states, strict=True):
        torch.testing.assert_close(steps[name], hidden, **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize("time", [1, 2, 24])
def test_plain_forward_equals_eager_attention(folder: Path, loaded: Pretrained, time: int) -> None:
    ids = torch.arange(3, 3 + time)[None]
    torch.testing.assert_close(loaded.module(ids), eager(folder)(ids).logits, **CLOSE)


@torch.no_grad()
def test_tracing_changes_nothing(loaded: Pretrained, ids: Tensor) -> None:
    plain = loaded.module(ids)
    traced = record_trace(loaded.module, ids, names=loaded.names).output
    assert torch.equal(plain, traced)
    assert torch.equal(plain, loaded.module(ids))


@torch.no_grad()
def test_the_future_changes_nothing(loaded: Pretrained, ids: Tensor) -> None:
    changed = ids.clone()
    changed[0, 6:] = (changed[0, 6:] + 1) % 270
    before, after = loaded.module(ids), loaded.module(changed)
    torch.testing.assert_close(before[0, :6], after[0, :6], **CLOSE)
    assert not torch.allclose(before[0, 6:], after[0, 6:])


def test_each_step_is_recorded_once_under_a_schema_name(loaded: Pretrained, ids: Tensor) -> None:
    from zoo.trace.schema import SCHEMA, entry

    recording = record_trace(loaded.module, ids, names=loaded.names)
    rotary = loaded.anatomy.positions == "rotary"
    absent = {"embed.prev", "embed.pos"} if rotary else {"embed.prev"}
    for i in range(loaded.anatomy.blocks):
        absent |= {f"blocks.{i}.attn.q_norm", f"blocks.{i}.attn.k_norm"}
        absent |= set() if rotary else {f"blocks.{i}.attn.q_rot", f"blocks.{i}.attn.k_rot", f"blocks.{i}.mlp.up"}
    frame = [e.name for e in SCHEMA if not e.name.startswith(("blocks.", "cell.", "probs"))]
    block = [e.name for e in SCHEMA if e.name.startswith("blocks.")]
    expected = {*frame, *(name.format(i=i) for i in range(loaded.anatomy.blocks) for name in block)} - absent
    assert set(recording.steps) == expected
    assert not recording.dropped
    for name, calls in recording.steps.items():
        found = entry(name)
        assert found is not None
        assert len(calls) == 1
        assert calls[0][0].ndim == len(found.dims) or calls[0].ndim == len(found.dims)
