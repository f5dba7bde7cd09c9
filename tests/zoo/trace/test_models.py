"""Every model of the zoo: its steps follow from the numbers beside them, and a cell that is off is found."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.zoo.trace.cells import worked
from tests.zoo.trace.models import PLUGINS, VARIANTS, VOCAB, ids_for, trace_of
from zoo.trace.derive import derivation, recompute
from zoo.trace.parts import dims_of, inside, over_time, rows_of
from zoo.trace.schema import entry
from zoo.trace.sheets import sheet
from zoo.trace.trace import Trace
from zoo.trace.verify import verify

GIVEN = r"ngram\.(counts\.\d|discount|seen)"
"""Steps that are looked up, and so cannot be recomputed from the trace."""


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", VARIANTS)
def test_every_step_is_recomputed_or_says_why_not(name, seed):
    trace = trace_of(name, seed=seed)
    checks = verify(trace)
    assert [check for check in checks if check.ok is False] == []
    unknown = [check for check in checks if check.ok is None]
    assert [check.step for check in unknown if not re.fullmatch(GIVEN, check.step)] == []
    assert all(check.reason for check in unknown)
    assert {check.step for check in checks} == set(trace.steps)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_step_of_the_zoo_has_a_place_in_the_vocabulary(name):
    trace = over_time(trace_of(name))
    for step in trace.steps:
        assert entry(step), step
        assert len(dims_of(trace, step)) == trace[step].ndim, step
        assert len(trace.steps[step]) == 1, step


@pytest.mark.parametrize("name", VARIANTS)
def test_an_opened_cell_is_the_sum_of_what_is_beside_it(name):
    trace = trace_of(name)
    for step in trace.steps:
        shown = sheet(trace, step, columns=100)
        assert shown.values.shape == (len(shown.layer_labels), len(shown.row_labels), len(shown.column_labels))
        if shown.kind == "input":
            continue
        for at in np.ndindex(*shown.values.shape):
            assert worked(shown, *at) == pytest.approx(float(shown.values[at]), rel=1e-3, abs=1e-5), (step, at)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_cell_that_is_off_is_found(name, with_cell):
    trace = over_time(trace_of(name))
    for step in trace.steps:
        last = tuple(size - 1 for size in trace[step].shape)
        if derivation(trace, step).recomputable and np.isfinite(trace[step][last]):
            changed = with_cell(trace, step, last, float(trace[step][last]) + 0.01)
            assert False in [check.ok for check in verify(changed) if check.step == step], step


@pytest.mark.parametrize("time", [1, 2, 9])
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "bag-of-words", "window", "n-gram", "gpt"])
def test_texts_of_any_length(name, time):
    trace = trace_of(name, ids=[3, 1, 4, 1, 5, 9, 2, 6, 5][:time])
    assert not [check for check in verify(trace) if check.ok is False]
    for step in trace.steps:
        if step.endswith("cell.h"):
            assert sheet(trace, step).values.shape[1] == time


def test_an_lstms_gates_by_hand():
    trace = trace_of("lstm")
    whole, params = over_time(trace), trace.params
    below, sigmoid = whole["embed.out"].astype(float), lambda x: 1 / (1 + np.exp(-x))
    for cell in ("layers.0.cell", "layers.1.cell"):
        h, c = np.zeros(8), np.zeros(8)
        for t, x in enumerate(below):
            i, f, g, o = (
                x @ params[f"{cell}.W_x{gate}"] + h @ params[f"{cell}.W_h{gate}"] + params[f"{cell}.b_{gate}"]
                for gate in "ifgo"
            )
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
            c = f * c + i * g
            h = o * np.tanh(c)
            for letter, value in zip("ifgoch", (i, f, g, o, c, h), strict=True):
                np.testing.assert_allclose(whole[f"{cell}.{letter}"][t], value, atol=1e-5)
                np.testing.assert_allclose(trace.steps[f"{cell}.{letter}"][t], value, atol=1e-5)
                assert recompute(trace, f"{cell}.{letter}")[t] == pytest.approx(value, abs=1e-5)
        below = whole[f"{cell}.h"].astype(float)


def test_the_first_step_of_a_decoder_sets_out_from_the_source():
    trace = trace_of("seq2seq")
    whole, params = over_time(trace), trace.params
    np.testing.assert_array_equal(trace["context"], whole["encoder.layers.1.cell.h"][-1])
    x, cell = whole["decoder.embed.tok"][0], "decoder.layers.0.cell"
    z = x @ params[f"{cell}.W_xz"] + trace["context"] @ params[f"{cell}.W_hz"] + params[f"{cell}.b_z"]
    np.testing.assert_allclose(whole[f"{cell}.z"][0], 1 / (1 + np.exp(-z)), atol=1e-5)


@pytest.mark.parametrize("name", [name for name in VARIANTS if PLUGINS[VARIANTS[name][0]].spec.task == "translate"])
def test_a_translators_rows_are_the_tokens_of_the_right_text(name):
    trace = trace_of(name)
    source, target = ["t0", "t1", "t2", "t3"], ["t4", "t5", "t6"]
    assert trace.source == 4
    assert trace.ids[4] == VOCAB  # the mark stands first among the target's rows
    for step in trace.steps:
        shown = sheet(trace, step, columns=100)
        if step.startswith("encoder.") or step.endswith((".cross.k", ".cross.v")):
            assert shown.row_labels == source, step
        elif step in ("context", "start"):
            assert len(shown.row_labels) == 1
        else:
            assert shown.row_labels == target, step
        if step.endswith((".pattern", ".scores", ".mask")):
            looked_at = source if step.startswith("encoder.") or ".cross." in step else target
            assert shown.column_labels == looked_at, step


def test_the_halves_of_a_translator_are_traces_of_their_own():
    trace = trace_of("encoder-decoder")
    assert list(rows_of(trace, "encoder.embed.tok")) == [0, 1, 2, 3]
    assert list(rows_of(trace, "decoder.embed.tok")) == list(rows_of(trace, "logits")) == [4, 5, 6]
    for half, causal in (("encoder.", False), ("decoder.", True)):
        own = inside(trace, f"{half}embed.tok")
        assert own.anatomy is not None
        assert own.anatomy.causal is causal
        np.testing.assert_array_equal(own["blocks.1.attn.q"], trace[f"{half}blocks.1.attn.q"])
    assert "encoder.final_norm" in inside(trace, "decoder.logits")
    assert "decoder.final_norm" not in inside(trace, "encoder.logits")


def test_a_plain_trace_is_its_own_only_part():
    trace = trace_of("gpt")
    assert inside(trace, "logits") is trace
    assert over_time(trace) is trace


def test_calls_that_are_no_time_steps_stay_apart():
    twice = Trace("m", [1, 2, 3], ["a"] * 3, {"cell.h": [np.zeros(2)] * 2, "mine": [np.zeros(2)] * 3})
    assert over_time(twice) is twice


def test_a_cell_that_reads_backwards_ends_with_the_first_token():
    calls = [np.full(2, n, dtype=np.float32) for n in range(3)]
    trace = Trace("m", [1, 2, 3], ["a"] * 3, {"rnn.backward.cell.h": calls, "rnn.cell.h": calls})
    assert over_time(trace)["rnn.cell.h"][:, 0].tolist() == [0, 1, 2]
    assert over_time(trace)["rnn.backward.cell.h"][:, 0].tolist() == [2, 1, 0]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_saved_trace_is_checked_as_well(name, tmp_path):
    trace = trace_of(name)
    trace.save(tmp_path / "trace.safetensors")
    again = Trace.load(tmp_path / "trace.safetensors", trace.params)
    assert verify(again) == verify(trace)


def test_an_edited_state_is_said_and_the_rest_still_follows():
    trace = trace_of("lstm", edits={"layers.0.cell.f": lambda value: value * 0})
    checks = {check.step: check for check in verify(trace)}
    assert "edited" in checks["layers.0.cell.f"].reason
    assert [step for step, check in checks.items() if check.ok is not True] == ["layers.0.cell.f"]
    assert not over_time(trace)["layers.0.cell.f"].any()


def test_what_a_cell_cannot_show_without_weights(gpt_trace):
    plain = trace_of("gru")
    bare = Trace(plain.model, plain.ids, plain.tokens, plain.steps)
    assert "anatomy" in derivation(bare, "layers.0.cell.r").reason
    assert derivation(bare, "layers.0.cell.r").kind == "opaque"
    half = derivation(gpt_trace(), "decoder.logits")  # a GPT's own final norm is not that of a decoder
    assert half.kind == "opaque"


def test_the_text_for_each_task_fits_it():
    for plugin in PLUGINS.values():
        assert (VOCAB in ids_for(plugin)) == (plugin.spec.task in ("translate", "masked-token", "cbow"))
