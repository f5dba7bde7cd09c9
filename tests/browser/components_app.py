"""The app that `test_components.py` drives: every component with small, hand-made numbers.

Imported by the test for the same numbers; run by Streamlit, it draws the component that `?show=` names.
"""

from __future__ import annotations

import math

import numpy as np

from zoo.trace.sheet import Sheet

TOKENS = [" a", "cat", ",\n", "<b>sat</b>"]
T, WIDTH, HEADS, SIZE = 4, 12, 2, 3


def _random(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


X = _random(1, T, WIDTH, seed=0)
W = _random(HEADS, WIDTH, SIZE, seed=1)
BIAS = _random(HEADS, SIZE, seed=2)
Q = X @ W + BIAS[:, None]
SCORES = _random(HEADS, T, T, seed=3)
MASK = np.triu(np.full((T, T), -np.inf, np.float32), 1)
EXP = np.exp((SCORES + MASK).astype(np.float64) - (SCORES + MASK).max(-1, keepdims=True))
WX, WH = _random(1, WIDTH, SIZE, seed=6), _random(1, WIDTH, SIZE, seed=7)
BX, BH = _random(1, SIZE, seed=8), _random(1, SIZE, seed=9)
GATED = 1 / (1 + np.exp(-_random(1, T, SIZE, seed=10)))
V = _random(1, WIDTH, seed=11)
FALSE = np.zeros_like(X)
FALSE[0, 1, 2] = 0.01
PATTERN = (EXP / EXP.sum(-1, keepdims=True)).astype(np.float32)


def _sheet(step: str, kind: str, values: np.ndarray, names: list[str], **more: object) -> Sheet:
    labels = [f"head {n}" for n in range(len(values))] if len(values) > 1 else [""]
    settled = {"columns": len(names), "error": 1e-7, **more}
    return Sheet(
        step=step, title=step, about="", kind=kind, values=values.astype(np.float32), row_labels=TOKENS,
        column_labels=names, layer_labels=labels, row_axis="row = the token", column_axis="column = a number",
        **{"formula": step, **settled},
    )  # fmt: skip


def sheets() -> dict[str, Sheet]:
    """One sheet of each kind, its values made by NumPy from its operands."""
    three = ["0", "1", "2"]
    mean, std = X.mean(-1), np.sqrt(X.var(-1) + 1e-5)
    scaled = {"max": (SCORES + MASK).max(-1), "sum": EXP.sum(-1)}
    gelu = np.vectorize(lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))))
    angle = np.arange(T)[:, None] * np.array([1.0, 0.1, 0.01])
    found = [
        _sheet("dot", "dot", Q * 0.5 + BIAS[:, None] * 0.5, three, operands={"a": X, "b": W, "bias": BIAS},
               constants={"scale": 0.5}, operand_names={"a": "norm1", "b": "W_Q", "bias": "b_Q"}),
        _sheet("pattern", "softmax", PATTERN, TOKENS, operands={"x": SCORES, "mask": MASK, **scaled},
               operand_names={"x": "scores"}),
        _sheet("masked", "add", SCORES + MASK, TOKENS, operands={"part0": SCORES, "part1": MASK[None]}),
        _sheet("norm", "norm", (X - mean[..., None]) / std[..., None] * 2 + 1, [str(c) for c in range(WIDTH)],
               operands={"x": X, "mean": mean, "std": std, "weight": np.full((1, WIDTH), 2.0),
                         "bias": np.ones((1, WIDTH))}, columns=99),
        _sheet("act", "map", gelu(Q), three, operands={"x": Q}, constants={"function": "gelu"}),
        _sheet("turned", "rotate", Q * np.cos(angle) + Q[..., ::-1] * np.sin(angle), three,
               operands={"x": Q, "pair": Q[..., ::-1], "cos": np.cos(angle), "sin": np.sin(angle)}),
        _sheet("table", "lookup", X, [str(c) for c in range(WIDTH)], operands={"ids": np.arange(T), "weight": X}),
        _sheet("mask", "mask", MASK[None], TOKENS, operands={"query": np.arange(T), "key": np.arange(T)},
               constants={"rule": "causal"}),
        _sheet("gate", "gate", np.tanh(X @ WX + BX + GATED * (X @ WH + BH)), three, constants={"function": "tanh"},
               operands={"x": X, "W_x": WX, "h": X, "W_h": WH, "bias": BX, "reset": GATED, "h_bias": BH}),
        _sheet("mixed", "mix", Q[:1] * GATED + X[..., :3] * (1 - GATED), three, constants={"function": "identity"},
               operands={"part0": Q[:1], "share0": GATED, "part1": X[..., :3], "share1": 1 - GATED}),
        _sheet("chance", "mix", np.log(GATED * 0.25), three, constants={"function": "log"},
               operands={"part0": GATED, "share0": np.full_like(GATED, 0.25)}),
        _sheet("compared", "compare", np.tanh(X[:, :, None] + X[:, None]) @ V[0], TOKENS,
               operands={"a": X, "b": X, "v": V}),
        _sheet("falsified", "add", X + FALSE, [str(c) for c in range(WIDTH)], operands={"part0": X}),
        _sheet("closed", "opaque", X, [str(c) for c in range(WIDTH)], error=None, reason="Computed inside, not shown."),
    ]  # fmt: skip
    return {sheet.step: sheet for sheet in found}


def large() -> Sheet:
    """More cells than are built at once."""
    labels = [f"t{n}" for n in range(80)]
    values = _random(1, 80, 80, seed=5)
    return Sheet(
        step="large", title="large", about="", kind="input", formula="", values=values, row_axis="", column_axis="",
        row_labels=labels, column_labels=labels, layer_labels=[""], columns=80,
    )  # fmt: skip


def steps() -> list[dict[str, object]]:
    """Two blocks of a spine."""
    inside = [("attn.q", "Query", "branch"), ("resid_mid", "Middle", "stream"), ("mlp.out", "Output", "branch")]
    blocks = [
        {"id": f"blocks.{n}.{name}", "title": title, "kind": kind, "block": n, "note": f"{n}.5", "missing": n == 1}
        for n in range(2)
        for name, title, kind in inside
    ]
    return [{"id": "embed.out", "title": "Embedding", "kind": "input", "block": None, "note": "1.00"}, *blocks]


CUT = "The cats\nsat: \u4f60\u200d \u00e9\u00a0\0 <b>The</b>"
KINDS = ("byte", "word", "wordpiece")


def cuts() -> list[object]:
    """A text in the tokens of three tokenizers, and a column that failed."""
    from playground.components.columns import Shown
    from zoo.tokenizers import train_tokenizer
    from zoo.tokenizers.cut import cut

    corpus = ["The cat sat: cats sat. The e b"] * 3
    found = [Shown(kind, f"kind {kind}", cut(train_tokenizer(kind, corpus, 300), text=CUT)) for kind in KINDS]
    return [*found, Shown("lost", "lost", None, "It did not <i>answer</i>.")]


def columns() -> object:
    """The columns; answers with the token that was chosen, or with how often more was asked for."""
    import streamlit as st

    from playground.components.columns import token_columns

    def select(column: str, at: int) -> None:
        st.session_state["answer"] = (column, at)

    def more() -> None:
        st.session_state["answer"] = "more"

    answer = st.session_state.get("answer")
    selected = answer if isinstance(answer, tuple) else None
    token_columns(CUT, cuts(), key="t", selected=selected, more=7, on_select=select, on_more=more)
    return answer


def main() -> None:
    """Draw what the address asks for, and say how often the script has run."""
    import streamlit as st

    from playground.components.chips import token_chips
    from playground.components.heads import head_grid
    from playground.components.matrix import matrix
    from playground.components.spine import spine

    runs = st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    show = st.query_params["show"]
    start = 1 if st.button("other start") else 0
    if show == "chips":
        answer: object = token_chips(TOKENS, [7, 8, 9, 10], selected=start, key="c", new_from=3)
    elif show == "heads":
        answer = head_grid(np.stack([PATTERN, PATTERN[::-1]]), tokens=TOKENS, key="h", selected=None)
    elif show == "columns":
        answer = columns()
    elif show == "spine":
        answer = spine(steps(), selected="blocks.0.attn.q", key="s")
    else:
        answer = matrix(large() if show == "large" else sheets()[show], key="m")
    st.write(f"answer: `{answer}`, run: `{runs}`")


if __name__ == "__main__":
    main()
