"""A trace is saved and read back whole, without torch; anything else is refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from zoo.plugin import Anatomy
from zoo.trace import Trace


def trace(**changes: object) -> Trace:
    steps = {
        "embed.tok": [np.arange(6, dtype=np.float32).reshape(2, 3)],
        "blocks.0.attn.mask": [np.array([[0, -np.inf], [0, 0]], dtype=np.float32)],
        "rnn.cell.h": [np.full(3, t, dtype=np.float32) for t in range(12)],
        "blocks.1.resid": [np.arange(6, dtype=np.float32).reshape(3, 2).T],  # not contiguous
    }
    given = {"model": "zoo/gpt", "ids": [4, 2], "tokens": ["a", "\u00e9 "], "steps": steps} | changes
    return Trace(**given)


def test_a_saved_trace_comes_back_whole(tmp_path):
    anatomy = Anatomy(params={}, blocks=2, heads=1, kv_heads=1, head_dim=3, positions="rotary", extra={"note": "x"})
    before = trace(anatomy=anatomy, dropped={"logits": 99}, edited=frozenset({"embed.tok"}))
    before.save(tmp_path / "t.safetensors")
    after = Trace.load(tmp_path / "t.safetensors")
    assert list(after.steps) == list(before.steps)
    for name, calls in before.steps.items():
        assert len(after.steps[name]) == len(calls)
        assert all(np.array_equal(x, y) for x, y in zip(after.steps[name], calls, strict=True))
    for field in ("model", "ids", "tokens", "anatomy", "dropped", "edited"):
        assert getattr(after, field) == getattr(before, field)


def test_weights_are_left_out_of_the_file_and_handed_in_when_it_is_read(tmp_path):
    params = {"embed.W_E": np.ones((5, 3), dtype=np.float32)}
    before = trace(anatomy=Anatomy(params=params, blocks=2, heads=1, kv_heads=1, head_dim=3))
    before.save(tmp_path / "t")
    assert Trace.load(tmp_path / "t").params == {}
    assert Trace.load(tmp_path / "t", params).params is params


def test_a_trace_answers_for_its_steps():
    each = trace()
    assert "embed.tok" in each
    assert "logits" not in each
    assert each["rnn.cell.h"][0] == 0
    assert each.blocks == 2
    assert trace(steps={}).blocks == 0
    assert each.params == {}


def test_another_safetensors_file_is_refused(tmp_path):
    save_file({"x": np.ones(2, dtype=np.float32)}, tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match=r"weights\.safetensors is not a saved trace"):
        Trace.load(tmp_path / "weights.safetensors")


def test_a_file_that_is_no_safetensors_is_refused(tmp_path):
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(ValueError, match=r"note\.txt is not a saved trace"):
        Trace.load(tmp_path / "note.txt")
    with pytest.raises(ValueError, match=r"gone is not a saved trace"):
        Trace.load(tmp_path / "gone")


def test_traces_are_read_and_explained_without_torch():
    modules = ("schema", "trace", "sheet", "derive", "verify", "missing")
    program = f"import sys; {'; '.join(f'import zoo.trace.{name}' for name in modules)}; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
