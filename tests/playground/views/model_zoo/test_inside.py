"""What can be seen inside a model, and what one model shows and another lacks."""

from __future__ import annotations

import pytest

from playground.views.model_zoo import inside, pair
from playground.views.model_zoo.facts import facts
from playground.views.model_zoo.inside import OWN, kinds, traced
from zoo.inference import load
from zoo.trace.missing import missing
from zoo.trace.schema import entry


def test_the_list_holds_every_step_of_a_real_trace(cards):
    for title in ("GPT", "LSTM", "Transformer of 2017", "N-gram", "word2vec, CBOW", "Averager"):
        card = cards[title]
        trace = traced(card.choice.weights, 0)
        live = load(card.choice.key, untrained=not card.choice.trained).trace("She enjoys playing")
        assert list(trace.steps) == list(live.steps)
        found = kinds(trace.steps)
        assert sum(each.times for each in found) == len(live.steps)
        for each in found:
            assert each.title in inside.listed(trace).replace("\\", "")


def test_kinds_are_put_together_over_blocks_layers_and_halves():
    steps = ["embed.tok", "blocks.0.attn.q", "blocks.1.attn.q", "encoder.blocks.0.attn.q", "layers.0.cell.f", "a.0.b"]
    found = {each.name: each for each in kinds(steps)}
    assert found["blocks.{i}.attn.q"].times == 3
    assert found["blocks.{i}.attn.q"].head == "Attention"
    assert found["cell.f"].title == entry("cell.f").title
    assert found["a.{i}.b"].head == OWN


def test_only_names_are_kept_and_no_numbers(cards):
    trace = traced(cards["GPT"].choice.weights, 0)
    assert trace.params
    assert set(trace.params.values()) == {None}
    assert trace.steps
    assert not any(trace.steps.values())


def test_two_models_are_told_apart_row_by_row(cards):
    mine, gpt = cards["Averager"], cards["GPT"]
    rows = {label: (a, b) for label, a, b in pair.rows(mine, gpt)}
    assert rows["Parameters"] == (f"{facts(mine).parameters:,}", f"{facts(gpt).parameters:,}")
    assert rows["blocks"] == (pair.NOTHING, str(facts(gpt).config["blocks"]))
    assert rows["Trained on"] == ("nothing yet", "stories.jsonl.xz")
    table = pair.table(mine, gpt, pair.rows(mine, gpt))
    assert table.count("▸") == sum(a != b for a, b in rows.values())
    assert "▸" not in pair.table(gpt, gpt, pair.rows(gpt, gpt))


def test_the_loss_of_all_held_out_text_is_that_of_the_cards(cards):
    lstm, gpt = cards["LSTM"], cards["GPT, as large as the LSTM"]
    rows = {label: (a, b) for label, a, b in pair.rows(lstm, gpt)}
    for card, shown in zip((lstm, gpt), rows[pair.WHOLE], strict=True):
        (row,) = [
            line
            for line in (card.folder / "CARD.md").read_text().splitlines()
            if f"| {facts(card).parameters:,} |" in line
        ]
        assert shown == f"{float(row.split('|')[3]):.3f}"


def test_what_the_other_lacks_stands_under_the_reason_that_the_trace_gives(cards):
    lstm, gpt = traced(cards["LSTM"].choice.weights, 0), traced(cards["GPT"].choice.weights, 0)
    found = pair.reasons(gpt, lstm, "rnn")
    names = [kind.name for steps in found.values() for kind in steps]
    assert set(names) == {k.name for k in kinds(gpt.steps)} - {k.name for k in kinds(lstm.steps)}
    why = missing(lstm, "blocks.0.attn.pattern", "rnn").sentence
    assert "blocks.{i}.attn.pattern" in {kind.name for kind in found[why]}
    assert {k.name for steps in pair.reasons(lstm, gpt, "gpt").values() for k in steps} >= {"cell.f", "cell.c"}
    assert pair.reasons(gpt, gpt, "gpt") == {}


def test_an_authors_own_step_is_not_said_to_be_missing(cards):
    found = pair.reasons(traced(cards["Averager"].choice.weights, 0), traced(cards["GPT"].choice.weights, 0), "gpt")
    assert [kind.name for steps in found.values() for kind in steps if kind.head == OWN] == ["embed", "mean", "unembed"]


def test_a_faulty_model_raises_its_own_error(cards):
    with pytest.raises(RuntimeError, match=r"no .forward. today"):
        traced(cards["Faulty"].choice.weights, 0)
