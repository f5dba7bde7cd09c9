"""BERT against Hugging Face's with the same weights, its sight to both sides, its steps, and its bounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import BertConfig, BertForMaskedLM

from zoo.inference import to_trace
from zoo.models.bert import BERT, BERTPlugin, Config
from zoo.tasks.masked_token import blanked
from zoo.trace.record import record_trace
from zoo.trace.verify import verify
from zoo.training import Recipe

VOCAB = 11


def build(seed: int = 0, spread: float = 0.3, **values: object) -> BERT:
    """A tiny model; with `spread` every weight is drawn anew, so that nothing is zero or one."""
    torch.manual_seed(seed)
    module = BERTPlugin().build(Config(**{"blocks": 2, "heads": 2, "width": 16, "context": 12, **values}), VOCAB)
    for parameter in module.parameters() if spread else ():
        nn.init.normal_(parameter, std=spread)
    return module.eval()


def theirs(config: Config) -> BertForMaskedLM:
    """A random BERT of the same shape, with every weight away from its start; segment 0 adds nothing."""
    reference = BertForMaskedLM(
        BertConfig(
            vocab_size=VOCAB + 1,
            hidden_size=config.width,
            num_hidden_layers=config.blocks,
            num_attention_heads=config.heads,
            intermediate_size=4 * config.width,
            max_position_embeddings=config.context,
            hidden_act="gelu",
            layer_norm_eps=1e-5,
            attn_implementation="eager",
        )
    )
    for name, parameter in reference.named_parameters():
        nn.init.normal_(parameter, mean=float("LayerNorm.weight" in name), std=0.2)
    nn.init.zeros_(reference.bert.embeddings.token_type_embeddings.weight)
    return reference.eval()


def copied(reference: BertForMaskedLM, config: Config) -> BERT:
    """Ours with the reference's weights: each of its norms is ours of the layer that reads it."""
    found = reference.state_dict()
    pairs = {
        "embed.weight": found["bert.embeddings.word_embeddings.weight"],
        "embed_positions.weight": found["bert.embeddings.position_embeddings.weight"],
        "unembed_bias": found["cls.predictions.bias"][:VOCAB],
    }
    layers = {
        "blocks.0.norm1": "bert.embeddings.LayerNorm",
        "final_norm": f"bert.encoder.layer.{config.blocks - 1}.output.LayerNorm",
        "head.dense": "cls.predictions.transform.dense",
        "head.norm": "cls.predictions.transform.LayerNorm",
    }
    for i in range(config.blocks):
        block, layer = f"blocks.{i}", f"bert.encoder.layer.{i}"
        layers |= {f"{block}.attn.{name}": f"{layer}.attention.self.{name}" for name in ("query", "key", "value")}
        layers |= {
            f"{block}.attn.out": f"{layer}.attention.output.dense",
            f"{block}.norm2": f"{layer}.attention.output.LayerNorm",
            f"{block}.mlp.up": f"{layer}.intermediate.dense",
            f"{block}.mlp.down": f"{layer}.output.dense",
        }
        if i:
            layers[f"{block}.norm1"] = f"bert.encoder.layer.{i - 1}.output.LayerNorm"
    for ours, their in layers.items():
        pairs |= {f"{ours}.{part}": found[f"{their}.{part}"] for part in ("weight", "bias")}
    model = BERTPlugin().build(config, VOCAB)
    model.load_state_dict(pairs)
    return model.eval()


SHAPES = [(1, 1, 8, 1, 1), (2, 2, 16, 7, 3), (3, 4, 32, 12, 2)]


@pytest.mark.parametrize(("blocks", "heads", "width", "time", "batch"), SHAPES)
def test_logits_equal_those_of_hugging_face(blocks: int, heads: int, width: int, time: int, batch: int) -> None:
    config = Config(blocks=blocks, heads=heads, width=width, context=12)
    torch.manual_seed(blocks)
    reference = theirs(config)
    ids = torch.randint(VOCAB + 1, (batch, time))  # the blank among them
    with torch.no_grad():
        expected, found = reference(input_ids=ids).logits[..., :VOCAB], copied(reference, config)(ids)
    assert expected.std() > 0.1
    assert torch.allclose(found, expected, atol=1e-5)


def test_the_steps_equal_those_of_hugging_face() -> None:
    config = Config(blocks=2, heads=2, width=16, context=12)
    torch.manual_seed(0)
    reference = theirs(config)
    ids = torch.tensor([[3, VOCAB, 4, 1, 5]])
    expected = reference(input_ids=ids, output_attentions=True, output_hidden_states=True)
    steps = record_trace(copied(reference, config), ids, names={}).steps
    for i, pattern in enumerate(expected.attentions):
        assert torch.allclose(steps[f"blocks.{i}.attn.pattern"][0], pattern, atol=1e-5)
    for name, stream in zip(("blocks.0.norm1", "blocks.1.norm1", "final_norm"), expected.hidden_states, strict=True):
        assert torch.allclose(steps[name][0], stream, atol=1e-5)


def test_every_step_follows_from_the_ones_before_it() -> None:
    """The identities of a stream that goes on from its norms, each worked with torch's own functions."""
    module = build()
    recorded = record_trace(module, torch.tensor([[3, VOCAB, 4, 1]]), names={}).steps
    steps = {name: calls[0] for name, calls in recorded.items()}

    def norm(x: Tensor, layer: nn.LayerNorm) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], layer.weight, layer.bias)

    expected = {"embed.out": steps["embed.tok"] + steps["embed.pos"]}
    stream = "embed.out"
    for i, block in enumerate(module.blocks):
        at = f"blocks.{i}"
        expected |= {
            f"{at}.norm1": norm(steps[stream], block.norm1),
            f"{at}.resid_mid": steps[f"{at}.norm1"] + steps[f"{at}.attn.out"],
            f"{at}.norm2": norm(steps[f"{at}.resid_mid"], block.norm2),
            f"{at}.mlp.pre": F.linear(steps[f"{at}.norm2"], block.mlp.up.weight, block.mlp.up.bias),
            f"{at}.mlp.act": F.gelu(steps[f"{at}.mlp.pre"]),
            f"{at}.resid": steps[f"{at}.norm2"] + steps[f"{at}.mlp.out"],
            f"{at}.mlp.out": F.linear(steps[f"{at}.mlp.act"], block.mlp.down.weight, block.mlp.down.bias),
            f"{at}.attn.scores": steps[f"{at}.attn.q"] @ steps[f"{at}.attn.k"].mT / 8**0.5,
            f"{at}.attn.mask": torch.zeros(4, 4),
            f"{at}.attn.pattern": steps[f"{at}.attn.scores"].softmax(-1),
            f"{at}.attn.z": steps[f"{at}.attn.pattern"] @ steps[f"{at}.attn.v"],
            f"{at}.attn.out": block.attn.out(steps[f"{at}.attn.z"].transpose(1, 2).flatten(2)),
        }
        for name in ("query", "key", "value"):
            linear = getattr(block.attn, name)
            made = F.linear(steps[f"{at}.norm1"], linear.weight, linear.bias)
            expected[f"{at}.attn.{name[0]}"] = block.attn.split(made)
        stream = f"{at}.resid"
    expected |= {
        "final_norm": norm(steps[stream], module.final_norm),
        "head.pre": F.linear(steps["final_norm"], module.head.dense.weight, module.head.dense.bias),
        "head.act": F.gelu(steps["head.pre"]),
        "head.norm": norm(steps["head.act"], module.head.norm),
        "logits": steps["head.norm"] @ module.embed.weight[:VOCAB].mT + module.unembed_bias,
    }
    for name, value in expected.items():
        assert torch.allclose(steps[name], value, atol=1e-5), name
    assert set(steps) - set(expected) == {"embed.tok", "embed.pos"}


def test_every_number_is_recomputed_from_those_beside_it() -> None:
    module, ids = build(6), [3, VOCAB, 4, 1]
    recording = record_trace(module, torch.tensor([ids]), names=BERTPlugin().names())
    anatomy = BERTPlugin().anatomy(module)
    checks = verify(to_trace(recording, "zoo/bert", ids, [str(each) for each in ids], anatomy))
    assert [(check.step, check.reason) for check in checks if check.ok is not True] == []
    assert {check.step for check in checks} == {*recording.steps, "probs"}
    learned = {each.data_ptr(): each.numel() for each in module.parameters()}
    assert {each.data_ptr(): each.numel() for name, each in anatomy.params.items() if name != "unembed.W_U"} == learned


@settings(max_examples=30)
@given(time=st.integers(2, 12), data=st.data())
def test_each_token_sees_every_other_before_and_behind_it(time: int, data: st.DataObject) -> None:
    model = build(1, blocks=1)
    at = data.draw(st.integers(0, time - 1))
    ids = torch.randint(VOCAB, (1, time))
    other = ids.clone()
    other[0, at] = (ids[0, at] + data.draw(st.integers(1, VOCAB - 1))) % VOCAB
    with torch.no_grad():
        moved = (model(ids) - model(other)).abs().amax(-1)[0]
    assert (moved > 1e-6).all()


def test_a_blank_is_filled_otherwise_when_the_word_behind_it_is_another() -> None:
    """Learned, not only seen: two sentences that differ behind the blank alone; the word to its right decides."""
    texts = torch.tensor([[1, 2, 3], [1, 4, 5]])  # "1 _ 3" wants 2, "1 _ 5" wants 4
    asked = texts.clone()
    asked[:, 1] = VOCAB
    model = build(2, spread=0).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(60):
        F.cross_entropy(model(asked)[:, 1], texts[:, 1]).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert model.eval()(asked)[:, 1].softmax(-1)[[0, 1], [2, 4]].min() > 0.9


def test_texts_of_a_batch_do_not_mix() -> None:
    model, ids = build(3), torch.randint(VOCAB + 1, (4, 9))
    with torch.no_grad():
        assert torch.allclose(model(ids), torch.cat([model(row[None]) for row in ids]), atol=1e-5)


def test_every_parameter_is_learned() -> None:
    model = build(4, spread=0).train()
    inputs, targets = blanked(torch.randint(VOCAB, (8, 12)), VOCAB, np.random.default_rng(0))
    F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), ignore_index=-1).backward()
    assert [name for name, each in model.named_parameters() if each.grad is None or not each.grad.any()] == []


def test_untrained_weights_are_small_and_the_prediction_is_near_uniform() -> None:
    model = build(5, spread=0, width=64)
    assert abs(model.embed.weight.std().item() - 0.02) < 0.002
    with torch.no_grad():
        probs = model(torch.arange(VOCAB + 1)[None]).softmax(-1)
    assert probs.shape == (1, VOCAB + 1, VOCAB)
    assert (probs.max() / probs.min()).item() < 4


def test_a_text_longer_than_the_context_is_refused() -> None:
    with pytest.raises(ValueError, match="the text has 13 tokens; this model reads at most 12"):
        build()(torch.zeros(1, 13, dtype=torch.long))


def test_the_recommended_recipe_is_one() -> None:
    assert Recipe(seconds=1, **BERTPlugin().recipe()).precision == "bfloat16"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"width": 30, "heads": 4}, "width 30 is not a multiple of heads 4"),
        ({"blocks": 0}, "greater than or equal to 1"),
        ({"heads": 33}, "less than or equal to 32"),
        ({"context": 1}, "greater than or equal to 2"),
    ],
)
def test_a_config_out_of_bounds_is_refused(values: dict[str, int], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Config(**values)
