"""Loading a folder: what comes back, the untrained twin, the tokenizer, and each refusal in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from zoo.pretrained.huggingface import Pretrained, is_huggingface_folder, load_huggingface
from zoo.tokenizers import Tokenizer

Make = Callable[..., Path]
Folders = Callable[[str], Path]
IDS = torch.tensor([[5, 9, 40, 2, 7]])


def change(folder: Path, **changes: Any) -> Path:
    """Write over some of config.json's entries; None removes one."""
    settings = {**json.loads((folder / "config.json").read_text()), **changes}
    (folder / "config.json").write_text(json.dumps({k: v for k, v in settings.items() if v is not None}))
    return folder


def test_a_loaded_model_says_what_it_is(folders: Folders) -> None:
    loaded = load_huggingface(str(folders("llama")))
    assert loaded.title == folders("llama").name
    assert loaded.family == "gpt"
    assert loaded.context == 24
    assert loaded.bos is None
    size = sum(each.numel() for each in loaded.module.parameters())
    assert loaded.summary == (
        f"A Llama of 2 blocks with 4 heads that share 2 keys and values; {size:,} weights, read from its folder."
    )
    a = loaded.anatomy
    assert (a.blocks, a.heads, a.kv_heads, a.head_dim) == (2, 4, 2, 6)
    assert (a.norm, a.norm_eps, a.activation, a.gated) == ("rms_norm", 1e-3, "silu", True)
    assert (a.positions, a.rope_theta, a.causal) == ("rotary", 300.0, True)
    assert a.scale == pytest.approx(6**-0.5)


def test_the_anatomy_of_gpt2(folders: Folders) -> None:
    a = load_huggingface(folders("gpt2")).anatomy
    assert (a.blocks, a.heads, a.kv_heads, a.head_dim) == (2, 3, 3, 4)
    assert (a.norm, a.norm_eps, a.activation, a.gated) == ("layer_norm", 1e-3, "gelu_tanh", False)
    assert (a.positions, a.causal) == ("learned", True)


def test_weights_are_float32_in_eval_mode(loaded: Pretrained) -> None:
    assert {each.dtype for each in loaded.module.parameters()} == {torch.float32}
    assert not loaded.module.training


def test_half_precision_files_are_computed_in_float32(make: Make) -> None:
    folder = make("llama")
    from transformers import LlamaForCausalLM

    LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).to(torch.bfloat16).save_pretrained(folder)
    assert {each.dtype for each in load_huggingface(folder).module.parameters()} == {torch.float32}


@torch.no_grad()
def test_untrained_twin_is_the_seeds(folder: Path, loaded: Pretrained) -> None:
    state = torch.get_rng_state()
    one, same, other = (load_huggingface(folder, untrained_seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    logits = one.module(IDS)
    assert torch.equal(logits, same.module(IDS))
    assert not torch.equal(logits, other.module(IDS))
    assert not torch.equal(logits, loaded.module(IDS))
    assert {n: p.shape for n, p in one.module.named_parameters()} == {
        n: p.shape for n, p in loaded.module.named_parameters()
    }
    assert one.tokenizer.hash == loaded.tokenizer.hash
    assert "random (seed 3)" in one.summary


def test_untrained_twin_knows_almost_nothing(folder: Path) -> None:
    twin = load_huggingface(folder, untrained_seed=0)
    with torch.no_grad():
        probabilities = twin.module(IDS).softmax(-1)[0, -1]
    entropy = float(-(probabilities * probabilities.log()).sum())
    assert entropy == pytest.approx(torch.tensor(float(len(probabilities))).log().item(), abs=0.1)


def test_untrained_twin_needs_no_weights(make: Make) -> None:
    folder = make("gpt2")
    (folder / "model.safetensors").unlink()
    assert load_huggingface(folder, untrained_seed=0).module(IDS).shape == (1, 5, 270)


def test_weights_in_several_files_are_read(make: Make) -> None:
    folder = make("gpt2")
    whole = load_huggingface(folder).module(IDS)
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="8KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    assert torch.equal(load_huggingface(folder).module(IDS), whole)


def test_the_files_of_old_gpt2_are_read(make: Make) -> None:
    """Published GPT-2 files name weights without the outer module, and hold the causal mask."""
    from safetensors.torch import load_file, save_file

    folder = make("gpt2")
    whole = load_huggingface(folder).module(IDS)
    saved = load_file(folder / "model.safetensors")
    weights = {name.removeprefix("transformer."): each for name, each in saved.items()}
    weights["h.0.attn.bias"] = torch.ones(1, 1, 24, 24).tril()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert torch.equal(load_huggingface(folder).module(IDS), whole)


@pytest.mark.parametrize("untrained_seed", [None, 0])
def test_a_separate_output_layer_is_shown_as_one(make: Make, untrained_seed: int | None) -> None:
    loaded = load_huggingface(make("gpt2", tie_word_embeddings=False), untrained_seed=untrained_seed)
    assert not torch.equal(loaded.anatomy.params["unembed.W_U"], loaded.anatomy.params["embed.W_E"].mT)


def test_a_text_beyond_the_context_is_refused(folders: Folders) -> None:
    module = load_huggingface(folders("llama")).module
    assert module(torch.zeros(1, 24, dtype=torch.long)).shape == (1, 24, 270)
    with pytest.raises(ValueError, match="the text has 25 tokens; this model reads at most 24"):
        module(torch.zeros(1, 25, dtype=torch.long))


def test_nothing_is_printed(folders: Folders, capfd: pytest.CaptureFixture[str]) -> None:
    load_huggingface(folders("gpt2"))
    load_huggingface(folders("llama"), untrained_seed=1)
    assert capfd.readouterr() == ("", "")


def test_folders_are_recognised(folders: Folders, tmp_path: Path) -> None:
    assert is_huggingface_folder(folders("gpt2"))
    assert is_huggingface_folder(str(folders("gpt2")))
    assert not is_huggingface_folder(tmp_path)
    assert not is_huggingface_folder(tmp_path / "absent")


def test_missing_things_are_named(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="absent is not a folder"):
        load_huggingface(tmp_path / "absent")
    with pytest.raises(ValueError, match=r"has no config\.json"):
        load_huggingface(tmp_path)
    folder = make("llama")
    for name in ("model.safetensors", "tokenizer.json"):
        (folder / name).rename(folder / "aside")
        with pytest.raises(ValueError, match=f"has no {name}"):
            load_huggingface(folder)
        (folder / "aside").rename(folder / name)
    load_huggingface(folder)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\ud83d"])
def test_a_broken_config_is_one_sentence(make: Make, text: str) -> None:
    folder = make("gpt2")
    (folder / "config.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=r"config\.json is not readable JSON|not supported") as caught:
        load_huggingface(folder)
    assert "\n" not in str(caught.value)


def test_an_unknown_architecture_names_those_that_are_known(make: Make) -> None:
    folder = change(make("gpt2"), model_type="bert")
    with pytest.raises(ValueError, match=r"'bert' is not supported; these are: GPT-2 \(gpt2\), Llama \(llama\)"):
        load_huggingface(folder)


@pytest.mark.parametrize(
    ("family", "changes", "reason"),
    [
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "not scaled by"),
        ("gpt2", {"scale_attn_weights": False}, "not scaled by"),
        ("gpt2", {"activation_function": "tanh"}, "activation 'tanh'"),
        ("gpt2", {"add_cross_attention": True}, "cross-attention"),
        ("gpt2", {"is_causal": False}, "looks at the future"),
        ("gpt2", {"n_layer": "two"}, "no valid GPT-2 config"),
        ("llama", {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}, "kind 'linear'"),
        ("llama", {"rope_parameters": None, "rope_scaling": {"type": "linear", "factor": 2.0}}, "kind 'linear'"),
        ("llama", {"hidden_act": "relu6"}, "activation 'relu6'"),
        ("llama", {"num_key_value_heads": 3}, "shared out evenly"),
        ("llama", {"num_attention_heads": 5}, "no valid Llama config"),
        ("llama", {"quantization_config": {"quant_method": "gptq"}}, "quantised"),
        ("llama", {"vocab_size": 200}, "do not belong together"),
        ("llama", {"num_hidden_layers": 3}, "weights are missing: model.layers.2"),
        ("llama", {"num_hidden_layers": 1}, "weights have no place in the model .*: model.layers.1"),
        ("llama", {"attention_bias": False}, "weights have no place in the model .*bias and 7 more"),
        ("llama", {"intermediate_size": 16}, "weights have another shape"),
    ],
)
def test_what_would_be_shown_wrong_is_refused(make: Make, family: str, changes: dict[str, Any], reason: str) -> None:
    folder = change(make(family), **changes)
    with pytest.raises(ValueError, match=reason) as caught:
        load_huggingface(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_damaged_file_is_one_sentence(make: Make, name: str) -> None:
    folder = make("gpt2")
    (folder / name).write_bytes(b"hello")
    with pytest.raises(ValueError, match=r"cannot be read|not a tokenizer.json") as caught:
        load_huggingface(folder)
    assert "\n" not in str(caught.value)


def test_pickled_weights_are_not_opened(make: Make) -> None:
    folder = make("gpt2")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ValueError, match=r"has no model\.safetensors; weights in other formats are not read"):
        load_huggingface(folder)


def with_template(folder: Path) -> int:
    """Give the folder's tokenizer a template that puts its first special token before every text."""
    from tokenizers.processors import TemplateProcessing

    raw = Tokenizer.load(folder / "tokenizer.json").raw
    name = "<|endoftext|>"
    number = raw.token_to_id(name)
    raw.post_processor = TemplateProcessing(single=f"{name} $A", special_tokens=[(name, number)])
    raw.enable_truncation(2)
    raw.save(str(folder / "tokenizer.json"))
    return int(number)


def test_the_token_before_every_text(make: Make) -> None:
    folder = make("llama")
    settings = folder / "tokenizer_config.json"
    number = with_template(folder)
    assert load_huggingface(folder).bos == number
    settings.write_text(json.dumps({"add_bos_token": False}))
    assert load_huggingface(folder).bos is None
    settings.write_text("[]")
    assert load_huggingface(folder).bos == number
    settings.unlink()
    Tokenizer.load(make("gpt2") / "tokenizer.json").save(folder / "tokenizer.json")
    assert load_huggingface(folder).bos is None
    settings.write_text(json.dumps({"add_bos_token": True, "bos_token": {"content": "<|endoftext|>"}}))
    assert load_huggingface(folder).bos == number


def test_long_texts_are_not_cut_off_in_silence(make: Make) -> None:
    folder = make("gpt2")
    with_template(folder)
    text = "the cat sat on the mat and the dog saw it"
    tokenizer = load_huggingface(folder).tokenizer
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_stories_tokens_read_as_text(folders: Folders) -> None:
    loaded = load_huggingface(folders("stories260k"))
    assert loaded.bos == 1
    tokenizer = loaded.tokenizer
    assert tokenizer.encode("Once upon a time").pieces == [" Once", " upon", " a", " time"]
    assert tokenizer.encode("a\n★").pieces == [" a", "\n", "<0xE2>", "<0x98>", "<0x85>"]
    for text in ("Once upon a time", "  two  spaces\nand a line", "Lily’s cat ★ 你好", ""):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


@torch.no_grad()
def test_stories_tell_a_story(folders: Folders) -> None:
    loaded = load_huggingface(folders("stories260k"))
    ids = [loaded.bos, *loaded.tokenizer.encode("Once upon a time").ids]
    for _ in range(16):
        ids.append(int(loaded.module(torch.tensor([ids]))[0, -1].argmax()))
    assert loaded.tokenizer.decode(ids[1:]) == "Once upon a time, there was a little girl named Lily. She loved to play"
