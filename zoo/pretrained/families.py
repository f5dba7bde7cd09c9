"""What the loader knows of each Hugging Face architecture: its classes, its names, its weights.

A family is one `Architecture`: a table from module paths to schema names, a function that refuses
what the schema cannot say truthfully, and one that lays the weights out as an `Anatomy`.
The paths begin with "model.", the wrapper's only submodule (`zoo.pretrained.huggingface.CausalLM`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from zoo.plugin import Activation, Anatomy
from zoo.pretrained.attention import ATTENTION, ROTARY_ATTENTION, record_heads

ACTIVATIONS: Mapping[str, Activation] = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "silu": "silu",
    "swish": "silu",
    "relu": "relu",
}
"""A configuration's word for the activation -> ours."""


@dataclass(frozen=True)
class Architecture:
    """One family of causal models, as transformers builds it."""

    title: str
    model_type: str
    """The word in config.json, and the name of the library's package."""
    config_class: str
    model_class: str
    attention: str
    names: Mapping[str, str]
    refusal: Callable[[Any], str | None]
    """Why a configuration cannot be shown truthfully; None where it can."""
    anatomy: Callable[[Any], Anatomy]
    prepare: Callable[[Any], None] = lambda model: None
    """Called once on a loaded model, for what a table of names cannot express."""


def _gpt2_refusal(config: Any) -> str | None:
    if not config.scale_attn_weights or config.scale_attn_by_inverse_layer_idx:
        return "its attention scores are not scaled by 1 / √(head size)"
    if config.add_cross_attention:
        return "it has cross-attention to an encoder"
    return _unknown_activation(config.activation_function)


def _gpt2_anatomy(model: Any) -> Anatomy:
    config, body = model.config, model.transformer
    width, head_dim = config.n_embd, config.n_embd // config.n_head
    params = {"embed.W_E": body.wte.weight, "embed.W_pos": body.wpe.weight, "unembed.W_U": model.lm_head.weight.mT}
    params |= _weights("final_norm", body.ln_f)
    for i, block in enumerate(body.h):
        at = f"blocks.{i}"
        params |= _weights(f"{at}.norm1", block.ln_1) | _weights(f"{at}.norm2", block.ln_2)
        fused = block.attn.c_attn  # weight (C, 3C): queries, keys and values side by side
        for letter, weight, bias in zip("QKV", fused.weight.split(width, 1), fused.bias.split(width), strict=True):
            params |= {f"{at}.attn.W_{letter}": weight, f"{at}.attn.b_{letter}": bias}
        for name, layer in (("attn.{}_O", block.attn.c_proj), ("mlp.{}_in", block.mlp.c_fc)):
            params |= {f"{at}.{name.format('W')}": layer.weight, f"{at}.{name.format('b')}": layer.bias}
        params |= {f"{at}.mlp.W_out": block.mlp.c_proj.weight, f"{at}.mlp.b_out": block.mlp.c_proj.bias}
    return Anatomy(
        params=_detached(params),
        blocks=config.n_layer,
        heads=config.n_head,
        kv_heads=config.n_head,
        head_dim=head_dim,
        norm="layer_norm",
        norm_eps=config.layer_norm_epsilon,
        activation=ACTIVATIONS[config.activation_function],
        positions="learned",
    )


def _llama_refusal(config: Any) -> str | None:
    kind = (config.rope_parameters or {}).get("rope_type", "default")
    if kind != "default":
        return f"its rotary positions are of the kind {kind!r}; only the default kind can be shown"
    if config.num_attention_heads % config.num_key_value_heads:
        return "its query heads cannot be shared out evenly among its key and value heads"
    return _unknown_activation(config.hidden_act)


def _llama_prepare(model: Any) -> None:
    for i, block in enumerate(model.model.layers):
        attn = block.self_attn
        for name, projection in (("q", attn.q_proj), ("k", attn.k_proj), ("v", attn.v_proj)):
            record_heads(projection, name, i, attn.head_dim)


def _llama_anatomy(model: Any) -> Anatomy:
    config, body = model.config, model.model
    params = {"embed.W_E": body.embed_tokens.weight, "unembed.W_U": model.lm_head.weight.mT}
    params["final_norm.weight"] = body.norm.weight
    for i, block in enumerate(body.layers):
        params[f"blocks.{i}.norm1.weight"] = block.input_layernorm.weight
        params[f"blocks.{i}.norm2.weight"] = block.post_attention_layernorm.weight
        for name, linear in _llama_linears(block):
            group, role = name.split(".")
            params[f"blocks.{i}.{group}.W_{role}"] = linear.weight.mT
            if linear.bias is not None:
                params[f"blocks.{i}.{group}.b_{role}"] = linear.bias
    return Anatomy(
        params=_detached(params),
        blocks=config.num_hidden_layers,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        head_dim=config.head_dim,
        norm="rms_norm",
        norm_eps=config.rms_norm_eps,
        activation=ACTIVATIONS[config.hidden_act],
        gated=True,
        positions="rotary",
        rope_theta=float(config.rope_parameters["rope_theta"]),
    )


def _llama_linears(block: Any) -> Iterator[tuple[str, Any]]:
    attn, mlp = block.self_attn, block.mlp
    yield from (("attn.Q", attn.q_proj), ("attn.K", attn.k_proj), ("attn.V", attn.v_proj), ("attn.O", attn.o_proj))
    yield from (("mlp.gate", mlp.gate_proj), ("mlp.in", mlp.up_proj), ("mlp.out", mlp.down_proj))


def _weights(name: str, norm: Any) -> dict[str, Tensor]:
    return {f"{name}.weight": norm.weight, f"{name}.bias": norm.bias}


def _detached(params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach() for name, tensor in params.items()}


def _unknown_activation(name: str) -> str | None:
    return None if name in ACTIVATIONS else f"its activation {name!r} is none of {', '.join(ACTIVATIONS)}"


GPT2 = Architecture(
    title="GPT-2",
    model_type="gpt2",
    config_class="GPT2Config",
    model_class="GPT2LMHeadModel",
    attention=ATTENTION,
    names={
        "model.transformer.wte": "embed.tok",
        "model.transformer.wpe": "embed.pos",
        "model.transformer.h.0:input": "embed.out",
        "model.transformer.h.{i}.ln_1": "blocks.{i}.norm1",
        "model.transformer.h.{i}.attn.c_proj": "blocks.{i}.attn.out",
        "model.transformer.h.{i}.ln_2:stream": "blocks.{i}.resid_mid",
        "model.transformer.h.{i}.ln_2": "blocks.{i}.norm2",
        "model.transformer.h.{i}.mlp.c_fc": "blocks.{i}.mlp.pre",
        "model.transformer.h.{i}.mlp.c_proj:input": "blocks.{i}.mlp.act",
        "model.transformer.h.{i}.mlp.c_proj": "blocks.{i}.mlp.out",
        "model.transformer.h.{i}": "blocks.{i}.resid",
        "model.transformer.ln_f": "final_norm",
        "model.lm_head": "logits",
    },
    refusal=_gpt2_refusal,
    anatomy=_gpt2_anatomy,
)

LLAMA = Architecture(
    title="Llama",
    model_type="llama",
    config_class="LlamaConfig",
    model_class="LlamaForCausalLM",
    attention=ROTARY_ATTENTION,
    names={
        "model.model.embed_tokens": "embed.tok",
        "model.model.layers.0:input": "embed.out",
        "model.model.layers.{i}.input_layernorm": "blocks.{i}.norm1",
        "model.model.layers.{i}.self_attn.o_proj": "blocks.{i}.attn.out",
        "model.model.layers.{i}.post_attention_layernorm:stream": "blocks.{i}.resid_mid",
        "model.model.layers.{i}.post_attention_layernorm": "blocks.{i}.norm2",
        "model.model.layers.{i}.mlp.gate_proj": "blocks.{i}.mlp.pre",
        "model.model.layers.{i}.mlp.up_proj": "blocks.{i}.mlp.up",
        "model.model.layers.{i}.mlp.down_proj:input": "blocks.{i}.mlp.act",
        "model.model.layers.{i}.mlp.down_proj": "blocks.{i}.mlp.out",
        "model.model.layers.{i}": "blocks.{i}.resid",
        "model.model.norm": "final_norm",
        "model.lm_head": "logits",
    },
    refusal=_llama_refusal,
    anatomy=_llama_anatomy,
    prepare=_llama_prepare,
)

ARCHITECTURES: Mapping[str, Architecture] = {each.model_type: each for each in (GPT2, LLAMA)}
