"""The textbook GPT against Hugging Face's GPT-2 with the same weights, its causality, and its bounds."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from zoo.models.gpt import Config, GPTPlugin
from zoo.trace.record import record_trace

POSITIONS = ("learned", "sinusoidal", "rotary", "none")


def build(vocab: int, seed: int = 0, **values: object) -> nn.Module:
    torch.manual_seed(seed)
    return GPTPlugin().build(Config(**values), vocab).eval()


def gpt2(config: Config, vocab: int) -> GPT2LMHeadModel:
    """A random GPT-2 of the same shape, with every weight (norms and biases too) away from its start."""
    reference = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocab,
            n_positions=config.context,
            n_embd=config.width,
            n_layer=config.blocks,
            n_head=config.heads,
            activation_function="gelu_new",
            layer_norm_epsilon=1e-5,
            tie_word_embeddings=config.tied,
            bos_token_id=0,
            eos_token_id=0,
        )
    )
    for name, parameter in reference.named_parameters():
        nn.init.normal_(parameter, mean=float("ln_" in name and "weight" in name), std=0.2)
    return reference.eval()


def copied(reference: GPT2LMHeadModel, config: Config, vocab: int) -> nn.Module:
    """Ours with the reference's weights; GPT-2's Conv1D holds its matrices as (in, out)."""
    theirs = reference.state_dict()
    pairs = {
        "embed.weight": theirs["transformer.wte.weight"],
        "embed_positions.weight": theirs["transformer.wpe.weight"],
        "final_norm.weight": theirs["transformer.ln_f.weight"],
        "final_norm.bias": theirs["transformer.ln_f.bias"],
        "unembed.weight": theirs["lm_head.weight"],
    }
    for i in range(config.blocks):
        ours, block = f"blocks.{i}.", f"transformer.h.{i}."
        for part in ("weight", "bias"):
            for norm, their_norm in (("norm1", "ln_1"), ("norm2", "ln_2")):
                pairs[f"{ours}{norm}.{part}"] = theirs[f"{block}{their_norm}.{part}"]
            packed = theirs[f"{block}attn.c_attn.{part}"].chunk(3, dim=-1)
            for name, value in zip(("query", "key", "value"), packed, strict=True):
                pairs[f"{ours}attn.{name}.{part}"] = value.mT if part == "weight" else value
            for name, their_name in (("attn.out", "attn.c_proj"), ("mlp.up", "mlp.c_fc"), ("mlp.down", "mlp.c_proj")):
                value = theirs[f"{block}{their_name}.{part}"]
                pairs[f"{ours}{name}.{part}"] = value.mT if part == "weight" else value
    model = GPTPlugin().build(config, vocab)
    model.load_state_dict(pairs)
    return model.eval()


@pytest.mark.parametrize(
    ("blocks", "heads", "width", "time", "batch", "tied"),
    [(1, 1, 8, 1, 1, True), (2, 2, 16, 7, 3, True), (3, 4, 32, 16, 1, False), (2, 8, 64, 40, 2, True)],
)
def test_logits_equal_those_of_gpt2(blocks, heads, width, time, batch, tied):
    config = Config(blocks=blocks, heads=heads, width=width, context=40, tied=tied)
    torch.manual_seed(blocks)
    reference = gpt2(config, vocab=53)
    model = copied(reference, config, vocab=53)
    assert (model.unembed.weight is model.embed.weight) == tied
    ids = torch.randint(53, (batch, time))
    with torch.no_grad():
        expected, found = reference(ids).logits, model(ids)
    assert expected.std() > 0.5  # not a comparison of zeros
    assert torch.allclose(found, expected, atol=1e-5, rtol=0)


def test_the_recorded_steps_are_those_of_gpt2():
    config = Config(blocks=2, heads=2, width=16, context=8, tied=True)
    torch.manual_seed(0)
    reference = gpt2(config, vocab=11)
    reference.set_attn_implementation("eager")
    ids = torch.tensor([[3, 1, 4, 1, 5]])
    with torch.no_grad():
        expected = reference(ids, output_attentions=True, output_hidden_states=True)
    steps = record_trace(copied(reference, config, vocab=11), ids, names={}).steps
    for i, pattern in enumerate(expected.attentions):
        assert torch.allclose(steps[f"blocks.{i}.attn.pattern"][0], pattern, atol=1e-5)
    assert torch.allclose(steps["embed.out"][0], expected.hidden_states[0], atol=1e-5)
    assert torch.allclose(steps["blocks.0.resid"][0], expected.hidden_states[1], atol=1e-5)
    assert torch.allclose(steps["final_norm"][0], expected.hidden_states[2], atol=1e-5)


configs = st.builds(
    lambda blocks, heads, half, positions, tied: {
        "blocks": blocks,
        "heads": heads,
        "width": heads * 2 * half if heads * 2 * half >= 8 else 8 * heads,
        "context": 12,
        "positions": positions,
        "tied": tied,
    },
    blocks=st.integers(1, 3),
    heads=st.integers(1, 4),
    half=st.integers(1, 4),
    positions=st.sampled_from(POSITIONS),
    tied=st.booleans(),
)


@settings(max_examples=40)
@given(values=configs, time=st.integers(2, 12), data=st.data())
def test_a_changed_token_leaves_the_logits_before_it_as_they_were(values, time, data):
    model = build(9, **values)
    at = data.draw(st.integers(0, time - 1))
    ids = torch.randint(9, (1, time))
    other = ids.clone()
    other[0, at] = (ids[0, at] + data.draw(st.integers(1, 8))) % 9
    with torch.no_grad():
        before, after = model(ids), model(other)
    assert torch.allclose(before[:, :at], after[:, :at], atol=1e-6, rtol=0)
    assert not torch.allclose(before[:, at], after[:, at], atol=1e-6, rtol=0)


@settings(max_examples=15)
@given(values=configs, cut=st.integers(1, 11))
def test_a_prefix_has_the_logits_that_it_has_in_the_longer_text(values, cut):
    model = build(9, **values)
    ids = torch.randint(9, (2, 12))
    with torch.no_grad():
        assert torch.allclose(model(ids)[:, :cut], model(ids[:, :cut]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("positions", POSITIONS)
def test_only_without_positions_is_the_last_prediction_blind_to_order(positions):
    """One block, so that the mask itself gives no hint: the last token sees a bag of tokens."""
    model = build(9, blocks=1, heads=2, width=16, context=8, positions=positions)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    with torch.no_grad():
        one, other = model(torch.tensor([[1, 2, 3, 4]])), model(torch.tensor([[3, 1, 2, 4]]))
    assert torch.allclose(one[:, -1], other[:, -1], atol=1e-5) == (positions == "none")


@pytest.mark.parametrize("positions", POSITIONS)
def test_a_text_longer_than_the_context_is_refused(positions):
    model = build(9, blocks=1, heads=1, width=8, context=4, positions=positions)
    assert model(torch.zeros(1, 4, dtype=torch.long)).shape == (1, 4, 9)
    with pytest.raises(ValueError, match="the text has 5 tokens; this model reads at most 4"):
        model(torch.zeros(1, 5, dtype=torch.long))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"width": 30, "heads": 4}, "width 30 is not a multiple of heads 4"),
        ({"width": 12, "heads": 4, "positions": "rotary"}, "width / heads must be even"),
        ({"blocks": 0}, "greater than or equal to 1"),
        ({"heads": 0}, "greater than or equal to 1"),
        ({"heads": 33}, "less than or equal to 32"),
        ({"width": 4}, "greater than or equal to 8"),
        ({"width": 2048}, "less than or equal to 1024"),
        ({"context": 1}, "greater than or equal to 2"),
        ({"positions": "relative"}, "learned"),
    ],
)
def test_a_config_out_of_bounds_is_refused(values, words):
    with pytest.raises(ValidationError, match=words):
        Config(**values)


def test_untrained_weights_are_small_and_the_prediction_is_near_uniform():
    model = build(50, blocks=2, heads=2, width=64, context=16)
    assert abs(model.embed.weight.std().item() - 0.02) < 0.002
    with torch.no_grad():
        probs = model(torch.arange(10)[None]).softmax(-1)
    assert (probs.max() / probs.min()).item() < 3


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("tied", [False, True])
def test_the_anatomy_holds_every_weight_in_input_times_matrix_orientation(positions, tied):
    plugin = GPTPlugin()
    model = build(9, blocks=2, heads=2, width=16, context=8, positions=positions, tied=tied)
    anatomy = plugin.anatomy(model)
    learned = sum(each.numel() for each in model.parameters())
    shown = sum(each.numel() for name, each in anatomy.params.items() if name != "embed.W_pos")
    counted = shown + (8 * 16 if positions == "learned" else 0) - (9 * 16 if tied else 0)
    assert counted == learned
    steps = record_trace(model, torch.tensor([[1, 2, 3]]), names=plugin.names()).steps
    q = steps["blocks.1.norm1"][0] @ anatomy.params["blocks.1.attn.W_Q"] + anatomy.params["blocks.1.attn.b_Q"]
    assert torch.allclose(q, steps["blocks.1.attn.q"][0].transpose(1, 2).flatten(2), atol=1e-5)
    assert torch.allclose(steps["final_norm"][0] @ anatomy.params["unembed.W_U"], steps["logits"][0], atol=1e-5)
    assert not any(value.requires_grad for value in anatomy.params.values())
