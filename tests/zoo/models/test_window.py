"""The window network against a loop over torch.nn.Linear, how far it sees, and its bounds."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from zoo.models.window import Config, WindowNetwork, WindowPlugin
from zoo.trace.record import record_trace

VOCAB = 13


def build(**values: int) -> WindowNetwork:
    torch.manual_seed(0)
    return WindowPlugin().build(Config(**{"width": 8, "hidden": 16, "window": 3, **values}), VOCAB).eval()


def ids(batch: int = 2, time: int = 10) -> Tensor:
    return torch.randint(VOCAB, (batch, time), generator=torch.Generator().manual_seed(1))


def one_by_one(model: WindowNetwork, text: list[int]) -> Tensor:
    """Bengio's network as on paper, one position after the other: (time, vocab)."""
    window, width = model.config.window, model.config.width
    hidden, out = nn.Linear(window * width, model.config.hidden), nn.Linear(model.config.hidden, VOCAB)
    hidden.load_state_dict(model.hidden.state_dict())
    out.load_state_dict(model.unembed.state_dict())
    rows = []
    for t in range(len(text)):
        places = range(t - window + 1, t + 1)
        parts = [model.embed.weight[text[p]] if p >= 0 else torch.zeros(width) for p in places]
        rows.append(out(torch.tanh(hidden(torch.cat(parts)))))
    return torch.stack(rows)


@pytest.mark.parametrize("window", [1, 3, 64])
@torch.no_grad()
def test_all_positions_at_once_are_as_each_alone(window: int) -> None:
    model, texts = build(window=window), ids()
    for text, logits in zip(texts.tolist(), model(texts), strict=True):
        torch.testing.assert_close(logits, one_by_one(model, text))


@torch.no_grad()
def test_it_sees_its_window_and_nothing_else() -> None:
    model, text = build(window=3), ids(batch=1)
    before = model(text)[0]
    for place in range(10):
        changed = text.clone()
        changed[0, place] = (changed[0, place] + 1) % VOCAB
        moved = (model(changed)[0] != before).any(-1).nonzero().flatten().tolist()
        assert moved == [t for t in range(10) if place <= t < place + 3]


def test_its_steps_recompute_the_logits() -> None:
    model, text = build(), ids(batch=1)
    recording = record_trace(model, text, names={})
    steps = {name: calls[0] for name, calls in recording.steps.items()}
    assert list(steps) == ["embed.tok", "window.input", "window.pre", "window.hidden", "logits"]
    assert steps["window.input"].shape == (1, 10, 3, 8)
    torch.testing.assert_close(
        steps["window.input"][:, :, -1], steps["embed.tok"], rtol=0, atol=0
    )  # the newest is last
    assert not steps["window.input"][0, 0, :2].any()  # zeros before the text's start
    torch.testing.assert_close(model.unembed(steps["window.pre"].tanh()).detach(), recording.output)


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 4"):
        build(context=4)(ids(time=5))


@pytest.mark.parametrize("values", [{"window": 0}, {"window": 65}, {"hidden": 7}, {"context": 1}])
def test_values_out_of_bounds_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Config(**values)
