"""Both seq2seq models against torch's own GRU, NumPy and hand-worked numbers; what the context carries, and padding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.zoo.tasks.greedy import word_by_word
from zoo.layers.recurrent import GRULayer
from zoo.models.seq2seq import Seq2Seq, Seq2SeqPlugin
from zoo.models.seq2seq_attention import CrossAttention, Kind, Seq2SeqAttention, Seq2SeqAttentionPlugin
from zoo.tasks.translate import Pairs, Translate
from zoo.tokenizers import train_tokenizer
from zoo.trace.record import Recording, record_trace

V = 11
KINDS: list[Kind] = ["luong-dot", "luong-general", "bahdanau"]
MODELS = ["plain", *KINDS]
SOURCE, TARGET = torch.tensor([[3, 1, 4, 1, 5]]), torch.tensor([[V, 2, 7, 1]])
IDS = torch.cat([SOURCE, TARGET], dim=1)

Model = Seq2Seq | Seq2SeqAttention


def build(kind: str, vocab: int = V, seed: int = 0, fresh: bool = False, **values: object) -> Model:
    """A model in which every weight, biases too, is away from its start, so that attention has a choice to make."""
    torch.manual_seed(seed)
    values = {"width": 8, **values}
    model: Model
    if kind == "plain":
        model = Seq2SeqPlugin().build(Seq2SeqPlugin.Config(**values), vocab)
    else:
        config = Seq2SeqAttentionPlugin.Config(**values, attention=kind)
        model = Seq2SeqAttentionPlugin().build(config, vocab)
    for parameter in () if fresh else model.parameters():
        nn.init.normal_(parameter, std=0.6)
    return model.eval()


def traced(model: nn.Module, ids: Tensor = IDS, **edits: Any) -> Recording:
    return record_trace(model, ids, names={}, edits=edits)


def joined(recording: Recording, name: str) -> Tensor:
    """What was recorded at once, or once for each target step, as one: (…, T, …) with T last but one."""
    return torch.cat(recording.steps[name], dim=-2)


class TestCrossAttention:
    def test_two_states_worked_by_hand(self):
        """Scores ln 1 and ln 3 give shares of 1/4 and 3/4."""
        query = torch.tensor([[[1.0, 2.0]]])
        keys = torch.tensor([[[0.0, 0.0], [math.log(3), 0.0]]])
        states = torch.tensor([[[8.0, 0.0], [0.0, 4.0]]])
        context = CrossAttention("luong-dot", 2)(query, keys, states, torch.zeros(1, 1, 1, 2))
        assert context.flatten().tolist() == pytest.approx([2.0, 3.0])

    def test_additive_scores_worked_by_hand(self):
        """score = 2 tanh(a + b) − tanh(c + d), with W = U = 1."""
        cross = CrossAttention("bahdanau", 2)
        with torch.no_grad():
            cross.key.weight.copy_(torch.eye(2))
            cross.query.weight.copy_(torch.eye(2))
            cross.score.weight.copy_(torch.tensor([[2.0, -1.0]]))
            scores = cross.compare(torch.tensor([[[0.5, 0.0]]]), torch.tensor([[[0.5, 1.0], [-0.5, 0.0]]]))
        assert scores.flatten().tolist() == pytest.approx([2 * math.tanh(1) - math.tanh(1), 0.0])

    @pytest.mark.parametrize("kind", KINDS)
    def test_contexts_equal_the_papers_formulas_in_numpy(self, kind):
        torch.manual_seed(3)
        cross = CrossAttention(kind, 6)
        query, states = torch.randn(2, 4, 6), torch.randn(2, 5, 6)
        mask = torch.zeros(2, 1, 1, 5)
        mask[1, ..., 3:] = -math.inf
        with torch.no_grad():
            found = cross(query, cross.key(states), states, mask).numpy()
        weights = {name: value.double().numpy() for name, value in cross.state_dict().items()}
        for b, t in np.ndindex(2, 4):
            length = (5, 3)[b]
            h, s = query[b, t].double().numpy(), states[b, :length].double().numpy()
            if kind == "luong-dot":
                scores = [h @ each for each in s]
            elif kind == "luong-general":
                scores = [h @ weights["key.weight"] @ each for each in s]
            else:
                W, U, v = weights["query.weight"], weights["key.weight"], weights["score.weight"][0]
                scores = [v @ np.tanh(W @ h + U @ each) for each in s]
            shares = np.exp(scores) / np.exp(scores).sum()
            assert np.allclose(found[b, t], shares @ s, atol=1e-5)


def torch_gru(layer: GRULayer, inputs: int) -> nn.GRU:
    """torch's own GRU with the layer's weights."""
    gru = nn.GRU(inputs, layer.width, batch_first=True)
    ours = (layer.from_input.weight, layer.from_state.weight, layer.from_input.bias, layer.from_state.bias)
    for name, value in zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), ours, strict=True):
        getattr(gru, name).data.copy_(value)
    return gru


@torch.no_grad()
def reference(model: Model, kind: str) -> Tensor:
    """Logits of SOURCE and TARGET, (T, V), by torch's GRU and one target step after another."""
    decoder, width = model.decoder, 8
    states, h = torch_gru(model.encoder.layers[0], width)(model.encoder.embed(SOURCE))  # (1, S, C), (1, 1, C)
    gru = torch_gru(decoder.layers[0], 2 * width if kind == "bahdanau" else width)
    start, rows = h, []
    for token in TARGET[0]:
        x = decoder.embed(token).view(1, 1, width)
        if kind == "bahdanau":
            context = decoder.cross(h, decoder.cross.key(states), states, torch.zeros(1, 1, 1, 5))
            _, h = gru(torch.cat([x, context], dim=-1), h)
        else:
            _, h = gru(x, h)
            context = start
            if kind != "plain":
                context = decoder.cross(h, decoder.cross.key(states), states, torch.zeros(1, 1, 1, 5))
        mixed = torch.tanh(F.linear(torch.cat([context, h], dim=-1), decoder.mix.weight, decoder.mix.bias))
        rows.append(model.unembed(mixed)[0, 0])
    return torch.stack(rows)


@pytest.mark.parametrize("kind", MODELS)
def test_logits_equal_those_of_torchs_gru_step_by_step(kind):
    model = build(kind)
    expected = reference(model, kind)
    assert expected.std() > 0.2  # not a comparison of zeros
    with torch.no_grad():
        assert torch.allclose(model(IDS)[0], expected, atol=1e-5)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", MODELS)
class TestEveryKind:
    def test_forward_is_translate(self, kind: str, layers: int):
        model = build(kind, layers=layers)
        assert model(IDS).shape == (1, 4, V)
        assert torch.equal(model(IDS), model.translate(SOURCE, TARGET))

    def test_logits_do_not_depend_on_what_fills_up_a_batch(self, kind: str, layers: int):
        model = build(kind, layers=layers)
        source = torch.tensor([[3, 1, 4, 1, 5, -1, -1, -1], [2, 7, 1, 8, 2, 8, 1, 8]])
        target = torch.tensor([[V, 2, 7, 1, -1, -1], [V, 3, 1, 4, 1, 5]])
        with torch.no_grad():
            both, alone = model.translate(source, target), model.translate(SOURCE, TARGET)
            assert torch.allclose(both[0, :4], alone[0], atol=1e-6)
            assert torch.allclose(both[1], model.translate(source[1:], target[1:])[0], atol=1e-6)
        assert both.isfinite().all()

    def test_training_and_reading_take_different_ways_to_the_same_numbers(self, kind: str, layers: int):
        model = build(kind, layers=layers)
        with torch.no_grad():
            slow, fused = model(IDS), model.train()(IDS)
        assert torch.allclose(slow, fused, atol=1e-5)

    def test_the_loss_of_a_taught_pass_is_that_of_single_steps(self, kind: str, layers: int):
        """Every row is about the next token and sees none after it: the same rows come out of growing targets."""
        model = build(kind, layers=layers)
        asked = torch.tensor([[2, 7, 1, 0]])
        with torch.no_grad():
            grown = torch.stack([model(IDS[:, : 6 + t])[0, -1] for t in range(4)])
            loss = Translate().loss(model, (SOURCE, TARGET, asked))
        assert float(F.cross_entropy(grown, asked[0])) == pytest.approx(float(loss), abs=1e-5)

    def test_every_weight_gets_a_gradient(self, kind: str, layers: int):
        model = build(kind, layers=layers)
        asked = torch.tensor([[2, 7, 1, 0]])
        Translate().loss(model.train(), (SOURCE, TARGET, asked)).backward()
        assert [name for name, value in model.named_parameters() if not value.grad.abs().sum() > 0] == []

    def test_a_trace_leaves_the_logits_as_they_are(self, kind: str, layers: int):
        model = build(kind, layers=layers)
        recording = traced(model)
        with torch.no_grad():
            assert torch.equal(recording.output, model(IDS))
        assert recording.steps["encoder.out"][0].shape == (1, 5, 8)
        for layer in range(layers):
            assert len(recording.steps[f"encoder.layers.{layer}.cell.h"]) == 5
            assert len(recording.steps[f"decoder.layers.{layer}.cell.h"]) == 4


class TestContext:
    other = torch.tensor([[2, 7, 1, 8, 2, 8]])

    def test_it_is_the_encoders_last_state(self):
        steps = traced(build("plain")).steps
        (context,) = steps["context"]
        assert torch.equal(context, steps["encoder.out"][0][:, -1])
        assert torch.equal(context, steps["encoder.layers.0.cell.h"][-1])

    @pytest.mark.parametrize("layers", [1, 2])
    def test_the_decoder_learns_of_the_source_by_the_context_alone(self, layers):
        model = build("plain", layers=layers)
        there = traced(model, torch.cat([self.other, TARGET], dim=1))
        swapped = traced(model, context=lambda _: there.steps["context"][0]).output
        assert torch.equal(swapped, there.output)
        assert not torch.allclose(swapped, traced(model).output, atol=1e-3)

    @pytest.mark.parametrize("kind", KINDS)
    def test_with_attention_the_last_state_is_not_all(self, kind):
        model = build(kind)
        there = traced(model, torch.cat([self.other, TARGET], dim=1))
        swapped = traced(model, start=lambda _: there.steps["start"][0]).output
        assert not torch.allclose(swapped, there.output, atol=1e-3)

    @pytest.mark.parametrize("kind", KINDS)
    def test_an_earlier_state_reaches_the_decoder_only_by_attention(self, kind):
        """With a pattern that looks at the last state alone, the contexts are the plain model's."""
        model = build(kind)
        last = F.one_hot(torch.tensor(4), 5).float()
        recording = traced(model, **{"decoder.cross.pattern": lambda pattern: last.expand_as(pattern)})
        contexts = joined(recording, "decoder.cross.context")[0]
        assert torch.equal(contexts, recording.steps["start"][0].expand(4, 8))

    def test_luong_with_that_pattern_is_the_plain_model(self):
        plain, attending = build("plain"), build("luong-dot")
        attending.load_state_dict(plain.state_dict())
        last = F.one_hot(torch.tensor(4), 5).float()
        recording = traced(attending, **{"decoder.cross.pattern": lambda pattern: last.expand_as(pattern)})
        assert torch.equal(recording.output, traced(plain).output)


@pytest.mark.parametrize("kind", KINDS)
def test_the_recorded_steps_of_attention_follow_from_each_other(kind):
    model = build(kind)
    recording = traced(model)
    keys = recording.steps["decoder.cross.k"][0]
    query, scores, pattern = (joined(recording, f"decoder.cross.{name}") for name in ("q", "scores", "pattern"))
    contexts, states = joined(recording, "decoder.cross.context"), recording.steps["encoder.out"][0]
    assert query.shape == (1, 1, 4, 8)
    assert keys.shape == (1, 1, 5, 8)
    assert scores.shape == pattern.shape == (1, 1, 4, 5)
    assert contexts.shape == (1, 4, 8)
    if kind != "bahdanau":
        assert torch.allclose(query @ keys.mT, scores, atol=1e-5)
    assert torch.allclose(scores.softmax(-1), pattern, atol=1e-6)
    assert torch.allclose(pattern.sum(-1), torch.ones(1, 1, 4))
    assert torch.allclose(pattern[:, 0] @ states, contexts, atol=1e-6)
    hidden = torch.stack(recording.steps["decoder.layers.0.cell.h"], dim=1)  # (1, T, C)
    before = torch.cat([recording.steps["start"][0][:, None], hidden[:, :-1]], dim=1)
    assert torch.equal(query[:, 0], before if kind == "bahdanau" else hidden)


def test_the_comparison_is_fair():
    """Luong's dot brings no parameter; the default, his general form, one matrix: 3 % more."""
    plain, dot = (sum(p.numel() for p in build(kind, 300, width=128).parameters()) for kind in ("plain", "luong-dot"))
    config = Seq2SeqAttentionPlugin.Config()
    default = sum(p.numel() for p in Seq2SeqAttentionPlugin().build(config, 300).parameters())
    assert plain == dot == default - config.width**2
    assert default < 1.06 * plain


@pytest.mark.parametrize("kind", MODELS)
def test_half_precision_works(kind):
    model = build(kind).train()
    with torch.autocast("cpu", torch.bfloat16):
        loss = Translate().loss(model, (SOURCE, TARGET, torch.tensor([[2, 7, 1, 0]])))
    assert loss.isfinite()


@pytest.mark.parametrize("kind", MODELS)
def test_a_small_language_is_learned(kind):
    """Six sentences whose translation is the sentence backwards; learned until each is written without a fault."""
    words = ["ab", "ba", "abc", "cab", "ccb", "a"]
    tokenizer = train_tokenizer("byte", words)
    sides = [(tokenizer.encode(word).ids, tokenizer.encode(word[::-1]).ids) for word in words]
    sentences = [each for source, target in sides for each in (source, [*target, tokenizer.end_of_text])]
    ids = np.array([each for sentence in sentences for each in sentence], dtype=np.int32)
    examples = Pairs(ids, np.cumsum([0, *map(len, sentences)]), mark=tokenizer.vocab_size)
    model = build(kind, tokenizer.vocab_size, fresh=True, width=32)
    end, source = tokenizer.end_of_text, examples.in_order(6, 6)[0][0]
    backwards = [word[::-1] for word in words]
    assert [tokenizer.decode(each) for each in word_by_word(model.eval(), source, end, most=9)] != backwards
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(400):
        loss = Translate().loss(model.train(), examples.batch(step, 6))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if loss.item() < 0.05:
            break
    assert [tokenizer.decode(each) for each in word_by_word(model.eval(), source, end, most=9)] == backwards
