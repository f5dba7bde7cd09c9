"""The bytes that carry a component's data, read back by hand: `json` and `np.frombuffer`, not our own reader."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.components.bundle import pack, plain_json

TYPES = {"f4": np.float32, "f8": np.float64, "i4": np.int32, "u1": np.uint8}


def unpack(raw: bytes):
    """The head and the arrays, by the format's description."""
    length = int.from_bytes(raw[:4], "little")
    head = json.loads(raw[8 : 8 + length].decode(), parse_constant=pytest.fail)
    start = 8 + length
    arrays = {}
    for name, at in head.pop("arrays").items():
        flat = np.frombuffer(raw, TYPES[at["type"]], int(np.prod(at["shape"])), start + at["offset"])
        arrays[name] = flat.reshape(at["shape"])
    return head, arrays, start


def test_arrays_come_back_exactly_with_infinities_and_their_shapes():
    given_arrays = {
        "a": np.array([[1.5, -np.inf], [np.nan, 0.1]], np.float32),
        "b": np.array([1 / 3]),
        "ids": np.array([5, 150_000]),
        "empty": np.zeros((0, 3), np.float32),
        "flags": np.array([True, False]),
    }
    _, arrays, _ = unpack(pack({}, given_arrays))
    for name, array in given_arrays.items():
        np.testing.assert_array_equal(arrays[name], array)
    assert arrays["b"].dtype == np.float64
    assert arrays["ids"].dtype == np.int32


def test_half_precision_is_widened_without_loss():
    half = np.array([0.1, -3.25], np.float16)
    _, arrays, _ = unpack(pack({}, {"a": half}))
    np.testing.assert_array_equal(arrays["a"], half.astype(np.float32))


@given(st.text(), st.integers(0, 9))
def test_every_array_starts_at_a_multiple_of_eight(text, count):
    raw = pack({"text": text}, {"bytes": np.zeros(count, np.uint8), "wide": np.arange(3.0)})
    head, arrays, start = unpack(raw)
    assert start % 8 == 0
    assert len(raw) % 8 == 0
    assert head["text"] == text
    np.testing.assert_array_equal(arrays["wide"], [0, 1, 2])


def test_numpy_scalars_become_plain_and_what_json_cannot_write_becomes_null():
    plain = plain_json({"n": np.int64(3), "x": np.float32(0.5), "bad": float("nan"), "list": [np.inf, (1, "a")]})
    assert plain == {"n": 3, "x": 0.5, "bad": None, "list": [None, [1, "a"]]}
    assert type(plain["n"]) is int
