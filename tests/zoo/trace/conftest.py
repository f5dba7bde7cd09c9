"""Traces to check the arithmetic on: of tiny zoo/gpt models, and of a transformer made of torch's functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

from zoo.inference import to_trace
from zoo.models.gpt import Config, GPTPlugin
from zoo.plugin import Anatomy
from zoo.trace.record import record_trace
from zoo.trace.trace import Trace

MakeTrace = Callable[..., Trace]


def trace_of_gpt(ids: list[int] | None = None, vocab: int = 13, seed: int = 0, **options: Any) -> Trace:
    """A trace of a small zoo/gpt whose weights, biases and norms are all far from their initial values."""
    ids = [3, 1, 4, 1, 5] if ids is None else ids
    passing = {name: options.pop(name) for name in ("edits", "budget") if name in options}
    config = Config(**{"blocks": 2, "heads": 2, "width": 8, "context": 16} | options)
    module = GPTPlugin().build(config, vocab)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0, 0.5, generator=generator)
    recording = record_trace(module, torch.tensor([ids]), names={}, **passing)
    anatomy = GPTPlugin().anatomy(module)
    arrays = {name: value.numpy() for name, value in anatomy.params.items()}
    return to_trace(recording, "zoo/gpt", ids, [f"t{i}" for i in ids], replace(anatomy, params=arrays))


def trace_of_torch(ids: list[int] | None = None, vocab: int = 13, seed: int = 0, **options: Any) -> Trace:
    """A trace of a transformer put together from torch's and transformers' functions, none of the zoo's.

    Options are those of `Anatomy`, and `biased`.
    """
    ids = [3, 1, 4, 1, 5] if ids is None else ids
    biased = options.pop("biased", True)
    sizes = {"blocks": 2, "heads": 4, "kv_heads": 2, "head_dim": 4, "positions": "rotary", "norm": "rms_norm"}
    shape = Anatomy(params={}, **sizes | {"activation": "silu", "gated": True} | options)
    params = _random_params(shape, vocab, len(ids), biased, torch.Generator().manual_seed(seed))
    steps = {name: [value.numpy()] for name, value in _forward(shape, params, torch.tensor(ids)).items()}
    arrays = {name: value.numpy() for name, value in params.items()}
    return Trace("test/torch", ids, [f"t{i}" for i in ids], steps, replace(shape, params=arrays))


def _random_params(a: Anatomy, vocab: int, time: int, biased: bool, generator: torch.Generator) -> dict[str, Tensor]:
    width, hidden = 12, 20
    sizes: dict[str, tuple[int, ...]] = {"embed.W_E": (vocab, width), "unembed.W_U": (width, vocab)}
    sizes |= {"embed.W_pos": (time + 3, width)} if a.positions == "learned" else {}
    norms = ["final_norm", *(f"blocks.{i}.norm{n}" for i in range(a.blocks) for n in (1, 2))]
    sizes |= {f"{norm}.weight": (width,) for norm in norms}
    sizes |= {f"{norm}.bias": (width,) for norm in norms if a.norm == "layer_norm"}
    for i in range(a.blocks):
        queries, keys = a.heads * a.head_dim, a.kv_heads * a.head_dim
        block = {"attn.{}_Q": (width, queries), "attn.{}_K": (width, keys), "attn.{}_V": (width, keys)}
        block |= {"attn.{}_O": (queries, width), "mlp.{}_in": (width, hidden), "mlp.{}_out": (hidden, width)}
        block |= {"mlp.{}_gate": (width, hidden)} if a.gated else {}
        for name, size in block.items():
            sizes[f"blocks.{i}.{name.format('W')}"] = size
            sizes |= {f"blocks.{i}.{name.format('b')}": size[1:]} if biased else {}
    return {name: torch.randn(size, generator=generator) * 0.5 for name, size in sizes.items()}


def _forward(a: Anatomy, p: Mapping[str, Tensor], ids: Tensor) -> dict[str, Tensor]:
    s = {"embed.tok": F.embedding(ids, p["embed.W_E"])}
    s["embed.out"] = s["embed.tok"]
    if a.positions == "learned":
        s["embed.pos"] = F.embedding(torch.arange(len(ids)), p["embed.W_pos"])
        s["embed.out"] = s["embed.tok"] + s["embed.pos"]
    x = s["embed.out"]
    for i in range(a.blocks):
        x = _block(a, p, s, f"blocks.{i}", x)
    s["final_norm"] = _norm(a, p, "final_norm", x)
    s["logits"] = F.linear(s["final_norm"], p["unembed.W_U"].mT)
    s["probs"] = F.softmax(s["logits"], dim=-1)
    return s


def _block(a: Anatomy, p: Mapping[str, Tensor], s: dict[str, Tensor], at: str, x: Tensor) -> Tensor:
    def linear(value: Tensor, where: str, role: str) -> Tensor:
        return F.linear(value, p[f"{at}.{where}.W_{role}"].mT, p.get(f"{at}.{where}.b_{role}"))

    time, groups = len(x), a.heads // a.kv_heads
    s[f"{at}.norm1"] = _norm(a, p, f"{at}.norm1", x)
    q, k, v = (linear(s[f"{at}.norm1"], "attn", r).view(time, -1, a.head_dim).transpose(0, 1) for r in "QKV")
    s |= {f"{at}.attn.q": q, f"{at}.attn.k": k, f"{at}.attn.v": v}
    if a.positions == "rotary":
        q, k = rotated(q, k, a.rope_theta)
        s |= {f"{at}.attn.q_rot": q, f"{at}.attn.k_rot": k}
    s[f"{at}.attn.scores"] = q @ k.repeat_interleave(groups, 0).mT / a.head_dim**0.5
    mask = torch.zeros(time, time)
    if a.causal:
        mask = mask.masked_fill(torch.ones(time, time).tril() == 0, -torch.inf)
    s[f"{at}.attn.mask"] = mask
    s[f"{at}.attn.pattern"] = F.softmax(s[f"{at}.attn.scores"] + mask, dim=-1)
    s[f"{at}.attn.z"] = s[f"{at}.attn.pattern"] @ v.repeat_interleave(groups, 0)
    s[f"{at}.attn.out"] = linear(s[f"{at}.attn.z"].transpose(0, 1).reshape(time, -1), "attn", "O")
    s[f"{at}.resid_mid"] = x + s[f"{at}.attn.out"]
    s[f"{at}.norm2"] = _norm(a, p, f"{at}.norm2", s[f"{at}.resid_mid"])
    s[f"{at}.mlp.pre"] = linear(s[f"{at}.norm2"], "mlp", "gate" if a.gated else "in")
    s[f"{at}.mlp.act"] = ACTIVATIONS[a.activation](s[f"{at}.mlp.pre"])
    if a.gated:
        s[f"{at}.mlp.up"] = linear(s[f"{at}.norm2"], "mlp", "in")
        s[f"{at}.mlp.act"] = s[f"{at}.mlp.act"] * s[f"{at}.mlp.up"]
    s[f"{at}.mlp.out"] = linear(s[f"{at}.mlp.act"], "mlp", "out")
    s[f"{at}.resid"] = s[f"{at}.resid_mid"] + s[f"{at}.mlp.out"]
    return s[f"{at}.resid"]


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "relu": F.relu,
    "relu_squared": lambda x: F.relu(x) ** 2,
}


def _norm(a: Anatomy, p: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    if a.norm == "rms_norm":
        return F.rms_norm(x, x.shape[-1:], p[f"{name}.weight"], a.norm_eps)
    return F.layer_norm(x, x.shape[-1:], p[f"{name}.weight"], p[f"{name}.bias"], a.norm_eps)


def rotated(q: Tensor, k: Tensor, theta: float) -> tuple[Tensor, Tensor]:
    """Queries and keys (H, T, D) turned by transformers' own Llama code."""
    rope = {"rope_type": "default", "rope_theta": theta}
    config = LlamaConfig(hidden_size=q.shape[-1], num_attention_heads=1, head_dim=q.shape[-1], rope_parameters=rope)
    cos, sin = LlamaRotaryEmbedding(config)(q, torch.arange(q.shape[1])[None])
    turned: tuple[Tensor, Tensor] = apply_rotary_pos_emb(q[None], k[None], cos, sin)
    return turned[0][0], turned[1][0]


@pytest.fixture(scope="session")
def gpt_trace() -> MakeTrace:
    """See `trace_of_gpt`."""
    return trace_of_gpt


@pytest.fixture(scope="session")
def torch_trace() -> MakeTrace:
    """See `trace_of_torch`."""
    return trace_of_torch


@pytest.fixture(scope="session")
def with_cell() -> Callable[[Trace, str, tuple[int, ...], float], Trace]:
    """A trace in which one cell of one step's first call holds another number."""

    def change(trace: Trace, step: str, cell: tuple[int, ...], value: float) -> Trace:
        array = np.array(trace[step])
        array[cell] = value
        return replace(trace, steps={**trace.steps, step: [array, *trace.steps[step][1:]]})

    return change
