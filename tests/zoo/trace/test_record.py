"""The recorder's rules, each shown to hold, and shown to matter where that is cheap."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.models.gpt import Config, GPTPlugin
from zoo.trace import taps
from zoo.trace.record import Recorder, active, record, record_trace

VOCAB = 11


def gpt(**changes: object) -> nn.Module:
    torch.manual_seed(0)
    return GPTPlugin().build(Config(**{"blocks": 2, "heads": 2, "width": 8, "context": 16, **changes}), VOCAB)


def text(*ids: int) -> Tensor:
    return torch.tensor([ids])


class Recorded(nn.Module):
    """Runs `body` on the embedded text; returns its output, read out as logits."""

    def __init__(self, body) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.unembed, self.body = nn.Embedding(VOCAB, 4), nn.Linear(4, VOCAB), body

    def forward(self, ids: Tensor) -> Tensor:
        return self.unembed(self.body(self.embed(ids)))


def hooks(module: nn.Module) -> list[int]:
    return [len(each._forward_hooks) + len(each._forward_pre_hooks) for each in module.modules()]


def modes(module: nn.Module) -> list[bool]:
    return [each.training for each in module.modules()]


def test_outside_of_a_trace_record_hands_back_the_very_tensor():
    value = torch.ones(2)
    assert record("x", value) is value
    assert zoo.record is record  # the name that plugin authors import, not the module of that name
    assert active() is None


def test_inside_of_a_trace_the_very_tensor_comes_back_too():
    same = []

    def body(x: Tensor) -> Tensor:
        same.append(record("x", x) is x)
        return x

    record_trace(Recorded(body), text(1, 2), names={})
    assert same == [True]


def test_names_carry_the_path_of_the_running_module():
    steps = record_trace(gpt(), text(1, 2, 3), names={}).steps
    assert steps["blocks.1.attn.pattern"][0].shape == (1, 2, 3, 3)
    assert list(steps)[:3] == ["embed.tok", "embed.pos", "embed.out"]
    assert list(steps)[-1] == "logits"


@pytest.mark.parametrize("names", [{}, None], ids=["by hand", "every submodule"])
def test_tracing_leaves_the_logits_bit_identical(names):
    model = gpt().eval()
    with torch.no_grad():
        plain = model(text(3, 1, 4, 1, 5))
    assert torch.equal(record_trace(model, text(3, 1, 4, 1, 5), names=names).output, plain)


def test_a_later_change_in_place_does_not_rewrite_what_was_recorded():
    def body(x: Tensor) -> Tensor:
        record("before", x)
        return record("after", x.zero_())

    recording = record_trace(Recorded(body), text(1, 2), names={})
    assert recording.steps["before"][0].abs().min() > 0
    assert recording.steps["after"][0].abs().max() == 0


def test_one_name_used_again_becomes_the_next_call():
    def body(x: Tensor) -> Tensor:
        for t in range(x.shape[1]):
            record("step", x[:, t])
        return x

    recording = record_trace(Recorded(body), text(1, 2, 3), names={"embed": "embed.tok"})
    embedded = recording.steps["embed.tok"][0]
    assert len(recording.steps["step"]) == 3
    assert torch.equal(torch.stack(recording.steps["step"], 1), embedded)


def test_the_budget_names_what_it_dropped_and_the_output_stays_whole():
    model = gpt()
    whole = record_trace(model, text(1, 2, 3), names={})
    small = record_trace(model, text(1, 2, 3), names={}, budget=2000)
    kept = sum(each.numel() * 4 for calls in small.steps.values() for each in calls)
    assert 0 < kept <= 2000
    assert "logits" in small.dropped
    assert small.dropped["logits"] == 3 * VOCAB * 4
    assert set(small.steps) | set(small.dropped) == set(whole.steps)
    assert not set(small.steps) & set(small.dropped)
    assert torch.equal(small.output, whole.output)
    assert not whole.dropped


def test_once_a_name_is_dropped_its_later_calls_are_dropped_too_so_that_calls_keep_their_numbers():
    def body(x: Tensor) -> Tensor:
        for width in (2, 4, 1):
            record("step", torch.full((width,), float(width)))
        return x

    recording = record_trace(Recorded(body), text(1), names={}, budget=16)
    assert [each.tolist() for each in recording.steps["step"]] == [[2.0, 2.0]]
    assert recording.dropped == {"step": 16 + 4}


@pytest.mark.parametrize("names", [{}, None], ids=["by hand", "every submodule"])
def test_whatever_the_model_raises_everything_is_put_back(names):
    model = gpt(context=4)
    model.blocks[0].eval()  # a mixed state: part of the model is training, part is not
    before = hooks(model), modes(model)
    with pytest.raises(ValueError, match="reads at most 4"):
        record_trace(model, text(1, 2, 3, 4, 5), names=names)
    assert (hooks(model), modes(model)) == before
    assert active() is None
    assert torch.is_grad_enabled()
    record_trace(model, text(1, 2), names=names)
    assert (hooks(model), modes(model)) == before


def test_after_a_submodule_raises_and_is_caught_names_still_carry_the_right_path():
    class Fragile(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("broken")

    class Careful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fragile = Fragile()

        def forward(self, x: Tensor) -> Tensor:
            try:
                return self.fragile(x)
            except RuntimeError:
                return record("instead", x)

    assert "body.instead" in record_trace(Recorded(Careful()), text(1), names={}).steps


def test_tracing_runs_in_eval_mode_without_gradients():
    seen = []
    model = Recorded(nn.Dropout(0.9))
    model.body.register_forward_hook(lambda module, args, output: seen.append((module.training, args[0].requires_grad)))
    record_trace(model, text(1, 2))
    assert seen == [(False, False)]
    assert model.body.training


def test_an_edit_acts_on_the_rest_of_the_model_and_is_named():
    model = gpt()
    plain = record_trace(model, text(1, 2, 3), names={})
    edited = record_trace(model, text(1, 2, 3), names={}, edits={"blocks.0.attn.pattern": torch.zeros_like})
    assert edited.edited == {"blocks.0.attn.pattern"}
    assert edited.steps["blocks.0.attn.pattern"][0].abs().max() == 0
    assert edited.steps["blocks.0.attn.z"][0].abs().max() == 0
    assert torch.equal(edited.steps["blocks.0.attn.v"][0], plain.steps["blocks.0.attn.v"][0])
    assert not torch.equal(edited.output, plain.output)


def test_an_edit_in_place_changes_neither_the_weights_nor_earlier_steps():
    model = gpt()
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    edits = {name: lambda x: x.zero_() for name in ("embed.pos", "embed.out", "blocks.0.resid")}
    recording = record_trace(model, text(1, 2), names={}, edits=edits)
    assert recording.steps["embed.pos"][0].abs().max() == 0  # a view of the weights, when the model made it
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert recording.steps["embed.tok"][0].abs().max() > 0


def test_an_edit_is_made_once_where_a_tap_and_a_record_share_a_name():
    model = gpt()  # the module blocks.0.attn.out is tapped, and its output recorded as blocks.0.attn.out
    double = {"blocks.0.attn.out": lambda x: 2 * x}
    tapped = record_trace(model, text(1, 2), edits=double)
    by_hand = record_trace(model, text(1, 2), names={}, edits=double)
    assert torch.equal(tapped.output, by_hand.output)
    assert len(tapped.steps["blocks.0.attn.out"]) == 1


def test_an_edit_that_changes_the_shape_is_refused():
    with pytest.raises(ValueError, match=r"the edit of embed\.tok gave shape \(1, 2\) instead of \(1, 2, 8\)"):
        record_trace(gpt(), text(1, 2), names={}, edits={"embed.tok": lambda x: x[..., 0]})


def test_logits_are_found_in_what_a_model_returns():
    class Output:
        def __init__(self, logits: Tensor) -> None:
            self.logits = logits

    model = Recorded(nn.Identity())
    plain = record_trace(model, text(1, 2)).output
    for wrap in (Output, lambda x: (x, "cache")):
        handle = model.register_forward_hook(lambda module, args, output, wrap=wrap: wrap(output))
        assert torch.equal(record_trace(model, text(1, 2)).output, plain)
        handle.remove()
    model.register_forward_hook(lambda module, args, output: {"scores": output})
    with pytest.raises(ValueError, match="the model returned dict; it must return logits"):
        record_trace(model, text(1, 2))


def test_a_compiled_model_is_traced_as_it_was_before():
    model = gpt()
    wrapper = nn.Module()  # as torch.compile wraps: the original lies in _orig_mod
    wrapper.__dict__["_orig_mod"] = model
    assert torch.equal(
        record_trace(wrapper, text(1, 2), names={}).output, record_trace(model, text(1, 2), names={}).output
    )


def test_a_trace_inside_of_a_trace_keeps_to_itself():
    inner, found = gpt(), []

    def body(x: Tensor) -> Tensor:
        found.append(record_trace(inner, text(1, 2), names={}).steps)
        return record("after", x)

    outer = record_trace(Recorded(body), text(1, 2), names={})
    assert list(outer.steps) == ["after"]
    assert "logits" in found[0]
    assert "after" not in found[0]


def _mixed_up(model: nn.Module, traces: int = 240) -> int:
    """How many of the traces, made by four threads on one model, differ from the same trace made alone."""
    texts = [text(*range(1 + n % 7, 4 + n % 7)) for n in range(traces)]
    alone = {tuple(ids[0].tolist()): record_trace(model, ids).steps for ids in texts}

    def differs(ids: Tensor) -> bool:
        try:
            steps = record_trace(model, ids).steps
        except (RuntimeError, IndexError):  # without the guard even the paths come apart
            return True
        mine = alone[tuple(ids[0].tolist())]
        return list(steps) != list(mine) or any(
            len(steps[name]) != len(mine[name]) or not all(map(torch.equal, steps[name], mine[name])) for name in mine
        )

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(differs, texts))


class Yielding(nn.Module):
    """Attention over embedded ids that lets the other threads run in its middle."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.mix = nn.Embedding(VOCAB, 4), nn.Linear(4, 4)
        self.drop, self.unembed = nn.Dropout(0.5), nn.Linear(4, VOCAB)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed(ids)
        give_way()
        x = nn.functional.scaled_dot_product_attention(x, self.mix(x), x, is_causal=True)
        give_way()
        return self.unembed(self.drop(x))


def give_way() -> None:
    time.sleep(0.0002)


def test_four_threads_tracing_one_model_never_mix():
    assert _mixed_up(Yielding()) == 0  # in training mode before: one thread must not wake another's dropout


def test_without_the_guard_they_would_mix(monkeypatch):
    def unguarded(recorder: Recorder, path: str, name: str | None):
        def hook(module, args, *kwargs_and_output):
            output = kwargs_and_output[-1]
            return None if name is None else taps._tap(recorder, name, output)

        return hook

    monkeypatch.setattr(taps, "_leave", unguarded)
    monkeypatch.setattr(taps, "_enter", lambda recorder, path: lambda module, args: recorder.path.append(path))
    assert _mixed_up(Yielding()) > 0


def test_the_last_trace_of_a_shared_model_restores_its_modes():
    model = Yielding()
    before = hooks(model), modes(model)
    _mixed_up(model, traces=40)
    assert (hooks(model), modes(model)) == before
