"""One step of a trace as a page shows it: a matrix of cells, and the operands that make each cell.

A `Sheet` holds everything that is needed to open any of its cells: the component in the browser does
the same arithmetic that `recompute` does here, from the same arrays. NumPy only.

Every array has a leading "layer" axis: one layer for each head, or a single one where a step has no
heads (operands shared by all heads also have a single layer). H layers, R rows, C shown columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from zoo.trace.trace import Array

Kind = Literal[
    "input", "lookup", "add", "norm", "dot", "softmax", "map", "rotate", "mask", "gate", "mix", "compare", "opaque"
]
"""How a cell value[h, r, c] is made. Operands by kind (each name is a key of `Sheet.operands`):

- input:   nothing; the value is given.
- lookup:  `ids` (R,): row of a table of weights; `weight` (1, R, C): what stands there: the value.
- add:     `part0`, `part1`, … (1|H, R, C): their sum.
- norm:    `x` (1, R, C), `mean` (1, R), `std` (1, R) = √(variance + ε), `weight` (1, C), `bias` (1, C):
           (x − mean) / std · weight + bias. RMS norm has mean 0 and std = √(mean square + ε).
           `weight` and `bias` are left out where the model has none.
- dot:     `a` (1|H, R, n), `b` (1|H, n, C), `bias` (1|H, C), constant `scale`:
           scale · Σ_j a[r, j] · b[j, c] + bias[c].
- softmax: `x` (1|H, R, C), optional `mask` (R, C), `max` (1|H, R), `sum` (1|H, R) over *all* columns:
           exp(x + mask − max) / sum.
- map:     `x` (1, R, C), optional `gate` (1, R, C), constant `function`: function(x) · gate. The functions are
           gelu, gelu_tanh, silu, relu, relu_squared, tanh, and sin, whose `x` is then the angle of a sinusoidal
           position.
- rotate:  `x` (H, R, C), `pair` (H, R, C), `cos` (R, C), `sin` (R, C): x · cos + pair · sin
           (`pair` already carries its sign).
- mask:    `query` (R,), `key` (C,): positions; constant `rule`: "causal" gives −∞ where key > query,
           else 0; "all" gives 0 everywhere.
- gate:    `x` (1, R, n), `W_x` (1, n, C), `h` (1, R, m), `W_h` (1, m, C), optional `bias` (1, C), `reset` (1, R, C),
           `h_bias` (1, C), constant `function` (sigmoid, tanh):
           function(Σ_j x[r, j] · W_x[j, c] + bias[c] + reset · (Σ_j h[r, j] · W_h[j, c] + h_bias[c])).
- mix:     `part0`, `share0`, `part1`, `share1`, … (1, R, C), constant `function` (identity, log):
           function(part0 · share0 + part1 · share1 + …).
- compare: `a` (1, R, n), `b` (1, C, n), `v` (1, n): Σ_j v[j] · tanh(a[r, j] + b[c, j]) (Bahdanau et al. 2015).
- opaque:  nothing; `reason` says why the cell cannot be opened.
"""


@dataclass(frozen=True)
class Sheet:
    """A step as a stack of matrices with their operands."""

    step: str
    title: str
    about: str
    kind: Kind
    formula: str
    """The identity, with this model's own constants and weights: "q = norm1 · W_Q + b_Q"."""
    values: Array
    """(H, R, C) float32."""
    row_axis: str
    """A sentence: "row = the token that looks"."""
    column_axis: str
    row_labels: list[str]
    column_labels: list[str]
    layer_labels: list[str]
    """"head 0", "head 1", …; one empty label where there are no heads."""
    columns: int
    """How many columns the step has; `values` shows those from `first_column` on."""
    first_column: int = 0
    operands: Mapping[str, Array] = field(default_factory=dict)
    operand_names: Mapping[str, str] = field(default_factory=dict)
    """What to call an operand on the page: {"a": "norm1", "b": "W_Q", "bias": "b_Q"}."""
    constants: Mapping[str, float | str] = field(default_factory=dict)
    error: float | None = None
    """Largest |shown − recomputed in float64| over the *whole* step; None where it cannot be recomputed."""
    reason: str = ""
    column_ids: list[int] | None = None
    """Which of the step's columns are shown, where they were chosen one by one; None where they follow on."""
