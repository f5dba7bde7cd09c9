"""Tiny models in Hugging Face format, written to a temporary folder; and the really trained one where it is at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from zoo.pretrained.huggingface import Pretrained, load_huggingface
from zoo.tokenizers import train_tokenizer

SENTENCES = ["the cat sat on the mat", "a dog saw the cat", "the mat was red and the dog was not"] * 4
STORIES = Path(__file__).resolve().parents[4] / "shared" / "models" / "stories260k"

GPT2_SIZES = {"vocab_size": 270, "n_positions": 24, "n_embd": 12, "n_layer": 2, "n_head": 3, "layer_norm_epsilon": 1e-3}
LLAMA_SIZES = {
    "vocab_size": 270,
    "max_position_embeddings": 24,
    "hidden_size": 12,
    "intermediate_size": 20,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 6,
    "rms_norm_eps": 1e-3,
    "attention_bias": True,
    "mlp_bias": True,
    "rope_parameters": {"rope_type": "default", "rope_theta": 300.0},
}


def make_gpt2(**changes: object) -> nn.Module:
    """A random GPT2LMHeadModel of the library's own."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return _shaken(GPT2LMHeadModel(GPT2Config(**{**GPT2_SIZES, **changes})))


def make_llama(**changes: object) -> nn.Module:
    """A random LlamaForCausalLM: queries share keys, heads are wider than width / heads, all biases are there."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return _shaken(LlamaForCausalLM(LlamaConfig(**{**LLAMA_SIZES, **changes})))


def _shaken(model: nn.Module) -> nn.Module:
    """Weights large enough that attention is far from uniform, and no bias or norm is trivial."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model.eval()


def write(folder: Path, model: nn.Module) -> Path:
    """Save a model with a tokenizer of 270 tokens beside it."""
    model.save_pretrained(folder)  # type: ignore[operator]
    train_tokenizer("bpe", SENTENCES, vocab_size=270).save(folder / "tokenizer.json")
    return folder


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Name -> folder: "gpt2", "llama" (made here) or "stories260k" (skipped where it is absent)."""
    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name == "stories260k":
            if not STORIES.is_dir():
                pytest.skip("../shared/models/stories260k is not at hand")
            return STORIES
        if name not in made:
            make = {"gpt2": make_gpt2, "llama": make_llama}[name]
            made[name] = write(tmp_path_factory.mktemp(name), make())
        return made[name]

    return get


@pytest.fixture(params=["gpt2", "llama", "stories260k"])
def folder(request: pytest.FixtureRequest, folders: Callable[[str], Path]) -> Path:
    """Each model in turn."""
    return folders(request.param)


@pytest.fixture
def loaded(folder: Path) -> Pretrained:
    """Each model in turn, as the zoo loads it."""
    return load_huggingface(folder)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """(family, **changes to its configuration) -> a folder of this test's own."""

    def build(family: str, **changes: object) -> Path:
        model = {"gpt2": make_gpt2, "llama": make_llama}[family](**changes)
        return write(tmp_path / family, model)

    return build
