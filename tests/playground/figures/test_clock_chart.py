"""The clock shows each piece of work at its tick, and the strips the numbers that they were given."""

from __future__ import annotations

import numpy as np
import pytest

from playground.figures.clock import DONE, NOW, WAITING, Panel, clock_chart, glances, strips, work
from zoo.compare.counts import schedule

RECURRENT = Panel("LSTM", ["a", " b", "c"], schedule(3, 1, recurrent=True), "layer")
PARALLEL = Panel("GPT", ["a", " b", "c"], schedule(3, 1, recurrent=False), "block")


def test_at_tick_two_the_second_token_is_read_and_the_third_waits():
    states, marks = work(RECURRENT, 2, 4)
    assert marks == [["E", "1", "R", "", ""], ["E", "", "1", "R", ""], ["E", "", "", "1", "R"]]
    assert states[:, 2].tolist()[:2] == [NOW, NOW]
    assert np.isnan(states[2, 2])
    assert (states[0, 1], states[2, 3]) == (DONE, WAITING)


def test_a_block_does_all_tokens_at_its_tick():
    states, marks = work(PARALLEL, 1, 4)
    assert states[:, 1].tolist() == [NOW] * 3
    assert {mark[1] for mark in marks} == {"1"}
    assert np.isnan(states[:, 3:]).all()


def test_each_piece_of_work_is_drawn_once():
    figure = clock_chart([RECURRENT, PARALLEL], 1, 4)
    heats = [trace for trace in figure.data if trace.type == "heatmap"]
    drawn = [[each for row in trace.text for each in row if each] for trace in heats]
    assert [len(each) for each in drawn] == [9, 9]
    assert heats[0].customdata[0][1] == "tick 1: layer 1, being done now"
    assert heats[1].customdata[0][2] == "tick 2: readout, has to wait"


def test_each_mark_is_written_on_its_cell():
    waits, done, now = [trace for trace in clock_chart([RECURRENT], 2, 4).data if trace.type == "scatter"]
    assert list(zip(now.x, now.y, now.text, strict=True)) == [(2, 0, "R"), (2, 1, "1")]
    assert list(zip(done.x, done.y, done.text, strict=True)) == [(0, 0, "E"), (1, 0, "1"), (0, 1, "E"), (0, 2, "E")]
    assert len(waits.text) == 3


def test_a_gate_is_on_a_scale_from_0_to_1_and_a_state_around_0():
    gates = strips({"forget gate f": np.array([0.25, 0.5])}, signed=False).data[0]
    assert (gates.zmin, gates.zmax, list(gates.z[0])) == (0, 1, [0.25, 0.5])
    states = strips({"state h": np.array([-3.0, 1.0])}, signed=True).data[0]
    assert (states.zmin, states.zmax, list(states.z[0])) == (-3, 3, [-3, 1])


def test_a_state_of_zeros_is_drawn():
    assert strips({"h": np.zeros(3)}, signed=True).data[0].zmax == 1


def test_glances_hold_each_head_s_row_and_tokens_only_as_text():
    figure = glances(np.array([[0.25, 0.75], [1.0, 0.0]]), ["<a>", " b"])
    assert [list(row) for row in figure.data[0].z] == [[0.25, 0.75], [1.0, 0.0]]
    assert list(figure.data[0].y) == ["head 0", "head 1"]
    assert figure.layout.xaxis.ticktext == ("&lt;a&gt;", "␣b")


@pytest.mark.parametrize("tokens", [1, 24])
def test_any_number_of_tokens_fits(tokens):
    panel = Panel("x", ["a"] * tokens, schedule(tokens, 2, recurrent=True), "layer")
    assert clock_chart([panel, panel], 0, tokens + 2).layout.height > 22 * tokens
