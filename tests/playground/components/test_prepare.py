"""What each component sends to the browser, and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from playground.components import chips, heads, mount
from playground.components.matrix import prepare as prepare_matrix
from playground.components.spine import prepare as prepare_spine
from zoo.trace.sheet import Sheet

HERE = Path(mount.__file__).parent
SHEET = Sheet(
    step="blocks.0.attn.scores",
    title="Scores",
    about="",
    kind="dot",
    formula="scores = q · kᵀ",
    values=np.array([[[0.5, -np.inf]]], np.float32),
    row_axis="row = the token that looks",
    column_axis="column = the token looked at",
    row_labels=[" a"],
    column_labels=[" a", "\n"],
    layer_labels=[""],
    columns=np.int64(2),
    operands={"a": np.ones((1, 1, 3)), "_drift": np.ones((1, 2))},
    constants={"scale": np.float32(0.25)},
    error=float("nan"),
)


def head_of(raw: bytes):
    """The JSON head."""
    return json.loads(raw[8 : 8 + int.from_bytes(raw[:4], "little")])


def test_a_sheet_is_sent_with_its_operands_but_not_with_those_that_only_serve_the_tolerance():
    head = head_of(prepare_matrix(SHEET, "m", layer=0))
    assert head["operands"] == ["a"]
    assert set(head["arrays"]) == {"values", "operand.a"}
    assert head["constants"] == {"scale": 0.25}
    assert head["error"] is None
    assert head["columns"] == 2


def test_labels_that_do_not_fit_the_values_are_refused():
    with pytest.raises(ValueError, match=r"shape \(1, 1, 2\) but \(1, 1, 1\) labels"):
        prepare_matrix(replace(SHEET, column_labels=["x"]), "m")


def test_chips_need_one_id_for_each_piece():
    with pytest.raises(ValueError, match="2 pieces but 1 ids"):
        chips.prepare(["a", "b"], [1], None, "c", None)


@pytest.mark.parametrize(
    ("value", "is_one"), [(0, True), (2, True), (3, False), (-1, False), (True, False), ("1", False), (None, False)]
)
def test_only_positions_of_the_text_count_as_a_choice(value, is_one):
    assert chips.is_position(value, 3) is is_one


@pytest.mark.parametrize(
    ("value", "is_one"), [([0, 1], True), ([2, 0], False), ([0, 4], False), ([0], False), (["0", 1], False), (7, False)]
)
def test_only_heads_of_the_model_count_as_a_choice(value, is_one):
    assert heads.is_head(value, 2, 4) is is_one


def test_cells_are_masked_where_every_head_gives_a_later_token_exactly_nothing():
    patterns = np.full((1, 2, 3, 3), 0.25)
    patterns[:, :, 0, 1:] = 0
    patterns[0, 0, 1, 2] = 0  # one head only: a small share, not a mask
    patterns[:, :, 2, 0] = 0  # an earlier token: not what a causal mask hides
    np.testing.assert_array_equal(heads.masked(patterns), [[0, 1, 1], [0, 0, 0], [0, 0, 0]])


def test_patterns_must_fit_the_tokens():
    with pytest.raises(ValueError, match="don't fit 2 tokens"):
        heads.prepare_check(np.zeros((1, 1, 3, 3)), ["a", "b"])


def test_a_step_of_the_spine_needs_an_id_and_a_known_kind():
    with pytest.raises(ValueError, match="lacks title, kind"):
        prepare_spine([{"id": "x"}], "x", "s")
    with pytest.raises(ValueError, match="unknown kind 'leaf'"):
        prepare_spine([{"id": "x", "title": "X", "kind": "leaf"}], "x", "s")


@pytest.mark.parametrize("name", ["chips", "heads", "matrix", "spine"])
def test_a_components_script_is_one_module_with_one_entry(name):
    script = mount.script(name)
    assert len(re.findall(r"^export ", script, re.MULTILINE)) == 1
    assert not re.search(r"^import |\brequire\(", script, re.MULTILINE)
    assert "--tp-q:" in mount.style(name)


def test_no_script_writes_text_as_markup():
    scripts = list(HERE.glob("*.js"))
    assert len(scripts) >= 7
    for file in scripts:
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", file.read_text()), file


def test_importing_the_components_costs_no_torch_and_no_streamlit():
    code = "import sys, playground.components; print([m for m in ('torch', 'streamlit') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HERE.parents[1])
    assert done.stdout.strip() == "[]"
