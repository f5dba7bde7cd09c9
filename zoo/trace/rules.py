"""What each step of a trace is made of, for the very model that was traced. Used by `zoo.trace.derive`.

One rule a schema name: which steps and weights fill the operands of its kind (see `zoo.trace.sheet`). Here are the
transformers; the other models' rules stand in `zoo.trace.rules_others`. A rule sees one half of a translator as a
trace of its own (`zoo.trace.parts`).
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
    before: tuple[str, ...] = ()
    """Operands of which each row is that of the token before."""
    start: str = ""
    """What stands before the first row of those: a step (width,), or zeros where there is none."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Operand -> what to call it, where it is not a step or a weight as it is."""
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
    return re.sub(r"^(blocks\.\d+\.((attn|cross|mlp)\.(?!out))?|layers\.\d+\.cell\.)", "", step)


# --- one rule a step; i is the block's number ---------------------------------------------------


def stream(trace: Trace, i: int) -> str:
    """The step that holds the residual stream as block i reads it."""
    if i > 0:
        return f"blocks.{i - 1}.resid"
    parts = ("embed.out", "embed.prev", "embed.pos")
    bare = not any(part in trace for part in parts) and not _adds_positions(trace)
    return "embed.tok" if bare and "embed.tok" in trace else "embed.out"


def _adds_positions(trace: Trace) -> bool:
    return trace.anatomy is not None and trace.anatomy.positions in ("learned", "sinusoidal")


def _token(trace: Trace, i: int) -> Derivation:
    scale = trace.anatomy.extra.get("embed_scale") if trace.anatomy else None
    labels = {"weight": f"W_E · {scale:.6g}"} if scale else {}
    formula = "embed.tok[t] = W_E[id of token t]" + (f" · {scale:.6g}" if scale else "")
    return Derivation("embed.tok", "lookup", formula, weights={"weight": "embed.W_E"}, labels=labels)


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
    return added("embed.out", ["embed.tok", *["embed.prev"] * previous, *["embed.pos"] * positions])


def added(step: str, parts: list[str]) -> Derivation:
    formula = f"{short(step)} = {' + '.join(named(part, step) for part in parts)}"
    return Derivation(step, "add", formula, steps={f"part{n}": part for n, part in enumerate(parts)})


def named(name: str, step: str) -> str:
    """`name` as a formula for `step` writes it: short inside its own block, in full outside of it."""
    return short(name) if name.split(".")[:2] == step.split(".")[:2] else name


def normed(step: str, x: str, trace: Trace) -> Derivation:
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


def projected(step: str, source: str, weight: str, bias: str, trace: Trace, term: str = "") -> Derivation:
    """source · weight + bias, the bias only where the model has one."""
    weights = {"b": weight} | ({"bias": bias} if bias in trace.params else {})
    names = [f"{term or named(source, step)} · {weight.split('.')[-1]}", *[bias.split(".")[-1]][: len(weights) - 1]]
    formula = f"{short(step)} = {' + '.join(names)}"
    return Derivation(step, "dot", formula, steps={"a": source}, weights=weights, constants={"scale": 1.0})


def _read(trace: Trace, i: int) -> str:
    """What attention reads: the norm before it; the stream itself where a post-norm model's first block has none."""
    norm = f"blocks.{i}.norm1"
    bare = trace.anatomy is not None and trace.anatomy.post_norm and norm not in trace
    return stream(trace, i) if bare and f"{norm}.weight" not in trace.params else norm


def _attended(trace: Trace, i: int) -> str:
    """The step that holds the stream after the last attention of a block: across to the source, where there is one."""
    crossed = f"blocks.{i}.resid_cross" in trace or f"blocks.{i}.cross.W_Q" in trace.params
    return f"blocks.{i}.resid_cross" if crossed else f"blocks.{i}.resid_mid"


def _goes_on(trace: Trace, before: str, norm: str) -> str:
    """What a branch's answer is added to: the stream, or in a post-norm model what the branch itself has read."""
    return norm if trace.anatomy is not None and trace.anatomy.post_norm else before


def _query_key_value(letter: str, where: str = "attn") -> Callable[[Trace, int], Derivation]:
    def rule(trace: Trace, i: int) -> Derivation:
        attn, big = f"blocks.{i}.{where}", letter.upper()
        across = f"blocks.{i}.norm_cross" if letter == "q" else "encoder.final_norm"
        source = across if where == "cross" else _read(trace, i)
        return projected(f"{attn}.{letter}", source, f"{attn}.W_{big}", f"{attn}.b_{big}", trace)

    return rule


def _normed(letter: str) -> Callable[[Trace, int], Derivation]:
    return lambda trace, i: normed(f"blocks.{i}.attn.{letter}_norm", f"blocks.{i}.attn.{letter}", trace)


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


def _scores_across(trace: Trace, i: int) -> Derivation:
    assert trace.anatomy is not None
    at, formula = f"blocks.{i}.cross", f"scores = q · kᵀ / √{trace.anatomy.head_dim}"
    steps = {"a": f"{at}.q", "b": f"{at}.k"}
    return Derivation(f"{at}.scores", "dot", formula, steps=steps, constants={"scale": trace.anatomy.scale})


def _mask(where: str) -> Callable[[Trace, int], Derivation]:
    def rule(trace: Trace, i: int) -> Derivation:
        assert trace.anatomy is not None
        formula, rule = "mask[query, key] = 0: every token may look everywhere", "all"
        if trace.anatomy.causal and where == "attn":
            formula, rule = "mask[query, key] = −∞ where key > query, else 0", "causal"
        return Derivation(f"blocks.{i}.{where}.mask", "mask", formula, constants={"rule": rule})

    return rule


def _pattern(where: str) -> Callable[[Trace, int], Derivation]:
    def rule(trace: Trace, i: int) -> Derivation:
        attn = f"blocks.{i}.{where}"
        steps = {"x": f"{attn}.scores"}
        if trace.anatomy is None or f"{attn}.mask" in trace:  # else the mask follows from the anatomy
            steps["mask"] = f"{attn}.mask"
        masked = "mask" in steps or (where == "attn" and trace.anatomy is not None and trace.anatomy.causal)
        formula = f"pattern = softmax(scores{' + mask' if masked else ''})"
        return Derivation(f"{attn}.pattern", "softmax", formula, steps=steps)

    return rule


def _weighted(where: str) -> Callable[[Trace, int], Derivation]:
    def rule(trace: Trace, i: int) -> Derivation:
        attn = f"blocks.{i}.{where}"
        steps = {"a": f"{attn}.pattern", "b": f"{attn}.v"}
        return Derivation(f"{attn}.z", "dot", f"z = pattern · v{_shared(trace)}", steps=steps, constants={"scale": 1.0})

    return rule


def _attention_out(where: str) -> Callable[[Trace, int], Derivation]:
    def rule(trace: Trace, i: int) -> Derivation:
        attn = f"blocks.{i}.{where}"
        return projected(f"{attn}.out", f"{attn}.z", f"{attn}.W_O", f"{attn}.b_O", trace, term="concat(z)")

    return rule


def _added_to(step: str, answer: str, norm: str) -> Callable[[Trace, int], Derivation]:
    """A branch's answer, added to the stream."""

    def rule(trace: Trace, i: int) -> Derivation:
        streams = {"norm1": stream, "norm_cross": lambda trace, i: f"blocks.{i}.resid_mid", "norm2": _attended}
        read = _read(trace, i) if norm == "norm1" else f"blocks.{i}.{norm}"
        base = _goes_on(trace, streams[norm](trace, i), read)
        return added(f"blocks.{i}.{step}", [base, f"blocks.{i}.{answer}"])

    return rule


def _widened(leaf: str) -> Callable[[Trace, int], Derivation]:
    def rule(trace: Trace, i: int) -> Derivation:
        assert trace.anatomy is not None
        mlp, part = f"blocks.{i}.mlp", "gate" if leaf == "pre" and trace.anatomy.gated else "in"
        return projected(f"{mlp}.{leaf}", f"blocks.{i}.norm2", f"{mlp}.W_{part}", f"{mlp}.b_{part}", trace)

    return rule


def _activated(trace: Trace, i: int) -> Derivation:
    assert trace.anatomy is not None
    mlp, function = f"blocks.{i}.mlp", trace.anatomy.activation
    steps = {"x": f"{mlp}.pre"} | ({"gate": f"{mlp}.up"} if trace.anatomy.gated else {})
    formula = f"act = {function}(pre){' · up' if trace.anatomy.gated else ''}"
    return Derivation(f"{mlp}.act", "map", formula, steps=steps, constants={"function": function})


def _mlp_out(trace: Trace, i: int) -> Derivation:
    mlp = f"blocks.{i}.mlp"
    return projected(f"{mlp}.out", f"{mlp}.act", f"{mlp}.W_out", f"{mlp}.b_out", trace)


def _logits(trace: Trace, i: int) -> Derivation:
    read_out = trace.anatomy.read_out if trace.anatomy else "final_norm"
    return projected("logits", read_out, "unembed.W_U", "unembed.b_U", trace)


Rule = Callable[[Trace, int], Derivation]

_BLOCK: dict[str, Rule] = {
    "norm1": lambda trace, i: normed(f"blocks.{i}.norm1", stream(trace, i), trace),
    **{f"attn.{letter}": _query_key_value(letter) for letter in "qkv"},
    **{f"attn.{letter}_norm": _normed(letter) for letter in "qk"},
    **{f"attn.{letter}_rot": _rotated(letter) for letter in "qk"},
    "attn.scores": _scores,
    "resid_mid": _added_to("resid_mid", "attn.out", "norm1"),
    "norm_cross": lambda trace, i: normed(f"blocks.{i}.norm_cross", f"blocks.{i}.resid_mid", trace),
    **{f"cross.{letter}": _query_key_value(letter, "cross") for letter in "qkv"},
    "cross.scores": _scores_across,
    "resid_cross": _added_to("resid_cross", "cross.out", "norm_cross"),
    **{f"{where}.mask": _mask(where) for where in ("attn", "cross")},
    **{f"{where}.pattern": _pattern(where) for where in ("attn", "cross")},
    **{f"{where}.z": _weighted(where) for where in ("attn", "cross")},
    **{f"{where}.out": _attention_out(where) for where in ("attn", "cross")},
    "norm2": lambda trace, i: normed(f"blocks.{i}.norm2", _attended(trace, i), trace),
    "mlp.pre": _widened("pre"),
    "mlp.up": _widened("up"),
    "mlp.act": _activated,
    "mlp.out": _mlp_out,
    "resid": _added_to("resid", "mlp.out", "norm2"),
}

RULES: dict[str, Rule] = {
    "embed.tok": _token,
    "embed.prev": _previous,
    "embed.pos": _position,
    "embed.out": _embedding,
    **{f"blocks.{{i}}.{leaf}": rule for leaf, rule in _BLOCK.items()},
    "final_norm": lambda trace, i: normed("final_norm", stream(trace, _blocks(trace)), trace),
    "logits": _logits,
    "probs": lambda trace, i: Derivation("probs", "softmax", "probs = softmax(logits)", steps={"x": "logits"}),
}
"""Schema name -> its rule; i is the number of the block."""

FREE = {"blocks.{i}.attn.pattern", "blocks.{i}.attn.z", "probs"}
"""Steps that need neither weights nor constants: they follow from other steps by what their names mean."""


def _blocks(trace: Trace) -> int:
    return trace.anatomy.blocks if trace.anatomy else trace.blocks
