"""Interventions act at every named step, and leave the model as it was."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from zoo.pretrained.huggingface import Pretrained
from zoo.trace.record import Edit, Recording, record_trace

IDS = torch.tensor([[5, 9, 40, 2, 7, 88]])


def trace(loaded: Pretrained, edits: Mapping[str, Edit] | None = None) -> Recording:
    return record_trace(loaded.module, IDS, names=loaded.names, edits=edits)


def hooks(module: nn.Module) -> int:
    return sum(len(each._forward_hooks) + len(each._forward_pre_hooks) for each in module.modules())


def silence(head: int) -> Edit:
    def edit(z: Tensor) -> Tensor:
        z = z.clone()
        z[:, head] = 0
        return z

    return edit


def test_a_silenced_head_changes_the_prediction(loaded: Pretrained) -> None:
    before, after = trace(loaded), trace(loaded, {"blocks.1.attn.z": silence(0)})
    assert after.edited == {"blocks.1.attn.z"}
    assert after.steps["blocks.1.attn.z"][0][:, 0].abs().max() == 0
    assert not torch.allclose(before.output, after.output, atol=1e-4)
    joined = after.steps["blocks.1.attn.z"][0].transpose(1, 2).flatten(2)
    projected = joined @ loaded.anatomy.params["blocks.1.attn.W_O"]
    projected = projected + loaded.anatomy.params.get("blocks.1.attn.b_O", 0.0)
    torch.testing.assert_close(after.steps["blocks.1.attn.out"][0], projected)


def test_every_step_takes_an_intervention(loaded: Pretrained) -> None:
    before = trace(loaded)
    for name in before.steps:
        after = trace(loaded, {name: (lambda mask: torch.zeros_like(mask)) if name.endswith("mask") else shifted})
        assert after.edited == {name}
        assert not torch.equal(before.output, after.output), name
        assert torch.equal(before.output, trace(loaded).output), f"{name} left a mark"


def shifted(value: Tensor) -> Tensor:
    """A change that neither a norm nor a softmax can undo."""
    return value + torch.linspace(-1, 2, value.numel()).view(value.shape)


def test_an_edited_stream_is_what_the_block_goes_on_adding_to(loaded: Pretrained) -> None:
    steps = trace(loaded, {"blocks.0.resid_mid": shifted}).steps
    mid, out, after = (steps[f"blocks.0.{name}"][0] for name in ("resid_mid", "mlp.out", "resid"))
    torch.testing.assert_close(after, mid + out)


def test_an_edited_query_reaches_the_scores(loaded: Pretrained) -> None:
    steps = trace(loaded, {"blocks.0.attn.q": torch.zeros_like}).steps
    assert steps["blocks.0.attn.scores"][0].abs().max() == 0
    torch.testing.assert_close(steps["blocks.0.attn.pattern"][0][0, 0, 3, :4], torch.full((4,), 0.25))


def test_no_hook_stays_behind(loaded: Pretrained) -> None:
    loaded.module(IDS)  # the library installs some of its own on the first call
    before = hooks(loaded.module)
    trace(loaded)
    with pytest.raises(RuntimeError, match="stop"):
        trace(loaded, {"blocks.0.mlp.act": stop})
    assert hooks(loaded.module) == before
    assert not any(each.training for each in loaded.module.modules())


def stop(value: Tensor) -> Tensor:
    raise RuntimeError("stop")


def test_threads_that_share_a_model_do_not_mix(loaded: Pretrained) -> None:
    expected = [record_trace(loaded.module, IDS + i, names=loaded.names).output for i in range(4)]
    wrong: list[int] = []

    def work(i: int) -> None:
        for _ in range(5):
            recording = record_trace(loaded.module, IDS + i, names=loaded.names)
            exact = torch.equal(recording.output, expected[i])
            if not exact or any(len(calls) != 1 for calls in recording.steps.values()):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
