"""What the steps of all other models are made of: cells, seq2seq, BERT's head, and what only counts.

As in `zoo.trace.rules`: one rule a schema name. Used by `zoo.trace.derive`.
"""

from __future__ import annotations

import re

from zoo.trace.rules import RULES, Derivation, Rule, named, normed, projected, stream
from zoo.trace.trace import Trace

# --- recurrent cells; i is the number of the layer --------------------------------------------------


def _below(trace: Trace, i: int) -> str:
    """What a layer reads: the state of the layer below, or the embedding."""
    return f"layers.{i - 1}.cell.h" if i else stream(trace, 0)


def _top(trace: Trace) -> str:
    """The state of the last layer."""
    numbers = [int(match[1]) for name in trace.steps if (match := re.match(r"layers\.(\d+)\.cell\.h$", name))]
    return f"layers.{max(numbers, default=0)}.cell.h"


def _first_state(trace: Trace) -> str:
    """The state before the first token: what a translator's encoder hands over, else zeros."""
    return next((step for step in ("context", "start") if step in trace), "") if trace.source else ""


def _gate(letter: str) -> Rule:
    """x · W_x + h before · W_h + b, bent."""

    def rule(trace: Trace, i: int) -> Derivation:
        step, cell = f"layers.{i}.cell.{letter}", f"layers.{i}.cell"
        function = "tanh" if letter in "gnh" else "sigmoid"
        steps = {"x": _below(trace, i), "h": f"{cell}.h"}
        weights = {"W_x": f"{cell}.W_x{letter}", "W_h": f"{cell}.W_h{letter}", "bias": f"{cell}.b_{letter}"}
        x = named(steps["x"], step)
        if not i and "cross.context" in trace and _is_wider(trace, weights["W_x"], steps["x"]):
            steps["more"] = "cross.context"  # beside the token: what the last state found in the source
            x = f"[{x}, cross.context]"
        formula = f"{letter} = {function}({x} · W_x{letter} + h before · W_h{letter} + b_{letter})"
        if letter == "n":
            steps, weights = steps | {"reset": f"{cell}.r"}, weights | {"h_bias": f"{cell}.b_hn"}
            formula = f"n = tanh({x} · W_xn + b_n + r · (h before · W_hn + b_hn))"
        labels, constants = {"x": x, "h": "h before"}, {"function": function}
        return Derivation(step, "gate", formula, steps, weights, constants, ("h",), _first_state(trace), labels)

    return rule


def _is_wider(trace: Trace, weight: str, x: str) -> bool:
    """Whether a matrix takes more numbers than one step has."""
    return weight in trace.params and x in trace and len(trace.params[weight]) > trace[x].shape[-1]


def _mixed(step: str, formula: str, steps: dict[str, str], before: str, start: str = "", **labels: str) -> Derivation:
    """part0 · share0 + part1 · share1; `before` is the part of which each row is that of the token before."""
    labels = {before: named(steps[before], step) + " before"} | labels
    return Derivation(step, "mix", formula, steps, {}, {"function": "identity"}, (before,), start, labels)


def _cell_state(trace: Trace, i: int) -> Derivation:
    cell = f"layers.{i}.cell"
    steps = {"share0": f"{cell}.f", "part0": f"{cell}.c", "share1": f"{cell}.i", "part1": f"{cell}.g"}
    return _mixed(f"{cell}.c", "c = f · c before + i · g", steps, "part0")


def _hidden_state(trace: Trace, i: int) -> Derivation:
    """Of whichever cell it is: the one whose weights, or whose other steps, are there."""
    cell = f"layers.{i}.cell"
    if f"{cell}.o" in trace or f"{cell}.W_xo" in trace.params:
        steps, constants = {"x": f"{cell}.c", "gate": f"{cell}.o"}, {"function": "tanh"}
        return Derivation(f"{cell}.h", "map", "h = o · tanh(c)", steps, constants=constants)
    if f"{cell}.z" in trace or f"{cell}.W_xz" in trace.params:
        steps = {"share0": f"{cell}.z", "part0": f"{cell}.h", "rest1": f"{cell}.z", "part1": f"{cell}.n"}
        formula = "h = z · h before + (1 − z) · n"
        return _mixed(f"{cell}.h", formula, steps, "part0", _first_state(trace), share1="1 − z")
    return _gate("h")(trace, i)


def _of_layer(rule: Rule) -> Rule:
    """A cell's rule, where its place is known: weights and states are looked for under "layers.{l}.cell"."""
    why = "computed inside, not shown: to be taken apart, a cell stands under the path `layers.{l}`"
    return lambda trace, i: rule(trace, i) if i >= 0 else Derivation("cell", "opaque", reason=why)


# --- seq2seq ------------------------------------------------------------------------------------


def _copied(step: str, formula: str, source: str, **more: object) -> Derivation:
    return Derivation(step, "add", f"{step} = {formula}", steps={"part0": source}, **more)  # type: ignore[arg-type]


def _handed_over(step: str) -> Rule:
    return lambda trace, i: _copied(step, "encoder.out of the last source token", "encoder.out")


def _query(trace: Trace, i: int) -> Derivation:
    top = _top(trace)
    if not _waits(trace):
        return _copied("cross.q", top, top)
    labels = {"part0": f"{top} before"}
    return _copied("cross.q", f"{top} before", top, before=("part0",), start=_first_state(trace), labels=labels)


def _waits(trace: Trace) -> bool:
    """Whether each look at the source is taken with the state before, and goes into the step (Bahdanau et al. 2015)."""
    return "cross.W_Q" in trace.params


def _key(trace: Trace, i: int) -> Derivation:
    if "cross.W_K" in trace.params:
        return projected("cross.k", "encoder.out", "cross.W_K", "cross.b_K", trace)
    return _copied("cross.k", "encoder.out", "encoder.out")


def _compared(trace: Trace, i: int) -> Derivation:
    if _waits(trace):
        steps, weights = {"query": "cross.q", "b": "cross.k"}, {"W_Q": "cross.W_Q", "v": "cross.v"}
        formula, labels = "scores = v · tanh(cross.q · W_Q + cross.k)", {"a": "cross.q · W_Q"}
        return Derivation("cross.scores", "compare", formula, steps, weights, labels=labels)
    steps = {"a": "cross.q", "b": "cross.k"}
    return Derivation("cross.scores", "dot", "scores = cross.q · cross.kᵀ", steps=steps, constants={"scale": 1.0})


def _looked_at(trace: Trace, i: int) -> Derivation:
    return Derivation("cross.pattern", "softmax", "pattern = softmax(cross.scores)", steps={"x": "cross.scores"})


def _found(trace: Trace, i: int) -> Derivation:
    steps, formula = {"a": "cross.pattern", "b": "encoder.out"}, "context = cross.pattern · encoder.out"
    return Derivation("cross.context", "dot", formula, steps=steps, constants={"scale": 1.0})


def _put_together(trace: Trace, i: int) -> Derivation:
    context = "cross.context" if "cross.context" in trace else "context"
    steps, weights = {"x": context, "h": _top(trace)}, {"W_x": "mix.W_c", "W_h": "mix.W_h", "bias": "mix.b"}
    formula = f"out = tanh({context} · W_c + {steps['h']} · W_h + b)"
    return Derivation("out", "gate", formula, steps, weights, {"function": "tanh"})


# --- models without a state ----------------------------------------------------------------------------


def _answer_of(trace: Trace, i: int) -> Derivation:
    steps = {"part0": f"ngram.counts.{i}", "less": "ngram.discount"}
    labels = {"x": "max(count − discount, 0)", "std": "sum of the row"}
    formula = "own = max(counts − discount, 0) / sum of the row"
    return Derivation(f"ngram.own.{i}", "norm", formula, steps, labels=labels)


def _handed_on(trace: Trace, i: int) -> Derivation:
    orders = [name for name in trace.steps if name.startswith("ngram.counts.")]
    steps = {"less": "ngram.discount"} | {f"counts{n}": name for n, name in enumerate(orders)}
    labels = {"part0": "discount (1 where never seen)", "share0": "kinds of followers / counts"}
    formula = "back_off = discount · kinds of followers / counts; 1 where these tokens were never seen"
    return Derivation("ngram.back_off", "mix", formula, steps, {}, {"function": "identity"}, labels=labels)


def _shared_out(trace: Trace, i: int) -> Derivation:
    labels = {"part0": "1 − back_off of this order", "share0": "what all longer orders hand on"}
    steps, formula = {"back_off": "ngram.back_off"}, "mix[n] = (1 − back_off[n]) · back_off[n + 1] · …"
    return Derivation("ngram.mix", "mix", formula, steps, {}, {"function": "identity"}, labels=labels)


def _logits(trace: Trace, i: int) -> Derivation:
    """Of a model that gives its answer as probabilities: their logarithm. Any other's are read out of a vector."""
    if "ngram.mix" not in trace:
        return RULES["logits"](trace, i)
    orders = [name for name in trace.steps if name.startswith("ngram.own.")]
    steps = {f"part{n}": name for n, name in enumerate(orders, start=1)} | {"mix": "ngram.mix"}
    labels = {"part0": "1 / vocabulary"} | {f"part{n}": f"own.{n}" for n in range(1, len(orders) + 1)}
    labels |= {f"share{n}": f"mix[{n}]" for n in range(len(orders) + 1)}
    formula = "logits = log(mix[0] / vocabulary + mix[1] · own.1 + …)"
    return Derivation("logits", "mix", formula, steps, {}, {"function": "log"}, labels=labels)


def _given(step: str, reason: str) -> Rule:
    return lambda trace, i: Derivation(step, "input", "", reason=reason)


def _bag(step: str, kind: str, formula: str, **more: object) -> Rule:
    return lambda trace, i: Derivation(step, kind, formula, **more)  # type: ignore[arg-type]


_ONE = {"scale": 1.0}
OTHERS: dict[str, Rule] = {
    **{f"cell.{letter}": _of_layer(_gate(letter)) for letter in "ifogrzn"},
    "cell.c": _of_layer(_cell_state),
    "cell.h": _of_layer(_hidden_state),
    "encoder.out": lambda trace, i: _copied("out", _top(trace), _top(trace)),
    **{step: _handed_over(step) for step in ("context", "start")},
    "cross.q": _query,
    "cross.k": _key,
    "cross.scores": _compared,
    "cross.pattern": _looked_at,
    "cross.context": _found,
    "decoder.out": _put_together,
    "head.pre": lambda trace, i: projected("head.pre", "final_norm", "head.W", "head.b", trace),
    "head.act": lambda trace, i: Derivation(
        "head.act", "map", "head.act = gelu(head.pre)", {"x": "head.pre"}, constants={"function": "gelu"}
    ),
    "head.norm": lambda trace, i: normed("head.norm", "head.act", trace),
    "bag.counts": _bag(
        "bag.counts",
        "dot",
        "bag.counts = so far · is this token",
        constants=_ONE,
        labels={"a": "so far (1 or 0)", "b": "is this token (1 or 0)"},
    ),
    "bag.shares": _bag(
        "bag.shares",
        "norm",
        "bag.shares = bag.counts / number of tokens",
        steps={"x": "bag.counts"},
        labels={"std": "number of tokens"},
    ),
    "bag.mean": lambda trace, i: projected("bag.mean", "bag.shares", "embed.W_E", "", trace),
    "window.input": _bag(
        "window.input",
        "add",
        "window.input[t, n] = embed.tok of that token; zeros before the text begins",
        steps={"part0": "embed.tok"},
    ),
    "window.pre": lambda trace, i: projected(
        "window.pre", "window.input", "window.W", "window.b", trace, term="concat(window.input)"
    ),
    "window.hidden": _bag(
        "window.hidden",
        "map",
        "window.hidden = tanh(window.pre)",
        steps={"x": "window.pre"},
        constants={"function": "tanh"},
    ),
    "cbow.shares": _bag(
        "cbow.shares",
        "norm",
        "cbow.shares = is a word near it / how many are",
        labels={"x": "is near (1 or 0)", "std": "words near it"},
    ),
    "cbow.mean": _bag(
        "cbow.mean",
        "dot",
        "cbow.mean = cbow.shares · embed.tok",
        steps={"a": "cbow.shares", "b": "embed.tok"},
        constants=_ONE,
    ),
    "ngram.counts.{n}": _given("ngram.counts", "counted in the text that the model learned from"),
    "ngram.discount": _given("ngram.discount", "made of how many counts are 1 and 2 (Ney et al. 1994)"),
    "ngram.seen": _given("ngram.seen", "looked up in the counts: how far back these tokens were found"),
    "ngram.own.{n}": _answer_of,
    "ngram.back_off": _handed_on,
    "ngram.mix": _shared_out,
    "logits": _logits,
}
FREE_OTHERS = {"context", "start", "encoder.out"} | {name for name in OTHERS if name.startswith("ngram.")}
"""Steps that need neither weights nor constants."""
