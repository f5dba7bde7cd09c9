"""Hugging Face folders through `zoo.load`: the start token, the twin, and the logit lens against transformers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from zoo.inference import load
from zoo.sampling import Sampling
from zoo.trace.lens import logit_lens


def test_a_folder_loads_and_predicts_as_its_module_does(folder: Path) -> None:
    model = load(str(folder))
    assert model.id == str(folder)
    assert model.title == folder.resolve().name
    assert (model.trained, model.about) == (True, "trained")
    with torch.no_grad():
        expected = model.module.model(input_ids=torch.tensor([model.ids("the cat")])).logits[0, -1].softmax(-1)
    for each in model.predict("the cat", top=7):
        np.testing.assert_allclose(each.prob, expected[each.id], rtol=1e-4)


def test_the_untrained_twin_keeps_architecture_and_tokenizer(folder: Path) -> None:
    trained = load(str(folder))
    twin, again, other = (load(str(folder), untrained=True, seed=seed) for seed in (1, 1, 2))
    assert (twin.trained, twin.about) == (False, "untrained, seed 1")
    assert twin.tokenizer.hash == trained.tokenizer.hash
    shapes = [{name: value.shape for name, value in each.module.state_dict().items()} for each in (trained, twin)]
    assert shapes[0] == shapes[1]
    first, second, third = (each.logits([3, 4, 5]) for each in (twin, again, other))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - third).max() > 1e-4
    assert np.abs(first - trained.logits([3, 4, 5])).max() > 1e-4


def test_a_start_token_is_fed_traced_and_never_part_of_the_text(stories260k: Path) -> None:
    model = load(str(stories260k))
    assert model.bos == 1
    trace = model.trace("Once upon a time")
    assert trace.ids[0] == 1
    assert trace.ids[1:] == model.encode("Once upon a time").ids
    np.testing.assert_allclose(trace["logits"][-1], model.logits(trace.ids), rtol=1e-4, atol=1e-4)
    new = list(model.generate(trace.ids, 3, Sampling(temperature=0)))
    text = model.tokenizer.decode([*trace.ids[1:], *new])
    assert text.startswith("Once upon a time")


def test_each_reading_of_the_lens_is_transformers_own_head_on_its_own_hidden_state(folder: Path) -> None:
    model = load(str(folder))
    trace = model.trace("the cat")
    inner = model.module.model
    final_norm, head = (
        inner.base_model.ln_f if hasattr(inner.base_model, "ln_f") else inner.base_model.norm,
        inner.lm_head,
    )
    with torch.no_grad():
        hidden = inner(input_ids=torch.tensor([trace.ids]), output_hidden_states=True).hidden_states
        streams = [head(final_norm(each[0])).double() for each in hidden[:-1]]  # the last one is normed already
        expected = [*streams, head(hidden[-1][0]).double()]
    for row in (0, len(trace.ids) - 1):
        readings = logit_lens(trace, row)
        assert len(readings) == trace.blocks + 1 == len(expected)
        for reading, logits in zip(readings, expected, strict=True):
            assert reading.id == int(logits[row].argmax())
            np.testing.assert_allclose(reading.prob, logits[row].softmax(-1).max(), rtol=2e-4)
