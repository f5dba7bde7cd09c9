"""The page Forward pass with every model of the zoo: it opens at a step of the model's own, and the numbers add up."""

from __future__ import annotations

import pytest

from tests.playground.helpers import FORWARD_PASS, faultless, sent
from tests.zoo.trace.models import PLUGINS

STEPS = {
    "rnn": "layers.0.cell.h",
    "lstm": "layers.0.cell.c",
    "gru": "layers.0.cell.n",
    "window": "window.input",
    "bag-of-words": "bag.counts",
    "n-gram": "ngram.own.2",
    "skip-gram": "logits",
    "cbow": "cbow.shares",
    "bert": "blocks.1.resid_mid",
    "seq2seq": "context",
    "seq2seq-attention": "decoder.cross.pattern",
    "encoder-decoder": "decoder.blocks.1.cross.z",
    "gpt": "blocks.0.attn.pattern",
    "gpt-modern": "blocks.0.attn.q_norm",
}


@pytest.mark.parametrize(("name", "step"), STEPS.items())
def test_a_step_of_every_model_opens(open_page, name, step):
    app = faultless(open_page(FORWARD_PASS, model=PLUGINS[name].spec.title, prompt="the cat sat", step=step))
    spine, (head, arrays) = sent(app, "spine")[0], sent(app, "matrix")
    assert spine["selected"] == step == head["step"]
    assert head["error"] is not None
    assert head["error"] < 1e-4
    assert arrays["values"].size
    missing = [each["id"] for each in spine["steps"] if each["missing"]]
    assert missing == ([] if any("pattern" in each["id"] and not each["missing"] for each in spine["steps"]) else [
        "blocks.0.attn.pattern"
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("lstm", "layers.0.cell.h"),
        ("seq2seq", "decoder.out"),
        ("n-gram", "ngram.mix"),
        ("gpt", "blocks.0.attn.pattern"),
    ],
)
def test_where_nothing_was_selected_it_opens_at_a_step_that_the_model_has(open_page, name, step):
    app = faultless(open_page(FORWARD_PASS, model=PLUGINS[name].spec.title, prompt="the cat sat"))
    assert sent(app, "spine")[0]["selected"] == step


def test_a_step_that_it_lacks_can_be_selected_and_asks_for_nothing_to_be_tried(open_page):
    app = faultless(open_page(FORWARD_PASS, model="LSTM", prompt="the cat sat", step="blocks.0.attn.pattern"))
    assert any("attention" in each.value for each in app.info)
    assert not any("Try it" in each.value for each in app.markdown)


def test_every_model_of_the_zoo_is_tried():
    assert set(STEPS) == set(PLUGINS)


def test_a_part_of_a_recurrent_model_is_switched_off(open_page):
    app = faultless(open_page(FORWARD_PASS, model="LSTM", prompt="the cat sat", step="layers.0.cell.f"))
    box = next(each for each in app.selectbox if each.label == "What if a part were switched off?")
    faultless(box.set_value("Layer 0, forget gate at 0: nothing is kept").run())
    assert not sent(app, "matrix")[1]["values"].any()
    assert any("moved" in each.value for each in app.markdown)
