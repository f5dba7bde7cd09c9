"""What each step of a trace is made of, for the very model that was traced. Used by `zoo.trace.derive`.

One rule a schema name: which steps and weights fill the operands of its kind (see `zoo.trace.sheet`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from zoo.trace.sheet import Kind
from zoo.trace.trace import Trace


@dataclass(frozen=True)
class Derivation:
    """How one step follows from others: kind, formula, and what fills each operand."""

    step: str
    kind: Kind
    formula: str = ""
    steps: Mapping[str, str] = field(default_factory=dict)
    """Operand -> the recorded step that fills it."""
    weights: Mapping[str, str] = field(default_factory=dict)
    """Operand -> the weight that fills it, by its name in `Anatomy.params`."""
    constants: Mapping[str, float | str] = field(default_factory=dict)
    reason: str = ""
    """Why the step cannot be recomputed; empty where it can."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The recorded steps that this one is computed from."""
        return tuple(self.steps.values())

    @property
    def params(self) -> tuple[str, ...]:
        """The weights that it is computed with."""
        return tuple(self.weights.values())

    @property
    def recomputable(self) -> bool:
        """Whether the step follows from what the trace holds."""
        return self.kind not in ("input", "opaque")


def short(step: str) -> str:
    """A step's name as formulas write it: "blocks.2.attn.q" is "q", "blocks.2.attn.out" is "attn.out"."""
    return re.sub(r"^blocks\.\d+\.(attn\.(?!out)|mlp\.(?!out))?", "", step)


# --- one rule a step; i is the block's number ---------------------------------------------------


def _stream(trace: Trace, i: int) -> str:
    """The step that holds the residual stream as block i reads it."""
    if i > 0:
        return f"blocks.{i - 1}.resid"
    parts = ("embed.out", "embed.prev", "embed.pos")
    bare = not any(part in trace for part in parts) and not _adds_positions(trace)
    return "embed.tok" if bare and "embed.tok" in trace else "embed.out"


def _adds_positions(trace: Trace) -> bool:
    return trace.anatomy is not None and trace.anatomy.positions in ("learned", "sinusoidal")


def _token(trace: Trace, i: int) -> Derivation:
    formula = "embed.tok[t] = W_E[id of token t]"
    return Derivation("embed.tok", "lookup", formula, weights={"weight": "embed.W_E"})


def _previous(trace: Trace, i: int) -> Derivation:
    formula = "embed.prev[t] = W_prev[id of token t − 1]"
    return Derivation("embed.prev", "lookup", formula, weights={"weight": "embed.W_prev"})


def _position(trace: Trace, i: int) -> Derivation:
    if trace.anatomy is not None and trace.anatomy.positions == "sinusoidal":
        formula = "embed.pos = sin(angle), angle[t, 2j] = t / 10000^(2j / width), angle[t, 2j + 1] = the same + π / 2"
        return Derivation("embed.pos", "map", formula, constants={"function": "sin"})
    return Derivation("embed.pos", "lookup", "embed.pos[t] = W_pos[t]", weights={"weight": "embed.W_pos"})


def _embedding(trace: Trace, i: int) -> Derivation:
    previous = "embed.prev" in trace or "embed.W_prev" in trace.params
    positions = "embed.pos" in trace or _adds_positions(trace)
    return _sum("embed.out", ["embed.tok", *["embed.prev"] * previous, *["embed.pos"] * positions])


def _sum(step: str, parts: list[str]) -> Derivation:
    formula = f"{short(step)} = {' + '.join(named(part, step) for part in parts)}"
    return Derivation(step, "add", formula, steps={f"part{n}": part for n, part in enumerate(parts)})


def named(name: str, step: str) -> str:
    """`name` as a formula for `step` writes it: short inside its own block, in full outside of it."""
    return short(name) if name.split(".")[:2] == step.split(".")[:2] else name


def _norm(step: str, x: str, trace: Trace) -> Derivation:
    assert trace.anatomy is not None
    eps = np.format_float_positional(trace.anatomy.norm_eps, trim="-")
    rms = trace.anatomy.norm == "rms_norm"
    source = named(x, step)
    formula = f"{source} / √(mean square + {eps})" if rms else f"({source} − mean) / √(variance + {eps})"
    # without any params the weight is unknown rather than absent: `_missing` then says so
    found = [part for part in ("weight", "bias") if f"{step}.{part}" in trace.params or not trace.params]
    formula += "".join({"weight": " · weight", "bias": " + bias"}[part] for part in found)
    weights = {part: f"{step}.{part}" for part in found}
    return Derivation(step, "norm", f"{short(step)} = {formula}", steps={"x": x}, weights=weights)


def _project(step: str, source: str, weight: str, bias: str, trace: Trace, term: str = "") -> Derivation:
    """source · weight + bias, the bias only where the model has one."""
    weights = {"b": weight} | ({"bias": bias} if bias in trace.params else {})
    names = [f"{term or named(source, step)} · {weight.split('.')[-1]}", *[bias.split(".")[-1]][: len(weights) - 1]]
    formula = f"{short(step)} = {' + '.join(names)}"
    return Derivation(step, "dot", formula, steps={"a": source}, weights=weights, constants={"scale": 1.0})


def _query_key_value(letter: str) -> Callable[[Trace, int], Derivation]:
    def rule(trace: Trace, i: int) -> Derivation:
        attn, big = f"blocks.{i}.attn", letter.upper()
        return _project(f"{attn}.{letter}", f"blocks.{i}.norm1", f"{attn}.W_{big}", f"{attn}.b_{big}", trace)

    return rule


def _normed(letter: str) -> Callable[[Trace, int], Derivation]:
    return lambda trace, i: _norm(f"blocks.{i}.attn.{letter}_norm", f"blocks.{i}.attn.{letter}", trace)


def _before_turning(letter: str, trace: Trace, i: int) -> str:
    """The step that holds the query or key as it is turned, or, without turning, compared."""
    step = f"blocks.{i}.attn.{letter}"
    normed = f"{step}_norm" in trace or (trace.anatomy is not None and trace.anatomy.query_key_norm)
    return f"{step}_norm" if normed else step


def _rotated(letter: str) -> Callable[[Trace, int], Derivation]:
    def rule(trace: Trace, i: int) -> Derivation:
        step, x = f"blocks.{i}.attn.{letter}_rot", _before_turning(letter, trace, i)
        formula = f"{letter}_rot = {short(x)} · cos(angle) + partner · sin(angle), angle = position · frequency"
        return Derivation(step, "rotate", formula, steps={"x": x, "pair": x})

    return rule


def _shared(trace: Trace) -> str:
    """ "[head // 4]" where four query heads share one key and value head; empty where each has its own."""
    groups = trace.anatomy.heads // trace.anatomy.kv_heads if trace.anatomy else 1
    return f"[head // {groups}]" if groups > 1 else ""


def _scores(trace: Trace, i: int) -> Derivation:
    assert trace.anatomy is not None
    attn = f"blocks.{i}.attn"
    q, k = (_before_turning(letter, trace, i) for letter in "qk")
    if trace.anatomy.positions == "rotary" or f"{attn}.q_rot" in trace:
        q, k = f"{attn}.q_rot", f"{attn}.k_rot"
    formula = f"scores = {short(q)} · {short(k)}{_shared(trace)}ᵀ / √{trace.anatomy.head_dim}"
    steps = {"a": q, "b": k}
    return Derivation(f"{attn}.scores", "dot", formula, steps=steps, constants={"scale": trace.anatomy.scale})


def _mask(trace: Trace, i: int) -> Derivation:
    assert trace.anatomy is not None
    if trace.anatomy.causal:
        formula, rule = "mask[query, key] = −∞ where key > query, else 0", "causal"
    else:
        formula, rule = "mask[query, key] = 0: every token may look everywhere", "all"
    return Derivation(f"blocks.{i}.attn.mask", "mask", formula, constants={"rule": rule})


def _pattern(trace: Trace, i: int) -> Derivation:
    attn = f"blocks.{i}.attn"
    steps = {"x": f"{attn}.scores"}
    if trace.anatomy is None or f"{attn}.mask" in trace:  # else the mask follows from the anatomy
        steps["mask"] = f"{attn}.mask"
    masked = "mask" in steps or (trace.anatomy is not None and trace.anatomy.causal)
    formula = f"pattern = softmax(scores{' + mask' if masked else ''})"
    return Derivation(f"{attn}.pattern", "softmax", formula, steps=steps)


def _weighted(trace: Trace, i: int) -> Derivation:
    attn = f"blocks.{i}.attn"
    steps = {"a": f"{attn}.pattern", "b": f"{attn}.v"}
    return Derivation(f"{attn}.z", "dot", f"z = pattern · v{_shared(trace)}", steps=steps, constants={"scale": 1.0})


def _attention_out(trace: Trace, i: int) -> Derivation:
    attn = f"blocks.{i}.attn"
    return _project(f"{attn}.out", f"{attn}.z", f"{attn}.W_O", f"{attn}.b_O", trace, term="concat(z)")


def _widened(leaf: str) -> Callable[[Trace, int], Derivation]:
    def rule(trace: Trace, i: int) -> Derivation:
        assert trace.anatomy is not None
        mlp, part = f"blocks.{i}.mlp", "gate" if leaf == "pre" and trace.anatomy.gated else "in"
        return _project(f"{mlp}.{leaf}", f"blocks.{i}.norm2", f"{mlp}.W_{part}", f"{mlp}.b_{part}", trace)

    return rule


def _activated(trace: Trace, i: int) -> Derivation:
    assert trace.anatomy is not None
    mlp, function = f"blocks.{i}.mlp", trace.anatomy.activation
    steps = {"x": f"{mlp}.pre"} | ({"gate": f"{mlp}.up"} if trace.anatomy.gated else {})
    formula = f"act = {function}(pre){' · up' if trace.anatomy.gated else ''}"
    return Derivation(f"{mlp}.act", "map", formula, steps=steps, constants={"function": function})


def _mlp_out(trace: Trace, i: int) -> Derivation:
    mlp = f"blocks.{i}.mlp"
    return _project(f"{mlp}.out", f"{mlp}.act", f"{mlp}.W_out", f"{mlp}.b_out", trace)


RULES: dict[str, Callable[[Trace, int], Derivation]] = {
    "embed.tok": _token,
    "embed.prev": _previous,
    "embed.pos": _position,
    "embed.out": _embedding,
    "norm1": lambda trace, i: _norm(f"blocks.{i}.norm1", _stream(trace, i), trace),
    **{f"attn.{letter}": _query_key_value(letter) for letter in "qkv"},
    **{f"attn.{letter}_norm": _normed(letter) for letter in "qk"},
    **{f"attn.{letter}_rot": _rotated(letter) for letter in "qk"},
    "attn.scores": _scores,
    "attn.mask": _mask,
    "attn.pattern": _pattern,
    "attn.z": _weighted,
    "attn.out": _attention_out,
    "resid_mid": lambda trace, i: _sum(f"blocks.{i}.resid_mid", [_stream(trace, i), f"blocks.{i}.attn.out"]),
    "norm2": lambda trace, i: _norm(f"blocks.{i}.norm2", f"blocks.{i}.resid_mid", trace),
    "mlp.pre": _widened("pre"),
    "mlp.up": _widened("up"),
    "mlp.act": _activated,
    "mlp.out": _mlp_out,
    "resid": lambda trace, i: _sum(f"blocks.{i}.resid", [f"blocks.{i}.resid_mid", f"blocks.{i}.mlp.out"]),
    "final_norm": lambda trace, i: _norm("final_norm", _stream(trace, _blocks(trace)), trace),
    "logits": lambda trace, i: _project("logits", "final_norm", "unembed.W_U", "unembed.b_U", trace),
    "probs": lambda trace, i: Derivation("probs", "softmax", "probs = softmax(logits)", steps={"x": "logits"}),
}

FREE = {"attn.pattern", "attn.z", "probs"}
"""Steps that need neither weights nor constants: they follow from other steps by what their names mean."""


def _blocks(trace: Trace) -> int:
    return trace.anatomy.blocks if trace.anatomy else trace.blocks
