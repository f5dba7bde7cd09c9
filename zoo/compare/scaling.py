"""How a cost grows with the length: the exponent on log-log paper, and where two lines cross. Plain arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence


def slope(lengths: Sequence[float], costs: Sequence[float], last: int = 4) -> float | None:
    """The exponent k of cost ~ length^k, by least squares of the logarithms over the `last` lengths.

    1: twice the text, twice the cost; 2: four times. None where fewer than two costs above zero are known.
    """
    points = [(math.log(x), math.log(y)) for x, y in zip(lengths, costs, strict=True) if x > 0 and y > 0][-last:]
    if len({x for x, _ in points}) < 2:
        return None
    mean_x, mean_y = (sum(each) / len(points) for each in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return float(sum((x - mean_x) * (y - mean_y) for x, y in points) / spread)


def crossings(lengths: Sequence[float], one: Sequence[float], other: Sequence[float]) -> list[float]:
    """The lengths at which two costs are equal, the lines being drawn straight on log-log paper, in order.

    A line that only touches the other and turns back counts as well.
    """
    gaps = [math.log(a / b) for a, b in zip(one, other, strict=True)]
    logs = [math.log(length) for length in lengths]
    found = [lengths[0]] if gaps and gaps[0] == 0 else []
    for i in range(1, len(gaps)):
        if gaps[i] == 0:
            found.append(lengths[i])
        elif gaps[i - 1] * gaps[i] < 0:
            share = gaps[i - 1] / (gaps[i - 1] - gaps[i])
            found.append(math.exp(logs[i - 1] + share * (logs[i] - logs[i - 1])))
    return [float(each) for each in found]
