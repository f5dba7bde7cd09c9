"""The clock: its steps are counted from the traces, its numbers are those of the cells that ran."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from playground import engine
from playground.catalogue import Choice, Weights
from playground.views.sequential import cells, clock, generating
from playground.views.sequential import offer as offer_
from tests.playground.helpers import BYTES, make_run, shelves, tiny_gpt, write_plugin
from zoo.compare.counts import Flops
from zoo.inference import LoadedModel
from zoo.models.gru import GRUPlugin
from zoo.models.lstm import LSTMPlugin
from zoo.models.rnn import RNNPlugin

PLUGINS = {"rnn": RNNPlugin, "lstm": LSTMPlugin, "gru": GRUPlugin}


def loaded(kind: str, layers: int = 2) -> LoadedModel:
    plugin = PLUGINS[kind]()
    torch.manual_seed(0)
    module = plugin.build(plugin.Config(width=8, layers=layers), BYTES.vocab_size).eval()
    return LoadedModel(f"zoo/{kind}", kind.upper(), "rnn", "", module, BYTES, 128, names=plugin.names())


# --- what a trace holds ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PLUGINS)
@pytest.mark.parametrize("layers", [1, 3])
def test_layers_and_steps_are_counted_from_the_recorded_calls(kind, layers):
    assert cells.counted(loaded(kind, layers).trace("abcde")) == (layers, 5)


def test_a_cell_holds_what_the_layer_computed_at_that_token():
    model = loaded("lstm")
    trace = model.trace("abcde")
    cell = cells.cell_at(trace, 1, 3)
    assert set(cell.gates) == {"i", "f", "o"}
    states = model.module.read(torch.tensor([trace.ids[:4]]))[1]
    np.testing.assert_allclose(cell.states["h"], states[1][0][0].detach(), rtol=1e-5)
    np.testing.assert_allclose(cell.states["c"], states[1][1][0].detach(), rtol=1e-5)
    before = model.module.read(torch.tensor([trace.ids[:3]]))[1]
    np.testing.assert_allclose(cell.before["h"], before[1][0][0].detach(), rtol=1e-5)


def test_before_the_first_token_the_state_is_zero():
    cell = cells.cell_at(loaded("gru").trace("ab"), 0, 0)
    assert set(cell.gates) == {"r", "z"}
    assert not cell.before["h"].any()
    assert cells.kept(cell.states["h"], cell.before["h"]) is None


def test_a_plain_cell_has_no_gates():
    assert cells.cell_at(loaded("rnn").trace("ab"), 0, 1).gates == {}


def test_a_model_without_cells_says_so():
    with pytest.raises(ValueError, match="were not recorded"):
        cells.counted(tiny_gpt().trace("ab"))


def test_length_and_direction():
    assert cells.length(np.array([3.0, 4.0])) == 5
    assert cells.kept(np.array([1.0, 0.0]), np.array([2.0, 2.0])) == pytest.approx(0.5**0.5)


# --- generation --------------------------------------------------------------------------------


def test_a_state_that_is_carried_on_writes_what_reading_anew_writes(monkeypatch):
    model = loaded("gru")
    chosen = list[int]()
    read = model.module.read
    monkeypatch.setattr(
        model.module, "read", lambda ids, states=None: (chosen.append(ids[0, -1].item()), read(ids, states))[1]
    )
    pace = generating.pace(model, model.ids("abc"), 6)
    assert (pace.carried, len(pace.seconds)) == (True, 6)
    written, text = chosen[1:], model.ids("abc")
    for _ in range(6):
        text.append(int(model.logits(text).argmax()))
    assert written == text[3:]


def test_a_transformer_reads_the_text_anew():
    pace = generating.pace(tiny_gpt(), [1, 2, 3], 5)
    assert (pace.carried, len(pace.seconds)) == (False, 5)


def test_the_first_and_the_last_tokens_are_timed_apart():
    pace = generating.Pace((1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0), carried=False)
    assert (pace.first, pace.last) == (1.0, 3.0)


@pytest.fixture
def flops(monkeypatch):
    """What the two kinds cost, by the name of their weights."""
    known = {"one": Flops(100), "other": Flops(100, 2)}
    monkeypatch.setattr(generating, "costs", lambda weights: known[weights.key])
    return known


def writers() -> tuple[generating.Writer, generating.Writer]:
    one, other = loaded("lstm"), tiny_gpt()
    return (
        generating.Writer(one, Weights("one"), 2, (1, 2, 3, 4)),
        generating.Writer(other, Weights("other"), 2, (1, 2, 3, 4)),
    )


def test_looking_back_makes_the_last_token_dearer_and_a_state_does_not(flops):
    said = generating.notice(*writers(), 8)
    assert "For token 8 LSTM needs exactly as many operations as token 1" in said
    ratio = (100 + 2 * 11) / (100 + 2 * 4)
    assert f"for token 8 GPT needs {ratio:.3f} times the operations of token 1" in said
    assert "At 50 tokens" in said


def test_whoever_is_faster_is_named():
    slow, quick = generating.Pace((0.4,), False), generating.Pace((0.1,), True)
    assert "GPT needs the processor 4.0 times as long as LSTM" in generating._faster(*writers(), [quick, slow])
    assert "LSTM needs the processor 4.0 times as long as GPT" in generating._faster(*writers(), [slow, quick])


# --- the part on the page ----------------------------------------------------------------------


def part() -> None:
    from playground.views.sequential import clock

    clock.draw()


@pytest.fixture
def page(warm, offer, folders) -> AppTest:
    offer(folders)
    return AppTest.from_function(part, default_timeout=60)


def words(page: AppTest) -> str:
    return " ".join(each.value for each in (*page.markdown, *page.caption))


def good(page: AppTest) -> AppTest:
    assert not page.exception, page.exception
    assert not page.error, [each.value for each in page.error]
    return page


def metrics(page: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in page.metric}


def test_both_models_stand_on_one_clock_with_their_counted_ticks(page):
    good(page.run())
    title = page.selectbox(key=clock.RECURRENT).value
    choice = next(each for each in engine.choices() if each.title == title)
    tokens = len(engine.model(choice.weights).ids(page.text_input(key=clock.TEXT).value))
    assert f"{title} takes {tokens + 2} ticks for {tokens} tokens" in words(page)
    other = next(each for each in engine.choices() if each.title == page.selectbox(key=clock.TRANSFORMER).value)
    assert Path(other.key).name == "gpt-stories-1m"  # of the LSTM's size, on the same tokens
    assert "they tie" in words(page)
    blocks = engine.model(other.weights).module.config.blocks
    assert f"For 1,000 tokens it would be 1,002 ticks and {blocks + 2}" in words(page)


def test_the_gates_on_the_page_are_the_trace_s(page):
    good(page.run())
    choice = next(each for each in engine.choices() if each.title == page.selectbox(key=clock.RECURRENT).value)
    weights = choice.weights
    ids = engine.model(weights).ids(page.text_input(key=clock.TEXT).value)
    page.session_state[clock.TICK] = 4  # layer 1 reads token 4, the first being read at tick 1
    good(page.run())
    trace = engine.trace(weights, tuple(ids))
    forget = trace.steps["layers.0.cell.f"][3]
    shown = metrics(page)
    assert shown["forget gate f, mean"] == f"{forget.mean():.2f}"
    assert shown["length of c"] == f"{np.linalg.norm(trace.steps['layers.0.cell.c'][3]):.2f}"
    assert f"token 4 of {len(ids)}" in words(page)


def test_the_buttons_move_the_clock_and_stop_at_its_ends(page):
    good(page.run())
    now = page.session_state[clock.TICK]
    page.button(key="sequential.arrow_forward").click().run()
    assert page.session_state[clock.TICK] == now + 1
    last = page.slider(key=clock.TICK).max
    page.slider(key=clock.TICK).set_value(last)
    good(page.run())
    assert page.slider(key=clock.TICK).value == last
    assert page.button(key="sequential.arrow_forward").disabled
    assert "it expects" in words(page)


def test_a_lower_layer_that_is_done_does_not_answer_yet(warm, offer, deep_folder):
    offer(deep_folder)
    page = AppTest.from_function(part, default_timeout=60).run()
    title = next(each for each in page.selectbox(key=clock.RECURRENT).options if "two" in each)
    page.selectbox(key=clock.RECURRENT).set_value(title).run()
    last = page.slider(key=clock.TICK).max
    page.slider(key=clock.TICK).set_value(last - 1)
    good(page.run())
    assert "Layer 1 is done; layer 2 above it still reads." in words(page)
    page.slider(key=clock.TICK).set_value(last)
    good(page.run())
    assert "it expects" in words(page)


def test_at_tick_0_nobody_waits_yet(page):
    page.run()
    page.session_state[clock.TICK] = 0
    good(page.run())
    assert page.button(key="sequential.arrow_back").disabled
    assert words(page).count("Looks up the embedding") == 2


def test_an_empty_text_is_one_sentence(page):
    page.run()
    page.text_input(key=clock.TEXT).set_value("").run()
    assert not page.exception
    assert [each.value for each in page.error] == [r"The text is empty\: type at least one word\."]


def test_a_long_text_is_cut_and_it_is_said(page):
    page.run()
    page.text_input(key=clock.TEXT).set_value("the cat sat on the mat and " * 6).run()
    good(page)
    assert re.search(rf"the first {clock.MOST_TOKENS} of \d+ tokens", words(page).replace("\\", ""))


@pytest.mark.parametrize("title", ["RNN", "LSTM", "GRU"])
def test_each_recurrent_model_can_be_chosen(page, title):
    page.run()
    page.selectbox(key=clock.RECURRENT).set_value(title).run()
    good(page)
    assert page.selectbox(key=clock.RECURRENT).value == title
    assert any(label.startswith("length of h") for label in metrics(page))


def test_a_plugin_with_torch_s_own_lstm_is_put_on_the_clock(warm, offer, tmp_path):
    shelves(tmp_path)
    forward = "return self.unembed(self.lstm(x)[0])"
    write_plugin(tmp_path / "plugins", "Mine", forward, family="rnn")
    make_run(tmp_path / "runs" / "tiny")
    offer(tmp_path)
    page = AppTest.from_function(part, default_timeout=60).run()
    page.selectbox(key=clock.RECURRENT).set_value("Mine").run()
    good(page)
    assert "forget gate f, mean" in metrics(page)
    assert "text is read anew" in words(page)


def test_a_model_that_raises_is_named_and_another_one_can_be_chosen(warm, offer, tmp_path):
    shelves(tmp_path)
    write_plugin(tmp_path / "plugins", "Faulty", "raise RuntimeError('out of order')", family="rnn")
    offer(tmp_path)
    page = AppTest.from_function(part, default_timeout=60).run()
    page.selectbox(key=clock.RECURRENT).set_value("Faulty").run()
    assert not page.exception
    (said,) = [each.value.replace("\\", "") for each in page.error]
    assert said == "Faulty failed with RuntimeError: out of order. Choose another model."
    page.selectbox(key=clock.RECURRENT).set_value("LSTM").run()
    good(page)


def test_whatever_a_fragment_raises_is_one_sentence(warm, offer, folders, monkeypatch):
    offer(folders)
    monkeypatch.setattr(clock, "_draw", lambda: 1 / 0)
    page = AppTest.from_function(part, default_timeout=60).run()
    assert not page.exception
    assert "ZeroDivisionError" in page.error[0].value


def test_the_transformer_offered_first_reads_the_same_tokens(monkeypatch):
    known = {
        "lstm": offer_.Info("zoo/lstm", "stories", "small"),
        "large": offer_.Info("zoo/gpt", "stories", "large"),
        "other": offer_.Info("zoo/gpt", "news", "small"),
        "alike": offer_.Info("zoo/gpt", "stories", "small"),
    }
    monkeypatch.setattr(offer_, "info", lambda choice: known[choice.key])
    choices = [Choice(key, key, trained=True) for key in ("large", "other", "alike")]
    assert offer_.first(choices, "zoo/gpt", Choice("lstm", "lstm")).key == "alike"
    assert offer_.first(choices, "zoo/gpt").key == "large"
