"""How a component's data travels: one run of bytes, a JSON head and then the arrays as they are.

Streamlit sends bytes untouched when they are the whole of `data=`; inside a dictionary they would be
written out as text, and a list of numbers costs ten times the time. `common.js` reads this format:

    8 bytes   length of the head (4 bytes, little-endian), then 4 zero bytes
    head      JSON in UTF-8, padded with spaces to a multiple of 8; `arrays` says where each one lies
    arrays    little-endian, each padded to a multiple of 8
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES = {"f": "<f4", "i": "<i4", "u": "|u1", "b": "|u1"}


def pack(head: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of a head and its arrays.

    Floats become float32 (float64 stays as it is), signed integers int32, small unsigned ones bytes.
    """
    table, chunks, offset = {}, [], 0
    for name, array in arrays.items():
        plain = np.ascontiguousarray(array, dtype=_wire_type(np.asarray(array)))
        raw = _padded(plain.tobytes(), b"\0")
        table[name] = {"type": plain.dtype.str[1:], "shape": list(plain.shape), "offset": offset}
        chunks.append(raw)
        offset += len(raw)
    text = json.dumps(plain_json({**head, "arrays": table}), ensure_ascii=False, allow_nan=False)
    start = _padded(text.encode(errors="replace"), b" ")
    return b"".join([len(start).to_bytes(4, "little"), b"\0\0\0\0", start, *chunks])


def plain_json(value: Any) -> Any:
    """`value` with NumPy scalars made plain and numbers that JSON cannot write (NaN, ∞) made None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): plain_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(each) for each in value]
    return value


def _wire_type(array: NDArray[Any]) -> str:
    if array.dtype == np.float64:
        return "<f8"
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        return "<i4"
    return _TYPES[array.dtype.kind]


def _padded(raw: bytes, filler: bytes) -> bytes:
    return raw + filler * (-len(raw) % 8)
