"""What the app talks to: a model that encodes, predicts, traces and generates."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.inference import LoadedModel
from zoo.models.gpt import Config, GPTPlugin
from zoo.sampling import Sampling
from zoo.tokenizers import train_tokenizer
from zoo.trace.schema import entry

BYTES = train_tokenizer("byte", [])  # 257 entries: the separator and each byte
TINY = {"blocks": 2, "heads": 2, "width": 8, "context": 12}


class NextByte(nn.Module):
    """A fake: the next token depends on the last one alone, by a table (vocab, vocab) of logits."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.table = nn.Parameter(table)

    def forward(self, ids: Tensor) -> Tensor:
        return self.table[ids]


def fake(table: Tensor | None = None, **changes: object) -> LoadedModel:
    """A loaded model around `NextByte`, with a context of 6."""
    table = torch.randn(257, 257, generator=torch.Generator().manual_seed(0)) if table is None else table
    return replace(
        LoadedModel("test/fake", "Fake", "other", "", NextByte(table).eval(), BYTES, context=6, names={}), **changes
    )


@pytest.fixture(scope="module")
def gpt() -> LoadedModel:
    """A tiny zoo/gpt with weights far from their initial values."""
    plugin, config = GPTPlugin(), Config(**TINY)
    module = plugin.build(config, 257)
    with torch.no_grad():
        for each in module.parameters():
            each.normal_(0, 0.5, generator=torch.Generator().manual_seed(each.numel()))
    return LoadedModel("zoo/gpt", "GPT", "gpt", "", module.eval(), BYTES, 12, names={}, anatomy=plugin.anatomy(module))


# --- text to ids -----------------------------------------------------------------------------


def test_encode_gives_the_tokenizers_own_ids():
    assert fake().encode("cab").ids == BYTES.encode("cab").ids
    assert fake().encode(" ").pieces == [" "]


def test_a_text_without_tokens_is_refused():
    with pytest.raises(ValueError, match="the text is empty"):
        fake().encode("")


def test_a_text_may_fill_the_context_and_not_exceed_it():
    assert len(fake().encode("abcdef").ids) == 6
    with pytest.raises(ValueError, match=r"has 7 tokens; Fake reads at most 6: shorten it"):
        fake().encode("abcdefg")


def test_a_start_token_stands_before_every_text_and_takes_a_place():
    model = fake(bos=0)
    assert model.ids("abcde") == [0, *BYTES.encode("abcde").ids]
    assert fake().ids("abcde") == BYTES.encode("abcde").ids
    with pytest.raises(ValueError, match=r"has 6 tokens; Fake reads at most 5"):
        model.ids("abcdef")


# --- predicting ------------------------------------------------------------------------------


def test_logits_are_those_after_the_last_token():
    model = fake()
    np.testing.assert_array_equal(model.logits([3, 7]), model.module.table[7].detach().numpy())


def test_predict_is_torchs_softmax_over_the_whole_vocabulary(gpt):
    ids = gpt.ids("the cat")
    with torch.no_grad():
        expected = gpt.module(torch.tensor([ids]))[0, -1]
    probs, order = expected.double().softmax(-1), expected.argsort(descending=True)
    found = gpt.predict("the cat", top=257)
    assert [each.id for each in found] == order.tolist()
    np.testing.assert_allclose([each.prob for each in found], probs[order], rtol=1e-9)
    np.testing.assert_array_equal(np.float32([each.logit for each in found]), expected[order].numpy())
    assert [each.token for each in found] == [BYTES.piece(each.id) for each in found]
    assert sum(each.prob for each in found) == pytest.approx(1, abs=1e-12)


def test_predict_gives_as_many_as_asked_and_no_more_than_there_are():
    assert len(fake().predict("a")) == 5
    assert len(fake().predict("a", top=1)) == 1
    assert len(fake().predict("a", top=999)) == 257


def test_of_equal_tokens_the_lower_id_ranks_first():
    table = torch.zeros(257, 257)
    table[:, [9, 40]] = 1.0
    assert [each.id for each in fake(table).predict("a", top=4)] == [9, 40, 0, 1]


def test_half_precision_weights_give_float32_logits():
    model = fake(torch.randn(257, 257).to(torch.bfloat16))
    assert model.logits([3]).dtype == np.float32
    np.testing.assert_array_equal(model.logits([3]), model.module.table[3].float().detach().numpy())


# --- tracing ---------------------------------------------------------------------------------


def test_a_traces_steps_have_the_schemas_dimensions_and_no_batch(gpt):
    trace = gpt.trace("the cat")
    sizes = {"time": 7, "query": 7, "key": 7, "width": 8, "head": 2, "kv_head": 2, "head_dim": 4, "hidden": 32}
    assert len(trace.steps) > 25
    for name, calls in trace.steps.items():
        assert calls[0].shape == tuple((sizes | {"vocab": 257})[dim] for dim in entry(name).dims), name


def test_a_text_of_one_token_keeps_its_time_dimension(gpt):
    trace = gpt.trace("a")
    assert trace["embed.out"].shape == (1, 8)
    assert trace["blocks.0.attn.pattern"].shape == (2, 1, 1)
    assert trace["logits"].shape == (1, 257)


def test_a_trace_ends_in_the_models_own_logits_and_their_softmax(gpt):
    trace = gpt.trace("the cat")
    assert list(trace.steps)[-2:] == ["logits", "probs"]
    np.testing.assert_allclose(trace["logits"][-1], gpt.logits(gpt.ids("the cat")), rtol=1e-5, atol=1e-5)
    powers = np.exp(trace["logits"].astype(np.float64))
    np.testing.assert_allclose(trace["probs"], powers / powers.sum(-1, keepdims=True), rtol=1e-5, atol=1e-8)


def test_a_trace_says_what_was_traced(gpt):
    trace = replace(gpt, bos=0).trace("ab")
    assert trace.model == "zoo/gpt"
    assert trace.ids == [0, *BYTES.encode("ab").ids]
    assert trace.tokens == ["<|endoftext|>", "a", "b"]
    assert not trace.edited
    assert not trace.dropped


def test_a_traces_anatomy_is_numpy_and_made_once(gpt):
    first, second = gpt.trace("a"), gpt.trace("b")
    assert all(type(value) is np.ndarray for value in first.params.values())
    np.testing.assert_array_equal(first.params["unembed.W_U"], gpt.module.unembed.weight.detach().numpy().T)
    assert first.anatomy is second.anatomy


def test_an_edit_reaches_the_prediction_and_is_named(gpt):
    ids = gpt.ids("the cat")
    whole = gpt.trace_ids(ids)
    edited = gpt.trace_ids(ids, edits={"blocks.1.mlp.out": torch.zeros_like})
    assert edited.edited == {"blocks.1.mlp.out"}
    assert not edited["blocks.1.mlp.out"].any()
    np.testing.assert_array_equal(edited["blocks.0.resid"], whole["blocks.0.resid"])
    np.testing.assert_array_equal(edited["blocks.1.resid"], whole["blocks.1.resid_mid"])
    assert np.abs(edited["probs"] - whole["probs"]).max() > 1e-3
    np.testing.assert_array_equal(gpt.trace_ids(ids)["logits"], whole["logits"])  # the model itself is as it was


def test_what_the_budget_has_no_room_for_is_named_and_the_prediction_stays(gpt):
    trace = gpt.trace("the cat", budget=2000)
    assert trace.dropped
    assert not set(trace.dropped) & set(trace.steps)
    np.testing.assert_array_equal(trace["logits"], gpt.trace("the cat")["logits"])


# --- generating ------------------------------------------------------------------------------


def test_generation_is_decided_by_its_seed(gpt):
    start, sampling = gpt.ids("the"), Sampling(temperature=2.0)
    drawn = [list(gpt.generate(start, 6, sampling, seed)) for seed in (0, 0, 1, 2)]
    assert drawn[0] == drawn[1]
    assert len({tuple(each) for each in drawn}) == 3


def test_going_on_one_by_one_draws_what_one_go_draws(gpt):
    start, sampling = gpt.ids("the"), Sampling(temperature=2.0)
    ids = list(start)
    for _ in range(5):
        ids += gpt.generate(ids, 1, sampling, 4)
    assert ids[3:] == list(gpt.generate(start, 5, sampling, 4))


def test_greedy_generation_follows_the_highest_logit():
    table = torch.zeros(257, 257)
    table[torch.arange(257), (torch.arange(257) + 3) % 257] = 1.0
    assert list(fake(table).generate([10], 4, Sampling(temperature=0), seed=9)) == [13, 16, 19, 22]


def test_a_filter_holds_for_every_token_drawn():
    model = fake()
    best = model.module.table.topk(2).indices.tolist()
    ids = [5, *model.generate([5], 5, Sampling(top_k=2, temperature=10), seed=1)]
    assert all(after in best[before] for before, after in pairwise(ids))


@pytest.mark.parametrize("start_token", [None, 21])
def test_generation_stops_after_a_token_that_ends_or_begins_a_text(start_token):
    stop = BYTES.end_of_text if start_token is None else start_token
    table = torch.zeros(257, 257)
    table[10, 11] = table[11, stop] = table[stop, 10] = 1.0  # 10, 11, stop, 10, …
    model = fake(table, bos=start_token)
    assert list(model.generate([10], 5, Sampling(temperature=0))) == [11, stop]
    assert list(model.generate([stop], 1, Sampling(temperature=0))) == [10]  # one that stands there is no reason


@pytest.mark.parametrize(("length", "asked", "given"), [(1, 3, 3), (1, 99, 5), (5, 99, 1), (6, 99, 0), (1, 0, 0)])
def test_generation_stops_where_the_context_ends(length, asked, given):
    assert len(list(fake().generate([1] * length, asked, Sampling()))) == given
