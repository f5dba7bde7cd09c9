"""Level 0: what is seen of modules whose author wrote nothing, against independent references."""

from __future__ import annotations

from collections import namedtuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.trace.record import record, record_trace

IDS = torch.tensor([[3, 1, 4, 1, 5]])
VOCAB, WIDTH = 9, 8


class Shell(nn.Module):
    """ids (1, T) -> embed -> body -> unembed; the body gets and gives (1, T, C)."""

    def __init__(self, body, **parts: nn.Module) -> None:
        super().__init__()
        self.embed, self.unembed = nn.Embedding(VOCAB, WIDTH), nn.Linear(WIDTH, VOCAB)
        for name, part in parts.items():
            setattr(self, name, part)
        self.body = body

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed(ids)
        return self.unembed(self.body(self, x))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def plain(model: nn.Module) -> Tensor:
    with torch.no_grad():
        return model.eval()(IDS)


# --- submodules ---


def test_every_submodule_is_seen_under_its_own_path():
    model = Shell(lambda self, x: self.net(x), net=nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8)))
    steps = record_trace(model, IDS).steps
    assert list(steps) == ["embed", "net.0", "net.1", "net.2", "unembed"]
    assert torch.equal(steps["net.1"][0], steps["net.0"][0].relu())


def test_a_table_names_modules_and_leaves_the_others_out():
    model = Shell(lambda self, x: self.net(x), net=nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8)))
    steps = record_trace(model, IDS, names={"net.{i}": "blocks.{i}.mlp.out", "unembed": "logits"}).steps
    assert list(steps) == ["blocks.0.mlp.out", "blocks.1.mlp.out", "logits"]


class Pair(nn.Module):
    """Returns a tuple; `kind` makes it a plain or a named one."""

    def __init__(self, kind) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor):
        return self.kind(x + 1, x + 2)


Named = namedtuple("Named", "first second")


@pytest.mark.parametrize("kind", [Named, lambda a, b: (a, b)], ids=["named", "plain"])
def test_tuples_are_seen_edited_and_handed_on_as_they_were(kind):
    def body(self: nn.Module, x: Tensor) -> Tensor:
        pair = self.pair(x)
        assert kind is not Named or pair.second is pair[1]
        return pair[0] + pair[1]

    model = Shell(body, pair=Pair(kind))
    steps = record_trace(model, IDS).steps
    assert torch.allclose(steps["pair"][0] + 1, steps["pair[1]"][0])
    edited = record_trace(model, IDS, edits={"pair[1]": torch.zeros_like}).output
    assert torch.allclose(edited, model.unembed(model.embed(IDS) + 1))


def test_an_edit_of_a_tapped_output_acts_on_the_rest():
    model = Shell(lambda self, x: self.mix(x), mix=nn.Linear(8, 8))
    recording = record_trace(model, IDS, edits={"mix": torch.zeros_like})
    assert torch.allclose(recording.output, model.unembed.bias.expand(1, 5, VOCAB))
    assert recording.edited == {"mix"}


# --- one value, one name ---


def test_a_module_that_changes_nothing_adds_nothing():
    model = Shell(lambda self, x: self.drop(self.same(x)), same=nn.Identity(), drop=nn.Dropout(0.5))
    assert list(record_trace(model, IDS).steps) == ["embed", "unembed"]


def test_a_recorded_view_replaces_the_tap_of_the_same_numbers():
    def body(self: nn.Module, x: Tensor) -> Tensor:
        q = record("q", self.query(x).view(1, 5, 2, 4).transpose(1, 2))
        return q.transpose(1, 2).flatten(2)

    steps = record_trace(Shell(body, query=nn.Linear(8, 8)), IDS).steps
    assert list(steps) == ["embed", "q", "unembed"]
    assert steps["q"][0].shape == (1, 2, 5, 4)


def test_a_part_of_a_tapped_value_does_not_replace_it():
    def body(self: nn.Module, x: Tensor) -> Tensor:
        return record("half", self.query(x)[..., :4]).repeat(1, 1, 2)

    steps = record_trace(Shell(body, query=nn.Linear(8, 8)), IDS).steps
    assert torch.equal(steps["half"][0], steps["query"][0][..., :4])


def test_a_change_in_place_makes_another_value():
    model = Shell(lambda self, x: self.bend(self.mix(x)), mix=nn.Linear(8, 8), bend=nn.ReLU(inplace=True))
    steps = record_trace(model, IDS).steps
    assert steps["mix"][0].min() < 0
    assert torch.equal(steps["bend"][0], steps["mix"][0].relu())


def test_of_two_values_recorded_under_two_names_both_stay():
    def body(self: nn.Module, x: Tensor) -> Tensor:
        return record("two", record("one", x + 1))

    assert {"one", "two"} <= set(record_trace(Shell(body), IDS).steps)


def test_a_module_used_twice_loses_only_the_call_that_is_recorded():
    def body(self: nn.Module, x: Tensor) -> Tensor:
        first, second = self.mix(x), self.mix(2 * x)
        return record("first", first) + second

    model = Shell(body, mix=nn.Linear(8, 8))
    steps = record_trace(model, IDS).steps
    assert [torch.allclose(each, model.mix(2 * model.embed(IDS))) for each in steps["mix"]] == [True]
    assert torch.allclose(steps["first"][0], model.mix(model.embed(IDS)))


def test_the_authors_name_wins_over_a_module_of_the_same_name():
    def body(self: nn.Module, x: Tensor) -> Tensor:
        return record("mix", self.mix(x) * 3)

    model = Shell(body, mix=nn.Linear(8, 8))
    steps = record_trace(model, IDS).steps
    assert len(steps["mix"]) == 1
    assert torch.allclose(steps["mix"][0], model.mix(model.embed(IDS)) * 3)


def test_an_edited_tap_stays_marked_when_a_recorded_name_replaces_it():
    model = Shell(lambda self, x: record("mine", self.mix(x).view(1, 5, 8)), mix=nn.Linear(8, 8))
    recording = record_trace(model, IDS, edits={"mix": torch.zeros_like})
    assert recording.edited == {"mix", "mine"}
    assert recording.steps["mine"][0].abs().max() == 0


def test_a_dropped_tap_that_is_recorded_again_is_named_once():
    model = Shell(lambda self, x: record("mine", self.mix(x)), mix=nn.Linear(8, 8))
    assert list(record_trace(model, IDS, budget=0).dropped) == ["embed", "mine", "unembed"]


def test_tensors_made_in_inference_mode_are_traced():
    def body(self: nn.Module, x: Tensor) -> Tensor:
        with torch.inference_mode():
            return record("mine", self.mix(x))

    assert "mine" in record_trace(Shell(body, mix=nn.Linear(8, 8)), IDS).steps


# --- fused attention ---


def attention(**options: object):
    def body(self: nn.Module, x: Tensor) -> Tensor:
        kv = options.get("kv", 2)
        q = self.query(x).view(1, 5, 4, 2).transpose(1, 2)
        k = self.key(x)[..., : 2 * kv].view(1, 5, kv, 2).transpose(1, 2)
        v = self.value(x)[..., : 2 * kv].view(1, 5, kv, 2).transpose(1, 2)
        arguments = {name: value for name, value in options.items() if name != "kv"}
        return F.scaled_dot_product_attention(q, k, v, **arguments).transpose(1, 2).flatten(2)

    parts = {name: nn.Linear(8, 8) for name in ("query", "key", "value")}
    return Shell(body, **parts)


BOOL = torch.tensor([[True, False, True, True, False]] * 4 + [[True] * 5])
SLOPES = -torch.arange(4.0)[:, None, None] * (torch.arange(5)[:, None] - torch.arange(5)).abs()
KINDS = {
    "free": {"kv": 4},
    "causal": {"kv": 4, "is_causal": True},
    "bool mask": {"kv": 4, "attn_mask": BOOL},
    "one row for all": {"kv": 4, "attn_mask": BOOL[:1]},
    "batched mask": {"kv": 4, "attn_mask": BOOL[None, None]},
    "expanded mask": {"kv": 4, "attn_mask": torch.zeros(5, 5).masked_fill(~BOOL, -torch.inf).expand(1, 4, 5, 5)},
    "mask by head": {"kv": 4, "attn_mask": SLOPES},
    "blind queries": {"kv": 4, "attn_mask": torch.zeros(5, 5, dtype=torch.bool)},
    "both masks": {"kv": 4, "attn_mask": BOOL, "is_causal": True},
    "scale": {"kv": 4, "scale": 0.3, "is_causal": True},
    "grouped": {"kv": 2, "enable_gqa": True, "is_causal": True},
}


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("names", [None, {}], ids=["every submodule", "a table"])
def test_fused_attention_is_opened(options, names):
    model = attention(**options)
    before = plain(model)
    recording = record_trace(model, IDS, names=names)
    q, k, v, scores, pattern, z = (recording.steps[name][0] for name in ("q", "k", "v", "scores", "pattern", "z"))
    fused = F.scaled_dot_product_attention(q, k, v, **{name: x for name, x in options.items() if name != "kv"})
    assert torch.equal(recording.output, before)
    assert torch.equal(z, fused)
    groups = 4 // options["kv"]
    assert k.shape == v.shape == (1, options["kv"], 5, 2)
    assert torch.allclose(pattern @ v.repeat_interleave(groups, 1), fused, atol=1e-5)
    expected = q @ k.repeat_interleave(groups, 1).mT * options.get("scale", 2**-0.5)
    assert torch.allclose(scores, expected, atol=1e-6)
    mask = recording.steps["mask"][0]
    assert torch.equal((scores + mask).softmax(-1).nan_to_num(0.0), pattern)
    assert mask.shape == ((4, 5, 5) if options.get("attn_mask") is SLOPES else (5, 5))
    assert bool(mask.any()) == ("is_causal" in options or "attn_mask" in options)


def test_a_causal_mask_is_minus_infinity_above_the_diagonal():
    mask = record_trace(attention(kv=4, is_causal=True), IDS).steps["mask"][0]
    assert mask.shape == (5, 5)
    assert torch.equal(mask.isneginf(), torch.ones(5, 5).triu(1).bool())
    assert mask.tril().abs().max() == 0


@pytest.mark.parametrize(
    ("step", "edit"),
    [("q", torch.zeros_like), ("v", torch.zeros_like), ("scores", torch.zeros_like), ("z", torch.zeros_like)],
)
def test_an_edit_inside_fused_attention_acts_on_the_rest(step, edit):
    model = attention(kv=4)
    recording = record_trace(model, IDS, edits={step: edit})
    v = recording.steps["v"][0]
    expected = {"v": 0 * v, "z": 0 * v}.get(step, v.mean(2, keepdim=True).expand_as(v))  # equal scores: the mean
    assert torch.allclose(recording.output, model.unembed(expected.transpose(1, 2).flatten(2)), atol=1e-6)
    assert recording.edited == {step}


def test_the_running_module_gives_the_path_and_a_table_may_rename_it():
    class Heads(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.scaled_dot_product_attention(x[:, None], x[:, None], x[:, None])[:, 0]

    model = Shell(lambda self, x: self.layers[1](x), layers=nn.ModuleList([Heads(), Heads()]))
    assert "layers.1.pattern" in record_trace(model, IDS).steps
    names = {"layers.{i}.pattern": "blocks.{i}.attn.pattern"}
    renamed = record_trace(model, IDS, names=names, edits={"blocks.1.attn.pattern": torch.zeros_like})
    assert "blocks.1.attn.pattern" in renamed.steps
    assert "layers.1.scores" in renamed.steps
    assert torch.allclose(renamed.output, model.unembed.bias.expand(1, 5, VOCAB))


def test_fused_attention_with_dropout_stays_closed():
    recording = record_trace(attention(kv=4, dropout_p=0.5), IDS)
    assert "pattern" not in recording.steps


def test_what_fused_attention_refuses_is_refused():
    with pytest.raises(RuntimeError, match="size"):
        record_trace(attention(kv=4, attn_mask=torch.zeros(3, 3)), IDS)


# --- nn.MultiheadAttention ---

CAUSAL = nn.Transformer.generate_square_subsequent_mask(5)
MULTI_HEAD = {
    "plain": ({}, {}),
    "batch first": ({"batch_first": True}, {}),
    "no bias": ({"bias": False}, {}),
    "other widths": ({"kdim": 3, "vdim": 6}, {}),
    "no weights": ({}, {"need_weights": False}),
    "weights by head": ({}, {"average_attn_weights": False}),
    "causal": ({"batch_first": True}, {"attn_mask": CAUSAL, "is_causal": True}),
    "bool mask": ({}, {"attn_mask": ~BOOL}),
    "mask by head": ({}, {"attn_mask": SLOPES[:2]}),
    "padding": ({"batch_first": True}, {"key_padding_mask": torch.tensor([[False, False, True, False, True]])}),
    "both masks": ({}, {"key_padding_mask": torch.tensor([[0.0, 0.0, -1.0, 0.0, 0.0]]), "attn_mask": CAUSAL}),
}


def multi_head(made: dict, called: dict, unbatched: bool = False) -> Shell:
    def body(self: nn.Module, x: Tensor) -> Tensor:
        x = x[0] if unbatched else x if made.get("batch_first") else x.transpose(0, 1)
        output, weights = self.attn(x, x[..., : made.get("kdim", 8)], x[..., : made.get("vdim", 8)], **called)
        assert (weights is None) == (not called.get("need_weights", True))
        self.weights = weights
        return output[None] if unbatched else output if made.get("batch_first") else output.transpose(0, 1)

    return Shell(body, attn=nn.MultiheadAttention(8, 2, **made))


@pytest.mark.parametrize(("made", "called"), MULTI_HEAD.values(), ids=MULTI_HEAD)
def test_multi_head_attention_is_opened(made, called):
    model = multi_head(made, called)
    before = plain(model)
    weights = model.weights
    recording = record_trace(model, IDS)
    assert torch.allclose(recording.output, before, atol=1e-5)
    pattern, z = recording.steps["attn.pattern"][0], recording.steps["attn.z"][0]
    assert pattern.shape == (1, 2, 5, 5)
    assert torch.allclose(pattern.sum(-1), torch.ones(1, 2, 5))
    if weights is not None:
        expected = pattern if called.get("average_attn_weights") is False else pattern.mean(1)
        assert torch.allclose(weights, expected, atol=1e-6)
    joined = model.attn.out_proj(z.transpose(1, 2).flatten(2))
    assert torch.allclose(model.unembed(joined), before, atol=1e-5)


@pytest.mark.parametrize("unbatched", [False, True])
@pytest.mark.parametrize("called", [{}, {"average_attn_weights": False}, {"need_weights": False}])
def test_an_edit_inside_multi_head_attention_acts_on_the_rest(called, unbatched):
    model = multi_head({}, called, unbatched)
    before = plain(model)
    half = record_trace(model, IDS, edits={"attn.pattern": lambda x: x / 2})
    bias = model.unembed(model.attn.out_proj.bias)
    assert torch.allclose(half.output - bias, (before - bias) / 2, atol=1e-5)
    same = record_trace(model, IDS, edits={"attn.pattern": torch.clone})
    assert torch.allclose(same.output, before, atol=1e-5)
    assert (same.output.shape, same.edited) == (before.shape, {"attn.pattern"})


def test_multi_head_attention_with_rows_added_stays_closed():
    recording = record_trace(multi_head({"add_bias_kv": True}, {}), IDS)
    assert "attn.pattern" not in recording.steps
    assert "attn" in recording.steps


def test_the_fast_path_of_an_encoder_is_opened_and_left_as_it_was():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = Shell(lambda self, x: self.encoder(x), encoder=nn.TransformerEncoder(layer, 2))
    before, fast = plain(model), torch.backends.mha.get_fastpath_enabled()
    recording = record_trace(model, IDS)
    assert torch.allclose(recording.output, before, atol=1e-5)
    assert {f"encoder.layers.{i}.self_attn.pattern" for i in (0, 1)} <= set(recording.steps)
    assert torch.backends.mha.get_fastpath_enabled() is fast is True


# --- recurrent modules ---


def recurrent(module: nn.Module, state: str = "", unbatched: bool = False) -> Shell:
    def body(self: nn.Module, x: Tensor) -> Tensor:
        x = x[0] if unbatched else x if module.batch_first else x.transpose(0, 1)
        count = module.num_layers * (2 if module.bidirectional else 1)
        width = getattr(module, "proj_size", 0) or module.hidden_size
        sizes = [(count, width), (count, module.hidden_size)]
        start = tuple(torch.linspace(-1, 1, n * c).view(n, *([] if unbatched else [1]), c) for n, c in sizes)
        start = start if isinstance(module, nn.LSTM) else start[0]
        output, self.end = {
            "": lambda: self.rnn(x),
            "given": lambda: self.rnn(x, start),
            "by name": lambda: self.rnn(input=x, hx=start),
        }[state]()
        output = self.join(output)
        return output[None] if unbatched else output if module.batch_first else output.transpose(0, 1)

    outputs = (getattr(module, "proj_size", 0) or module.hidden_size) * (2 if module.bidirectional else 1)
    return Shell(body, rnn=module, join=nn.Linear(outputs, 8))


LETTERS = {nn.LSTM: "ifgoch", nn.GRU: "rznh", nn.RNN: "h"}
RECURRENT = {
    "lstm": (nn.LSTM, {"batch_first": True}),
    "lstm, no bias": (nn.LSTM, {"bias": False}),
    "lstm, projected": (nn.LSTM, {"proj_size": 3}),
    "lstm, projected, no bias": (nn.LSTM, {"proj_size": 3, "bias": False, "num_layers": 2}),
    "lstm, three layers": (nn.LSTM, {"num_layers": 3, "dropout": 0.5}),
    "lstm, both directions": (nn.LSTM, {"num_layers": 2, "bidirectional": True}),
    "gru": (nn.GRU, {}),
    "gru, no bias": (nn.GRU, {"bias": False, "batch_first": True}),
    "gru, both directions": (nn.GRU, {"bidirectional": True}),
    "rnn": (nn.RNN, {}),
    "rnn, relu, two layers": (nn.RNN, {"nonlinearity": "relu", "num_layers": 2, "batch_first": True}),
}


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("state", ["", "given", "by name"])
@pytest.mark.parametrize(("kind", "options"), RECURRENT.values(), ids=RECURRENT)
def test_recurrent_modules_are_replayed_cell_by_cell(kind, options, state):
    module = kind(8, 6, **options)
    model = recurrent(module, state)
    before = plain(model)
    recording = record_trace(model, IDS)
    assert torch.equal(recording.output, before)
    last = module.num_layers - 1
    prefix = "rnn." if not last else f"rnn.layers.{last}."
    found = {name for name in recording.steps if name.startswith(prefix + "cell.")}
    assert found == {f"{prefix}cell.{letter}" for letter in LETTERS[kind]}
    assert all(len(recording.steps[name]) == 5 for name in found)
    hidden = torch.stack(recording.steps[f"{prefix}cell.h"], 1)
    if module.bidirectional:
        backward = torch.stack(recording.steps[f"{prefix}backward.cell.h"][::-1], 1)
        hidden = torch.cat([hidden, backward], -1)
    assert torch.allclose(model.unembed(model.join(hidden)), before, atol=1e-5)
    end = model.end[0] if kind is nn.LSTM else model.end
    assert torch.allclose(recording.steps[f"{prefix}cell.h"][-1], end[-2 if module.bidirectional else -1], atol=1e-5)


def test_the_lstm_cell_obeys_its_equations():
    steps = record_trace(recurrent(nn.LSTM(8, 6)), IDS).steps
    i, f, g, o, c, h = (torch.stack(steps[f"rnn.cell.{letter}"]) for letter in LETTERS[nn.LSTM])
    assert torch.allclose(c[1:], f[1:] * c[:-1] + i[1:] * g[1:])
    assert torch.allclose(h, o * c.tanh())
    assert all(0 < gate.min() <= gate.max() < 1 for gate in (i, f, o))


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize(("kind", "options"), RECURRENT.values(), ids=RECURRENT)
@pytest.mark.parametrize("unbatched", [False, True])
def test_an_edit_of_a_cell_acts_on_the_rest(kind, options, unbatched):
    module = kind(8, 6, **options)
    model = recurrent(module, "given", unbatched)
    before = plain(model)
    prefix = "rnn.layers.0." if module.num_layers > 1 else "rnn."
    same = record_trace(model, IDS, edits={f"{prefix}cell.h": torch.clone})
    assert torch.allclose(same.output, before, atol=1e-5)
    gone = record_trace(model, IDS, edits={f"{prefix}cell.h": torch.zeros_like})
    assert not torch.allclose(gone.output, before, atol=1e-3)
    if len(LETTERS[kind]) == 1 and prefix == "rnn.":
        assert torch.allclose(gone.output, model.unembed(model.join.bias).expand(1, 5, VOCAB), atol=1e-6)


def test_a_packed_sequence_is_not_replayed():
    def body(self: nn.Module, x: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, [5], batch_first=True)
        return nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0]

    model = Shell(body, rnn=nn.LSTM(8, 8, batch_first=True))
    recording = record_trace(model, IDS)
    assert not [name for name in recording.steps if ".cell." in name]
    assert torch.equal(recording.output, plain(model))


def test_a_module_that_only_looks_like_an_lstm_is_not_explained_by_one():
    class Louder(nn.LSTM):
        def forward(self, *args, **kwargs):
            output, end = super().forward(*args, **kwargs)
            return 2 * output, end

    recording = record_trace(recurrent(Louder(8, 6)), IDS)
    assert "rnn" in recording.steps
    assert not [name for name in recording.steps if ".cell." in name]
