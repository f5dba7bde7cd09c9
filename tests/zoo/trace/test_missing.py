"""Each reason why a step is not there, and that no reason is given for one that is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.zoo.trace.models import PLUGINS, VARIANTS, trace_of
from zoo.inference import to_trace
from zoo.models.gpt import Config, GPTPlugin
from zoo.plugin import Anatomy
from zoo.trace import SCHEMA, Trace
from zoo.trace.entries import OTHERS
from zoo.trace.missing import missing
from zoo.trace.record import record_trace


def traced(module: nn.Module, names=None, anatomy=None, **options: object) -> Trace:
    recording = record_trace(module, torch.tensor([[1, 2, 3]]), names=names, **options)
    return to_trace(recording, "you/model", [1, 2, 3], ["a", "b", "c"], anatomy)


def gpt(budget: int = 2**20, **changes: object) -> Trace:
    plugin = GPTPlugin()
    module = plugin.build(Config(**{"blocks": 2, "heads": 2, "width": 8, "context": 8, **changes}), 7)
    return traced(module, plugin.names(), plugin.anatomy(module), budget=budget)


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.embed, self.rnn, self.unembed = nn.Embedding(7, 4), kind(4, 4, batch_first=True), nn.Linear(4, 7)

    def forward(self, ids):
        return self.unembed(self.rnn(self.embed(ids))[0])


class Attending(nn.Module):
    """Attention that nothing was written for; with `closed` it is hidden from level 0 too."""

    def __init__(self, closed: bool) -> None:
        super().__init__()
        self.embed, self.closed = nn.Embedding(7, 4), closed

    def forward(self, ids):
        x = self.embed(ids)[:, None]
        mixed = (x @ x.mT).softmax(-1) @ x if self.closed else F.scaled_dot_product_attention(x, x, x)
        return F.pad(mixed[:, 0], (0, 3))


def bare(**changes: object) -> Trace:
    return Trace("you/model", [1], ["a"], {"logits": [np.zeros((1, 7))]}, **changes)


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary", "none"])
def test_every_step_of_the_vocabulary_is_there_or_belongs_to_another_architecture(positions):
    trace = gpt(positions=positions)
    for each in SCHEMA:
        step = each.name.format(i=1)
        found = missing(trace, step, "gpt")
        assert (found is None) == (step in trace)
        assert found is None or found.reason == "architecture"
    absent = {each.name for each in SCHEMA if missing(trace, each.name.format(i=0), "gpt")}
    cells = {each.name for each in SCHEMA if each.name.startswith("cell.")}
    turned = {"blocks.{i}.attn.q_rot", "blocks.{i}.attn.k_rot"}
    added = {"embed.pos"}
    modern = {"embed.prev", "blocks.{i}.attn.q_norm", "blocks.{i}.attn.k_norm"}
    assert absent == cells | modern | {"blocks.{i}.mlp.up"} | {
        "learned": turned, "sinusoidal": turned, "rotary": added, "none": turned | added
    }[positions]  # fmt: skip


def test_rotary_and_no_positions_are_told_apart():
    assert "turns each query and key" in missing(gpt(positions="rotary"), "embed.pos").sentence
    assert "nothing about positions" in missing(gpt(positions="none"), "embed.pos").sentence
    assert "adds its positions" in missing(gpt(), "blocks.0.attn.q_rot").sentence


def test_a_block_past_the_last_is_architecture():
    found = missing(gpt(), "blocks.2.resid")
    assert (found.reason, found.sentence) == ("architecture", "This model has 2 blocks, counted from 0.")


def test_what_the_budget_dropped_is_said_with_its_size():
    trace = gpt(budget=600)
    found = missing(trace, "blocks.1.attn.pattern")
    assert found.reason == "budget"
    assert "Shorten the text" in found.sentence
    assert "2 MB" not in found.sentence
    assert "2.0 MB" in missing(bare(dropped={"blocks.0.attn.q": 2 * 2**20}), "blocks.0.attn.q").sentence
    assert "3 kB" in missing(bare(dropped={"rnn.cell.f": 3000}), "cell.f").sentence


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_recurrent_network_has_no_attention_and_needs_no_positions(kind):
    trace = traced(Recurrent(kind))
    for step, words in (
        ("blocks.0.attn.pattern", "never compares tokens in pairs"),
        ("embed.pos", "takes the tokens in order"),
        ("blocks.0.mlp.pre", "not built of blocks"),
    ):
        found = missing(trace, step)
        assert found.reason == "architecture"
        assert words in found.sentence
    assert missing(trace, "cell.h") is None


def test_a_cell_says_which_parts_it_has():
    found = missing(traced(Recurrent(nn.GRU)), "cell.f")
    assert found.reason == "architecture"
    assert "it has h, n, r, z" in found.sentence


@pytest.mark.parametrize(
    ("family", "step", "reason"),
    [
        ("rnn", "blocks.0.attn.q", "architecture"),
        ("bag-of-words", "blocks.0.attn.q", "architecture"),
        ("bag-of-words", "embed.pos", "architecture"),
        ("n-gram", "blocks.0.resid", "architecture"),
        ("n-gram", "cell.h", "architecture"),
        ("gpt", "cell.h", "architecture"),
        ("bert", "blocks.0.attn.mask", "architecture"),
        ("gpt", "blocks.0.attn.q", "opaque"),
        ("rnn", "cell.h", "opaque"),
        ("other", "blocks.0.attn.q", "opaque"),
        ("other", "cell.h", "opaque"),
        ("other", "embed.pos", "opaque"),
        (None, "blocks.0.attn.q", "opaque"),
        (None, "cell.h", "opaque"),
    ],
)
def test_without_evidence_in_the_trace_only_the_family_tells(family, step, reason):
    found = missing(bare(), step, family)
    assert found.reason == reason
    assert found.step == step


def test_a_bidirectional_model_masks_nothing():
    anatomy = Anatomy(params={}, blocks=1, heads=1, kv_heads=1, head_dim=4, causal=False)
    assert "both directions" in missing(bare(anatomy=anatomy), "blocks.0.attn.mask").sentence


def test_hidden_attention_is_opaque_with_the_line_to_write():
    found = missing(traced(Attending(closed=True)), "blocks.0.attn.pattern", "other")
    assert found.reason == "opaque"
    assert 'record("attn.pattern", value)' in found.sentence


def test_attention_under_its_own_name_is_pointed_to():
    found = missing(traced(Attending(closed=False)), "blocks.0.attn.pattern", "other")
    assert found.reason == "opaque"
    assert "under its own name, pattern" in found.sentence
    assert missing(traced(Attending(closed=False)), "cell.c").reason == "architecture"


def test_the_advice_names_the_step_as_the_author_would():
    for step, name in (("encoder.blocks.3.mlp.act", "mlp.act"), ("final_norm", "final_norm")):
        assert f'record("{name}", value)' in missing(bare(), step).sentence


@pytest.mark.parametrize("name", VARIANTS)
def test_each_model_says_why_it_lacks_what_the_others_have(name):
    trace, family = trace_of(name), PLUGINS[VARIANTS[name][0]].spec.family
    for each in (*SCHEMA, *OTHERS):
        step = each.name.format(i=0, n=1)
        found = missing(trace, step, family)
        held = step in trace or any(other.endswith(f".{step}") for other in trace.steps if step.startswith("cell."))
        assert (found is None) == held, step
        assert found is None or found.reason == "architecture", (step, found)


@pytest.mark.parametrize("name", ["rnn", "lstm", "bag-of-words", "n-gram", "skip-gram", "cbow", "window", "seq2seq"])
def test_each_family_without_attention_has_its_own_words_for_it(name):
    family = PLUGINS[name].spec.family
    found = missing(trace_of(name), "blocks.0.attn.pattern", family)
    assert found.reason == "architecture"
    assert "compares tokens in pairs" in found.sentence
    assert found.sentence == missing(trace_of(name), "blocks.0.attn.pattern", family).sentence


def test_a_step_of_one_half_is_pointed_to():
    found = missing(trace_of("encoder-decoder"), "blocks.0.attn.pattern", "encoder-decoder")
    assert "encoder.blocks.0.attn.pattern and decoder.blocks.0.attn.pattern" in found.sentence
    first = missing(trace_of("encoder-decoder"), "encoder.blocks.0.norm1", "encoder-decoder")
    assert "before the first block there is none" in first.sentence
