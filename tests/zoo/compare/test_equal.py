"""Models of equal size: the search against trying every width."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field
from torch import nn

from zoo.compare.equal import nearest, sized
from zoo.plugin import ModelPlugin, ModelSpec
from zoo.registry import discover

VOCAB = 50


class _Config(BaseModel):
    width: int = Field(8, ge=2, le=40)


class _Square(ModelPlugin):
    """width² weights; reads a value out while it is built, so that it cannot be built without numbers."""

    spec = ModelSpec(id="test/square", title="Square", family="other", task="next-token", summary="")
    Config = _Config

    def build(self, config: Any, vocab_size: int) -> nn.Module:
        module = nn.Linear(config.width, config.width, bias=False)
        float(module.weight.sum())
        return module


@pytest.mark.parametrize(("wanted", "width"), [(1, 2), (4, 2), (12, 3), (13, 4), (400, 20), (419, 20), (10**6, 40)])
def test_by_hand(wanted: int, width: int) -> None:
    found = nearest(_Square(), VOCAB, wanted, {})
    assert (found.config.width, found.parameters) == (width, width**2)  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", ["zoo/window", "zoo/rnn", "zoo/lstm", "zoo/gru", "zoo/gpt"])
def test_as_near_as_any_width_comes(model: str) -> None:
    plugin = discover().get(model)
    found = nearest(plugin, VOCAB, 30_000, {"context": 16})
    step = 4 if model == "zoo/gpt" else 1  # a multiple of the heads
    width = found.config.width  # type: ignore[attr-defined]
    assert found.config.context == 16  # type: ignore[attr-defined]
    assert found.parameters == sum(each.numel() for each in plugin.build(found.config, VOCAB).parameters())
    for other in (width - step, width + step):
        if other >= 8:
            config = plugin.Config.model_validate({"width": other, "context": 16})
            assert abs(sized(plugin, config, VOCAB).parameters - 30_000) >= abs(found.parameters - 30_000)


def test_a_model_without_a_width_is_taken_as_it_is() -> None:
    found = nearest(discover().get("zoo/n-gram"), VOCAB, 30_000, {})
    assert found.parameters == 0
