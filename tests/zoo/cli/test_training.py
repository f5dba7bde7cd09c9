"""`train`: what it writes, how it goes on, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.inference import load
from zoo.registry import FOLDERS
from zoo.training import Run

Refused = Callable[[tuple[int, str, str], str], None]


class TestTrain:
    def test_json_prints_each_event_once(self, run: Any, train_command: Any, tmp_path: Path) -> None:
        folder = tmp_path / "run"
        status, out, err = run(*train_command(folder, "--steps", "3", "--set", "seed=4", "--json"))
        assert (status, err) == (0, "")
        assert [json.loads(line) for line in out.splitlines()] == Run(folder).events()
        info = Run(folder).info
        assert (info.model, info.recipe.steps, info.recipe.seed, info.config["width"]) == ("zoo/gpt", 3, 4, 16)
        module = load(str(folder)).module
        assert info.parameters == sum(each.numel() for each in module.parameters())

    def test_words_for_a_reader(self, run: Any, train_command: Any, tmp_path: Path) -> None:
        status, out, _ = run(*train_command(tmp_path / "run", "--steps", "2", "--tokenizer", "char"))
        assert status == 0
        assert "bits/character" in out
        assert out.endswith(f"saved in {tmp_path / 'run'}\n")

    def test_without_run_it_makes_a_folder_under_runs(self, run: Any, train_command: Any, tmp_path: Path) -> None:
        command = train_command(tmp_path / "unused", "--steps", "1")
        place = command.index("--run")
        assert run(*command[:place], *command[place + 2 :])[0] == 0
        (folder,) = (tmp_path / "runs").iterdir()
        assert folder.name.startswith("zoo-gpt-")

    def test_a_tokenizer_of_another_run_is_taken_over(
        self, run: Any, train_command: Any, trained: Path, tmp_path: Path
    ) -> None:
        tokenizer = str(trained / "tokenizer.json")
        assert run(*train_command(tmp_path / "run", "--steps", "1", "--tokenizer", tokenizer))[0] == 0
        assert Run(tmp_path / "run").info.tokenizer == Run(trained).info.tokenizer

    def test_the_same_command_again_goes_on_and_another_is_refused(
        self, run: Any, refused: Refused, train_command: Any, corpus: Path, tmp_path: Path
    ) -> None:
        folder, other = tmp_path / "run", tmp_path / "other.txt"
        other.write_text(corpus.read_text() + "!")
        command = train_command(folder, "--steps", "2")
        assert run(*command)[0] == 0
        before = Run(folder).events()
        assert run(*command)[0] == 0
        assert run("train", "--run", str(folder), "--corpus", str(corpus))[0] == 0
        refused(run(*command, "--set", "width=32"), "was started with other settings")
        refused(run(*command, "--set", "rate=0.5"), "was started with other settings")
        refused(run(*train_command(folder, "--steps", "3")), "was started with other settings")
        refused(run(*train_command(folder, "--steps", "2", text=other)), "was started on another text (text.txt)")
        refused(
            run("train", "--run", str(folder), "--corpus", str(corpus), "--model", "zoo/other"), "is a run of zoo/gpt"
        )
        assert Run(folder).events() == before

    def test_divergence_is_exit_1_and_one_line(
        self, run: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("new", str(tmp_path / "mine"))
        mine = tmp_path / "mine" / "averager.py"
        mine.write_text(mine.read_text().replace("mean)))", "mean))) / (0 if self.training else 1)"))
        monkeypatch.setenv(FOLDERS, str(tmp_path / "mine"))
        command = ("train", "--corpus", str(corpus), "--model", "you/averager", "--steps", "3", "--tokenizer", "byte")
        status, out, err = run(*command, "--json")
        assert status == 1
        assert [json.loads(line)["step"] for line in out.splitlines()] == [0]
        assert re.fullmatch(r"zoo: the loss or its gradient became (nan|inf) at step 0: .*\n", err)

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (["--set", "width=5000"], "width: Input should be less than or equal to 1024 (got 5000)"),
            (["--set", "width=15"], "width 15 is not a multiple of heads 2"),
            (["--set", "width=wide"], "width: Input should be a valid integer"),
            (["--set", "wdith=16"], "zoo/gpt has no field 'wdith'; did you mean width?"),
            (["--set", "qqq=1"], "zoo/gpt has no field 'qqq'; known: blocks, heads"),
            (["--set", "width"], "--set takes NAME=VALUE, not 'width'"),
            (["--set", "=3"], "--set takes NAME=VALUE, not '=3'"),
            (["--set", "seed=-1"], "seed: Input should be greater than or equal to 0 (got -1)"),
            (["--seconds", "-1"], "seconds: Input should be greater than 0 (got -1.0)"),
            (["--seconds", "nan"], "seconds: Input should be a finite number"),
            (["--seconds", "inf"], "seconds: Input should be a finite number"),
            (["--steps", "0"], "steps: Input should be greater than or equal to 1 (got 0)"),
            (["--steps", "1", "--seconds", "1"], "give a budget in seconds or in steps, one of the two"),
            (["--steps", "many"], "argument --steps: invalid int value: 'many'"),
            (["--threads", "0"], "argument --threads: 0 is not 1 or more"),
            (["--tokenizer", "morse"], "--tokenizer takes char, byte, word, bpe or a tokenizer.json, not 'morse'"),
            (["--vocab-size", "5"], "a byte-level tokenizer needs 257 entries"),
            (["--model", "zoo/gtp"], "no model has the id 'zoo/gtp'; did you mean zoo/gpt?"),
            (["--corpus", "gone.txt"], "cannot read the corpus gone.txt: No such file"),
            (["--nonsense"], "unrecognized arguments: --nonsense"),
        ],
    )
    def test_bad_input(
        self, run: Any, refused: Refused, train_command: Any, tmp_path: Path, more: list[str], message: str
    ) -> None:
        refused(run(*train_command(tmp_path / "run", *more)), message)
        assert not (tmp_path / "run").exists()

    def test_a_corpus_that_cannot_be_used(self, run: Any, refused: Refused, train_command: Any, tmp_path: Path) -> None:
        latin, short, tokenizer = tmp_path / "latin.txt", tmp_path / "short.txt", tmp_path / "tokenizer.json"
        latin.write_bytes("caf\xe9 ".encode("latin-1") * 100)
        short.write_text("Too short to learn from, or to hold out.")
        tokenizer.write_text("{}")
        refused(run(*train_command(tmp_path / "run", text=latin)), "latin.txt is not UTF-8 text: byte 3")
        refused(run(*train_command(tmp_path / "run", text=short)), "the text has 11 tokens; the model's context of 16")
        refused(
            run(*train_command(tmp_path / "run2", "--tokenizer", str(tokenizer), text=short)), "is not a tokenizer.json"
        )

    def test_a_place_that_cannot_be_written(
        self, run: Any, refused: Refused, train_command: Any, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        refused(run(*train_command(tmp_path / "file" / "run", "--steps", "1")), "cannot write the run")

    def test_missing_model_and_packages(
        self, run: Any, refused: Refused, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refused(run("train", "--corpus", str(corpus)), "name a model with --model")
        run("new", str(tmp_path / "mine"))
        mine = tmp_path / "mine" / "averager.py"
        mine.write_text(mine.read_text().replace("summary=", 'requires=("no-such-thing",), summary='))
        monkeypatch.setenv(FOLDERS, str(tmp_path / "mine"))
        command = ("train", "--corpus", str(corpus), "--model", "you/averager")
        refused(run(*command), "you/averager needs no-such-thing: pip install no-such-thing")
