"""The measured worth of a model's switches: what the file says, as text and nothing else."""

from __future__ import annotations

import json

import pytest

from playground.views.train import switches

ROWS = [{"switch": "rotary *positions*", "loss": 1.5, "worth": -0.02}, {"switch": "a | b", "loss": None}]


@pytest.mark.parametrize(
    ("content", "about"), [(ROWS, ""), ({"rows": ROWS, "about": "Twenty seeds."}, "Twenty seeds.")]
)
def test_the_rows_are_those_of_the_file(tmp_path, content, about):
    path = tmp_path / switches.NAME
    path.write_text(json.dumps(content))
    assert switches.read(path) == (ROWS, about)


@pytest.mark.parametrize("raw", ["", "{", "3", '"x"', "[1, 2]", "{}"])
def test_a_file_that_makes_no_sense_is_no_table(tmp_path, raw):
    path = tmp_path / switches.NAME
    path.write_text(raw)
    assert switches.read(path)[0] == []
    assert switches.read(None) == ([], "")


def test_a_cell_is_text():
    lines = switches.table(ROWS).splitlines()
    assert lines[0] == "| switch | loss | worth |"
    assert lines[2] == r"| rotary \*positions\* | 1.500 | −0.020 |"
    assert lines[3] == r"| a \| b |  |  |"
