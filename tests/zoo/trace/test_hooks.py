"""What a trace leaves alone for speed, and that nothing is lost by it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zoo.trace.record import Recorder, record, record_trace
from zoo.trace.taps import tapped

IDS = torch.tensor([[3, 1, 4, 1]])
NAMES = {"embed": "embed.tok"}


class Shouting(nn.Linear):
    """A layer of the author's own that names a value."""

    def forward(self, x: Tensor) -> Tensor:
        return record("shout", super().forward(x))


class Model(nn.Module):
    """Every kind of part; also a logits tensor that is changed in place after it was named."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.plain = nn.Embedding(7, 4), nn.Linear(4, 4)
        self.own, self.cells = Shouting(4, 4), nn.RNN(4, 4, batch_first=True)
        self.attend = nn.MultiheadAttention(4, 2, batch_first=True)
        self.unembed = nn.Linear(4, 7)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.own(self.plain(self.embed(ids)))
        x = self.cells(self.attend(x, x, x)[0])[0]
        return record("logits", self.unembed(x)).mul_(2)


def hooked(model: Model, names: dict[str, str] | None) -> set[str]:
    """The parts that have a hook while a trace with these names runs."""
    with tapped(model, Recorder({}, 2**20, dedupe=False), names):
        return {path for path, part in model.named_modules() if part._forward_hooks}


def test_torchs_own_layers_get_no_hook_unless_they_are_named() -> None:
    model = Model()
    assert hooked(model, NAMES) == {"embed", "own", "cells", "attend"}
    assert hooked(model, {"plain:input": "blocks.0.mlp.act"}) == {"plain", "own", "cells", "attend"}
    assert hooked(model, None) == {path for path, _ in model.named_modules() if path}
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())


def test_a_hook_of_the_authors_on_torchs_layer_records_under_that_layers_path() -> None:
    model = Model()
    model.plain.register_forward_hook(lambda module, args, output: record("seen", output))
    assert {"plain.seen", "own.shout"} <= set(record_trace(model, IDS, names=NAMES).steps)


@pytest.mark.parametrize("names", [NAMES, None])
def test_the_logits_are_what_the_model_returned_and_are_not_copied(names: dict[str, str] | None) -> None:
    model = Model()
    recording = record_trace(model, IDS, names=names)
    [logits] = recording.steps["logits"]
    assert torch.equal(logits, model(IDS))
    assert logits.data_ptr() == recording.output.data_ptr()
