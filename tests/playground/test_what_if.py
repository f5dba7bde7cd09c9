"""Switching parts off: zeros in the right place, and the same prediction as a model whose weights there are zero."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from playground import what_if
from tests.playground.helpers import BYTES, tiny_gpt
from tests.zoo.trace.models import VARIANTS, loaded
from zoo.trace.verify import verify

POSITIONS = ["learned", "sinusoidal", "rotary", "none"]
TEXT = "the cat"


def test_silence_zeroes_a_copy():
    value = torch.randn(1, 3, 5, 4)
    before = value.clone()
    assert not what_if.silence(None)(value).any()
    off = what_if.silence(1)(value)
    assert not off[:, 1].any()
    assert torch.equal(off[:, [0, 2]], value[:, [0, 2]])
    assert torch.equal(value, before)


@pytest.mark.parametrize("positions", POSITIONS)
def test_the_parts_are_those_of_the_model(positions):
    trace = tiny_gpt(positions=positions).trace(TEXT)
    parts = what_if.parts(trace)
    steps = list(parts.values())
    assert len(set(steps)) == len(steps)
    assert (("embed.pos", None) in steps) == (positions in ("learned", "sinusoidal"))
    for block in range(2):
        assert (f"blocks.{block}.attn.out", None) in steps
        assert (f"blocks.{block}.mlp.out", None) in steps
        assert [head for step, head in steps if step == f"blocks.{block}.attn.z"] == [0, 1]
    assert len(steps) == 8 + (positions in ("learned", "sinusoidal"))
    assert what_if.NOTHING not in parts


def test_a_model_that_names_no_part_has_none():
    trace = tiny_gpt().trace(TEXT)
    own = {"mean": trace.steps["embed.out"], "logits": trace.steps["logits"]}
    assert what_if.parts(type(trace)(trace.model, trace.ids, trace.tokens, own)) == {}


@pytest.mark.parametrize("part", range(9))
def test_a_part_that_is_off_predicts_as_a_model_with_zeros_for_its_weights(part):
    model, without = tiny_gpt(), tiny_gpt()
    step, head = list(what_if.parts(model.trace(TEXT)).values())[part]
    zeroed = without.module.get_submodule({"embed.pos": "embed_positions"}.get(step, step.rpartition(".")[0]))
    with torch.no_grad():
        if step.endswith("attn.z"):
            zeroed.out.weight[:, head * 4 : head * 4 + 4] = 0  # the columns that read this head of 4
        elif step.endswith(".out"):
            linear = zeroed.out if "attn" in step else zeroed.down
            linear.weight.zero_()
            linear.bias.zero_()
        else:
            zeroed.weight.zero_()
    edited = model.trace(TEXT, edits={step: what_if.silence(head)})
    assert edited.edited == {step}
    np.testing.assert_allclose(edited["probs"], without.trace(TEXT)["probs"], rtol=1e-4, atol=1e-6)
    assert np.abs(edited["probs"] - model.trace(TEXT)["probs"]).max() > 1e-3


@pytest.mark.parametrize("name", VARIANTS)
def test_what_can_be_switched_off_in_every_model_acts_and_is_said(name):
    model = loaded(name, BYTES)
    plain = model.trace(TEXT)
    found = what_if.parts(plain)
    counts = {"bag-of-words", "n-gram", "cbow", "skip-gram", "window"}
    assert bool(found) == (name not in counts)
    for words, (step, head) in found.items():
        edited = model.trace(TEXT, edits={step: what_if.silence(head)})
        assert edited.edited == {step}, words
        assert not [check for check in verify(edited) if check.ok is False], words
        off = np.asarray(edited[step]) if head is None else edited[step][head]
        assert not off.any(), words
    assert model.trace(TEXT)["logits"].tobytes() == plain["logits"].tobytes()


def test_the_words_say_what_belongs_to_which_half():
    assert set(what_if.parts(loaded("seq2seq", BYTES).trace(TEXT))) >= {
        "What the encoder hands over off", "Encoder layer 0, state off", "Decoder layer 1, state off",
    }  # fmt: skip
    assert "Decoder block 1, head 0 of the look at the source off" in what_if.parts(
        loaded("encoder-decoder", BYTES).trace(TEXT)
    )
    assert "Layer 0, forget gate at 0: nothing is kept" in what_if.parts(loaded("lstm", BYTES).trace(TEXT))
