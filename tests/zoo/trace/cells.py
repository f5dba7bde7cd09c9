"""A cell of a sheet worked out by the words of `zoo.trace.sheet.Kind`, in plain loops, as in the browser."""

from __future__ import annotations

import math
from collections.abc import Callable

from zoo.trace.sheet import Sheet


def at(sheet: Sheet, name: str, layer: int, *place: int) -> float:
    """An operand's number as the browser reads it: a single layer serves all, an axis may be left out."""
    array = sheet.operands[name]
    if array.ndim > len(place):
        array = array[min(layer, len(array) - 1)]
    return float(array[place])


def worked(s: Sheet, h: int, r: int, c: int) -> float:
    """One cell by the words of `zoo.trace.sheet.Kind`, with nothing but its operands."""
    match s.kind:
        case "lookup":
            return at(s, "weight", h, r, c)
        case "add":
            return sum(at(s, name, h, r, c) for name in s.operands)
        case "norm":
            value = (at(s, "x", h, r, c) - at(s, "mean", h, r)) / at(s, "std", h, r)
            value *= at(s, "weight", h, c) if "weight" in s.operands else 1.0
            return value + (at(s, "bias", h, c) if "bias" in s.operands else 0.0)
        case "dot":
            n = s.operands["a"].shape[2]
            value = sum(at(s, "a", h, r, j) * at(s, "b", h, j, c) for j in range(n))
            return value * float(s.constants["scale"]) + (at(s, "bias", h, c) if "bias" in s.operands else 0.0)
        case "softmax":
            exponent = at(s, "x", h, r, c) + (at(s, "mask", h, r, c) if "mask" in s.operands else 0.0)
            return math.exp(exponent - at(s, "max", h, r)) / at(s, "sum", h, r)
        case "map":
            return FUNCTIONS[str(s.constants["function"])](at(s, "x", h, r, c)) * (
                at(s, "gate", h, r, c) if "gate" in s.operands else 1.0
            )
        case "rotate":
            x, pair = at(s, "x", h, r, c), at(s, "pair", h, r, c)
            return x * at(s, "cos", h, r, c) + pair * at(s, "sin", h, r, c)
        case "mask":
            hidden = s.constants["rule"] == "causal" and at(s, "key", h, c) > at(s, "query", h, r)
            return -math.inf if hidden else 0.0
        case "gate":
            own = at(s, "h_bias", h, c) if "h_bias" in s.operands else 0.0
            own += sum(at(s, "h", h, r, j) * at(s, "W_h", h, j, c) for j in range(s.operands["h"].shape[2]))
            own *= at(s, "reset", h, r, c) if "reset" in s.operands else 1.0
            value = sum(at(s, "x", h, r, j) * at(s, "W_x", h, j, c) for j in range(s.operands["x"].shape[2]))
            value += at(s, "bias", h, c) if "bias" in s.operands else 0.0
            return FUNCTIONS[str(s.constants["function"])](value + own)
        case "mix":
            parts = [name.removeprefix("part") for name in s.operands if name.startswith("part")]
            value = sum(at(s, f"part{n}", h, r, c) * at(s, f"share{n}", h, r, c) for n in parts)
            return FUNCTIONS[str(s.constants["function"])](value)
        case "compare":
            n = s.operands["v"].shape[1]
            return sum(at(s, "v", h, j) * math.tanh(at(s, "a", h, r, j) + at(s, "b", h, c, j)) for j in range(n))
    raise AssertionError(f"{s.step} is {s.kind}: {s.reason}")


FUNCTIONS: dict[str, Callable[[float], float]] = {
    "gelu": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x: x * 0.5 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "relu": lambda x: max(0.0, x),
    "relu_squared": lambda x: max(0.0, x) ** 2,
    "sin": math.sin,
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "identity": lambda x: x,
    "log": math.log,
}
