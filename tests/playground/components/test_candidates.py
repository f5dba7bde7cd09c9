"""What the list of candidates sends to the browser."""

from __future__ import annotations

import numpy as np
import pytest

from playground.components import candidates as component
from playground.components.candidates import Candidate, candidates, prepare
from tests.playground.helpers import unpack

ROWS = [Candidate(" </script>|`*\n", 7, -1.5, 0.75, 1), Candidate("", 4095, -2.5, 0.125, 2)]


def test_the_rows_come_back_as_they_were_given():
    head, arrays = unpack(prepare(ROWS, 4094, 0.125, "k", 7, True))
    assert arrays == {}
    assert [Candidate(**row) for row in head["rows"]] == ROWS
    assert (head["others"], head["others_prob"], head["key"]) == (4094, 0.125, "k")
    assert (head["taken"], head["clickable"]) == (7, True)


def test_numpy_scalars_are_sent_as_numbers():
    row = Candidate("a", np.int64(7), np.float32(-1.5), np.float64(0.75), np.int32(1))
    head, _ = unpack(prepare([row], np.int64(3), np.float32(0.25), "k", np.int64(7), False))
    assert head["rows"] == [{"piece": "a", "id": 7, "logit": -1.5, "prob": 0.75, "rank": 1, "right": None}]
    assert (head["others"], head["others_prob"], head["taken"]) == (3, 0.25, 7)


def test_logits_that_are_no_number_become_null_and_do_not_break_the_page():
    head, _ = unpack(prepare([Candidate("a", 1, float("-inf"), float("nan"), 1)], 0, 0.0, "k", None, True))
    assert (head["rows"][0]["logit"], head["rows"][0]["prob"]) == (None, None)


@pytest.mark.parametrize("on_take", [None, lambda token: None])
def test_only_ids_that_are_shown_can_be_taken(monkeypatch, on_take):
    mounted = {}
    monkeypatch.setattr(component, "trigger", lambda name, data, **rest: mounted.update(rest, name=name, data=data))
    candidates(ROWS, others=1, others_prob=0.0, key="k", on_take=on_take)
    assert [each for each in (7, 4095, 8, "7", None, -1, [7], {"id": 7}) if mounted["valid"](each)] == [7, 4095]
    assert unpack(mounted["data"])[0]["clickable"] is (on_take is not None)
    assert mounted["on_trigger"] is on_take
