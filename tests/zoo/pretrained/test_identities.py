"""Every recorded step recomputed in NumPy, in float64, from the steps before it and the weights by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from zoo.pretrained.huggingface import Pretrained
from zoo.trace.record import record_trace

Array = NDArray[np.float64]


def norm(x: Array, params: Mapping[str, Array], name: str, kind: str, eps: float) -> Array:
    if kind == "rms_norm":
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * params[f"{name}.weight"]
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt(x.var(-1, keepdims=True) + eps) * params[f"{name}.weight"] + params[f"{name}.bias"]


def linear(x: Array, params: Mapping[str, Array], at: str, role: str) -> Array:
    return x @ params[f"{at}.W_{role}"] + params.get(f"{at}.b_{role}", 0.0)


def by_head(x: Array, head_dim: int) -> Array:
    return x.reshape(len(x), -1, head_dim).transpose(1, 0, 2)


def rotate(x: Array, theta: float) -> Array:
    """The pair (j, j + D/2) as one complex number, turned by position · theta^(-2j/D)."""
    half = x.shape[-1] // 2
    angle = np.arange(x.shape[1])[:, None] * theta ** (-np.arange(half) * 2 / (2 * half))
    turned = (x[..., :half] + 1j * x[..., half:]) * np.exp(1j * angle)
    return np.concatenate([turned.real, turned.imag], -1)


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


ACTIVATE: dict[str, Callable[[Array], Array]] = {
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x / (1 + np.exp(-x)),
}


def recompute(s: Mapping[str, Array], p: Mapping[str, Array], a: Any, ids: Array) -> dict[str, Array]:
    """Step -> its value by its identity, from the recorded values of other steps."""
    made = {"embed.tok": p["embed.W_E"][ids]}
    if a.positions == "learned":
        made["embed.pos"] = p["embed.W_pos"][: len(ids)]
    made["embed.out"] = s["embed.tok"] + s.get("embed.pos", 0.0)
    stream = s["embed.out"]
    for i in range(a.blocks):
        b, at = f"blocks.{i}", f"blocks.{i}.attn"
        made[f"{b}.norm1"] = norm(stream, p, f"{b}.norm1", a.norm, a.norm_eps)
        for letter in "qkv":
            made[f"{at}.{letter}"] = by_head(linear(s[f"{b}.norm1"], p, at, letter.upper()), a.head_dim)
        q, k = s[f"{at}.q"], s[f"{at}.k"]
        if a.positions == "rotary":
            made |= {f"{at}.q_rot": rotate(q, a.rope_theta), f"{at}.k_rot": rotate(k, a.rope_theta)}
            q, k = s[f"{at}.q_rot"], s[f"{at}.k_rot"]
        heads = np.arange(a.heads) * a.kv_heads // a.heads  # which key/value head each query head reads
        made[f"{at}.scores"] = q @ k[heads].transpose(0, 2, 1) / np.sqrt(a.head_dim)
        made[f"{at}.mask"] = np.where(np.tri(len(ids)) > 0, 0.0, -np.inf)
        made[f"{at}.pattern"] = softmax(s[f"{at}.scores"] + s[f"{at}.mask"])
        made[f"{at}.z"] = s[f"{at}.pattern"] @ s[f"{at}.v"][heads]
        made[f"{at}.out"] = linear(s[f"{at}.z"].transpose(1, 0, 2).reshape(len(ids), -1), p, at, "O")
        made[f"{b}.resid_mid"] = stream + s[f"{at}.out"]
        made[f"{b}.norm2"] = norm(s[f"{b}.resid_mid"], p, f"{b}.norm2", a.norm, a.norm_eps)
        made[f"{b}.mlp.pre"] = linear(s[f"{b}.norm2"], p, f"{b}.mlp", "gate" if a.gated else "in")
        made[f"{b}.mlp.act"] = ACTIVATE[a.activation](s[f"{b}.mlp.pre"])
        if a.gated:
            made[f"{b}.mlp.up"] = linear(s[f"{b}.norm2"], p, f"{b}.mlp", "in")
            made[f"{b}.mlp.act"] = made[f"{b}.mlp.act"] * s[f"{b}.mlp.up"]
        made[f"{b}.mlp.out"] = linear(s[f"{b}.mlp.act"], p, f"{b}.mlp", "out")
        stream = s[f"{b}.resid"]
        made[f"{b}.resid"] = s[f"{b}.resid_mid"] + s[f"{b}.mlp.out"]
    made["final_norm"] = norm(stream, p, "final_norm", a.norm, a.norm_eps)
    made["logits"] = s["final_norm"] @ p["unembed.W_U"]
    return made


def compare(loaded: Pretrained) -> tuple[dict[str, float], set[str], set[str]]:
    """Step -> its `distance` from the recomputed one; the parameters that were read; all parameters."""
    ids = torch.randint(0, 270, (1, 9), generator=torch.Generator().manual_seed(2))
    recording = record_trace(loaded.module, ids, names=loaded.names)
    steps = {}
    for name, (first,) in recording.steps.items():
        lone = name == "embed.pos" or name.endswith(".mask")  # may have no batch dimension
        steps[name] = np.asarray(first if lone and first.ndim == 2 else first[0], np.float64)
    params = Reads({name: np.asarray(value, np.float64) for name, value in loaded.anatomy.params.items()})
    made = recompute(steps, params, loaded.anatomy, ids[0].numpy())
    assert set(made) == set(steps)
    return {name: distance(steps[name], made[name]) for name in made}, params.read & set(params), set(params)


def distance(x: Array, y: Array) -> float:
    """Largest difference; where the values of a step exceed 1, in units of the largest of them."""
    assert x.shape == y.shape
    same = x == y  # also where both are -inf
    x, y = np.where(same, 0.0, x), np.where(same, 0.0, y)
    return float(np.abs(x - y).max() / max(1.0, np.abs(x).max()))


class Reads(dict[str, Array]):
    """A dictionary that remembers what was asked of it."""

    def __init__(self, values: Mapping[str, Array]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Array:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)


def test_every_step_can_be_recomputed(loaded: Pretrained) -> None:
    errors, read, params = compare(loaded)
    worst = max(errors, key=lambda name: errors[name])
    assert errors[worst] < 2e-6, f"{worst} is off by {errors[worst]}"
    assert read == params


def test_the_comparison_can_fail(loaded: Pretrained) -> None:
    with torch.no_grad():
        loaded.anatomy.params["blocks.0.attn.W_Q"][0, 0] += 0.5  # a view: the model itself changes with it
    assert max(compare(loaded)[0].values()) < 2e-6
    wrong = {**loaded.anatomy.params, "blocks.0.attn.W_Q": loaded.anatomy.params["blocks.0.attn.W_Q"] + 0.5}
    object.__setattr__(loaded.anatomy, "params", wrong)
    assert compare(loaded)[0]["blocks.0.attn.q"] > 1e-2


def test_weights_have_the_shapes_that_the_contract_names(loaded: Pretrained) -> None:
    a = loaded.anatomy
    vocab, width = a.params["embed.W_E"].shape
    assert a.params["unembed.W_U"].shape == (width, vocab)
    assert a.params["blocks.0.attn.W_Q"].shape == (width, a.heads * a.head_dim)
    assert a.params["blocks.0.attn.W_K"].shape == (width, a.kv_heads * a.head_dim)
    assert a.params["blocks.0.attn.W_O"].shape == (a.heads * a.head_dim, width)
    assert a.params["blocks.0.mlp.W_in"].shape == a.params["blocks.0.mlp.W_out"].shape[::-1]


@pytest.mark.parametrize("theta", [300.0, 10_000.0])
def test_rotation_keeps_length_and_starts_at_nothing(theta: float) -> None:
    x = np.random.default_rng(0).normal(size=(2, 5, 6))
    turned = rotate(x, theta)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(x, axis=-1))
    np.testing.assert_array_equal(turned[:, 0], x[:, 0])
