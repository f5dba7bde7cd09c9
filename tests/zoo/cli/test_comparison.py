"""`compare`: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.compare.result import Comparison

Refused = Callable[[tuple[int, str, str], str], None]
SMALL = ["--corpus", "glass-box:stories=60", "--steps", "2", "--parameters", "9000", "--context", "16"]
WORDS = ["compare", "--models", "zoo/window,zoo/gru", *SMALL, "--stories", "4"]


def test_a_table_and_a_file_of_what_was_measured(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    status, text, said = run(*WORDS, "--out", str(out))
    assert status == 0
    assert said.splitlines() == [line for line in said.splitlines() if ", seed 0" in line]
    found = Comparison.read(out)
    assert [each.id for each in found.models] == ["zoo/window", "zoo/gru"]
    for each in found.models:
        assert f"{each.parameters:,}" in text
        assert f"{each.trials[0].nats:.3f}" in text
    assert (tmp_path / "runs" / "compare").is_dir()
    command = "python -m zoo compare --models zoo/window,zoo/gru --corpus glass-box:stories=60"
    assert found.command == f"{command} --steps 2 --seeds 1 --parameters 9000 --context 16 --stories 4"
    status, text, _ = run(*WORDS, "--json")
    again = json.loads(text)
    assert status == 0
    assert [each["trials"][0]["nats"] for each in again["models"]] == [each.trials[0].nats for each in found.models]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--models", ","], "name the models with --models"),
        (["--models", "zoo/gtp"], "no model has the id 'zoo/gtp'; did you mean zoo/gpt"),
        (["--models", "zoo/bert,zoo/gpt"], "zoo/bert is made for masked-token"),
        (["--models", "zoo/gpt", "--corpus", "gone.txt"], "cannot read the corpus gone.txt: No such file"),
        (["--models", "zoo/gpt", "--steps", "1", "--seconds", "1"], "one of the three"),
        (["--models", "zoo/gpt", "--seconds", "-1"], "a budget is more than nothing"),
        (["--models", "zoo/gpt", "--seeds", "0"], "argument --seeds: 0 is not 1 or more"),
        (["--models", "zoo/gpt", "--out", "no/such/folder.json"], "cannot write no/such/folder.json"),
        (["--models", "zoo/gpt", "--runs", "file"], "cannot write file"),
        ([], "the following arguments are required: --models"),
    ],
)
def test_bad_input(run: Any, refused: Refused, tmp_path: Path, words: list[str], message: str) -> None:
    (tmp_path / "file").write_text("")
    refused(run("compare", *words), message)
