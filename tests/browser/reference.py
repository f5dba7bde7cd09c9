"""The shipped GPT once more, in plain NumPy, so that the page can be checked by something that isn't the app.

Nothing here comes from `zoo` or `playground`: the weights are read from the bytes of the saved file, the
ids come from the `tokenizers` library, and every step is written out in float64 from the papers
(Radford et al. 2019; layer norm: Ba et al. 2016; GELU by tanh: Hendrycks and Gimpel 2016).
Used by the browser tests.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

Array = NDArray[np.float64]

SHIPPED = Path(__file__).resolve().parents[2] / "zoo" / "pretrained" / "weights" / "gpt-stories"
_EPSILON = 1e-5
_PLAIN = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


@dataclass(frozen=True)
class Reference:
    """A trained or untrained GPT as plain arrays."""

    weights: dict[str, Array]
    heads: int
    tokenizer: tokenizers.Tokenizer

    def ids(self, text: str) -> list[int]:
        """The text's token ids."""
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def piece(self, token_id: int) -> str:
        """What one token writes."""
        return str(self.tokenizer.decode([token_id], skip_special_tokens=False))

    def steps(self, ids: list[int], silenced: tuple[int, int] | None = None) -> dict[str, Array]:
        """Every step of the forward pass under the name that the page gives it; a (block, head) may be silenced."""
        return forward(self.weights, self.heads, ids, silenced)


@cache
def shipped() -> Reference:
    """The model that comes with the playground, from its files."""
    return of_run(SHIPPED)


def of_run(folder: Path, step: int | None = None) -> Reference:
    """The GPT that a run has trained, at one of its checkpoints; by default at the last."""
    config = json.loads((folder / "run.json").read_text())["config"]
    assert config["positions"] == "learned", "this reference knows learned positions only"
    files = sorted((folder / "checkpoints").glob("[0-9]*.safetensors"))
    file = files[-1] if step is None else folder / "checkpoints" / f"{step:07d}.safetensors"
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    return Reference(read_safetensors(file), config["heads"], tokenizer)


def read_safetensors(path: Path) -> dict[str, Array]:
    """Every tensor of a safetensors file in float64: 8 bytes of length, a JSON table, the raw numbers."""
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    table: dict[str, Any] = json.loads(raw[8:start])
    table.pop("__metadata__", None)
    return {
        name: _numbers(raw[start + at["data_offsets"][0] : start + at["data_offsets"][1]], at["dtype"]).reshape(
            at["shape"]
        )
        for name, at in table.items()
    }


def _numbers(raw: bytes, kind: str) -> Array:
    if kind == "BF16":  # the upper half of a float32
        return (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4").astype(np.float64)
    return np.frombuffer(raw, _PLAIN[kind]).astype(np.float64)


def forward(
    weights: dict[str, Array], heads: int, ids: list[int], silenced: tuple[int, int] | None = None
) -> dict[str, Array]:
    """ids (T,) -> each step: (T, C), (H, T, D) or (H, T, T), and logits and probs (T, V)."""
    w, time = weights, len(ids)
    steps = {"embed.tok": w["embed.weight"][ids], "embed.pos": w["embed_positions.weight"][:time]}
    steps["embed.out"] = steps["embed.tok"] + steps["embed.pos"]
    x = steps["embed.out"]
    for i in range(1 + max(int(name.split(".")[1]) for name in w if name.startswith("blocks."))):
        found = block({name: w[f"blocks.{i}.{name}"] for name in _parts(w, i)}, heads, x, _head_of(silenced, i))
        steps |= {f"blocks.{i}.{name}": value for name, value in found.items()}
        x = found["resid"]
    steps["final_norm"] = layer_norm(x, w["final_norm.weight"], w["final_norm.bias"])
    steps["logits"] = steps["final_norm"] @ w.get("unembed.weight", w["embed.weight"]).T
    steps["probs"] = softmax(steps["logits"])
    return steps


def _parts(weights: dict[str, Array], i: int) -> list[str]:
    start = f"blocks.{i}."
    return [name.removeprefix(start) for name in weights if name.startswith(start)]


def _head_of(silenced: tuple[int, int] | None, i: int) -> int | None:
    return silenced[1] if silenced is not None and silenced[0] == i else None


def block(w: dict[str, Array], heads: int, x: Array, silenced: int | None = None) -> dict[str, Array]:
    """One block over the stream x (T, C); the head `silenced` answers with zeros."""
    s = {"norm1": layer_norm(x, w["norm1.weight"], w["norm1.bias"])}
    for letter, name in (("q", "query"), ("k", "key"), ("v", "value")):
        s[f"attn.{letter}"] = _split(s["norm1"] @ w[f"attn.{name}.weight"].T + w[f"attn.{name}.bias"], heads)
    s["attn.scores"] = np.einsum("hqd,hkd->hqk", s["attn.q"], s["attn.k"]) / np.sqrt(x.shape[1] / heads)
    s["attn.mask"] = np.triu(np.full((len(x), len(x)), -np.inf), k=1)
    s["attn.pattern"] = softmax(s["attn.scores"] + s["attn.mask"])
    s["attn.z"] = np.einsum("hqk,hkd->hqd", s["attn.pattern"], s["attn.v"])
    if silenced is not None:
        s["attn.z"][silenced] = 0
    joined = s["attn.z"].transpose(1, 0, 2).reshape(x.shape)
    s["attn.out"] = joined @ w["attn.out.weight"].T + w["attn.out.bias"]
    s["resid_mid"] = x + s["attn.out"]
    s["norm2"] = layer_norm(s["resid_mid"], w["norm2.weight"], w["norm2.bias"])
    s["mlp.pre"] = s["norm2"] @ w["mlp.up.weight"].T + w["mlp.up.bias"]
    s["mlp.act"] = gelu(s["mlp.pre"])
    s["mlp.out"] = s["mlp.act"] @ w["mlp.down.weight"].T + w["mlp.down.bias"]
    s["resid"] = s["resid_mid"] + s["mlp.out"]
    return s


def _split(x: Array, heads: int) -> Array:
    return x.reshape(len(x), heads, -1).transpose(1, 0, 2)


def layer_norm(x: Array, weight: Array, bias: Array) -> Array:
    """Zero mean and unit variance over the width, then scaled and shifted."""
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + _EPSILON) * weight + bias


def gelu(x: Array) -> Array:
    """x · Φ(x), by its tanh approximation."""
    return np.asarray(0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))))


def softmax(x: Array) -> Array:
    """Shares that sum to 1 along the last axis."""
    powers = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def entropy(probs: Array) -> float:
    """−Σ p ln p, in nats."""
    positive = probs[probs > 0]
    return float(-(positive * np.log(positive)).sum())
