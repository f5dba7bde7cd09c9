"""What a user takes along is the trace, whole."""

from __future__ import annotations

import numpy as np
from safetensors.numpy import load as read

from playground.views.export import as_bytes
from tests.playground.helpers import subject_of, tiny_gpt
from zoo.trace.trace import Trace


def test_the_download_holds_every_step_under_its_name():
    trace = subject_of(tiny_gpt()).trace
    tensors = read(as_bytes(trace))
    assert set(tensors) == set(trace.steps)
    for name, array in tensors.items():
        np.testing.assert_array_equal(array, trace[name])


def test_the_download_opens_as_a_trace(tmp_path):
    trace = subject_of(tiny_gpt(), added=[5, 6]).trace
    (tmp_path / "trace.safetensors").write_bytes(as_bytes(trace))
    again = Trace.load(tmp_path / "trace.safetensors")
    assert (again.model, again.ids, again.tokens) == (trace.model, trace.ids, trace.tokens)
    assert list(again.steps) == list(trace.steps)
