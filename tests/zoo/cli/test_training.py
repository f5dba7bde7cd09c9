"""`train`: what it writes, how it goes on, and what it refuses."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.cli.progress import left
from zoo.inference import load
from zoo.registry import FOLDERS
from zoo.training import Event, Recipe, Run

ROOT = Path(__file__).resolve().parents[3]
SMALL = [word for each in ("blocks=1", "heads=2", "width=16", "context=16", "batch=4") for word in ("--set", each)]
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
            (["--tokenizer", "morse"], "bpe-char, wordpiece, unigram or a tokenizer.json, not 'morse'"),
            (["--vocab-size", "5"], "a byte-level tokenizer needs 257 entries"),
            (["--model", "zoo/gtp"], "no model has the id 'zoo/gtp'; did you mean zoo/gpt"),
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
        assert not (tmp_path / "run").exists()
        refused(
            run(*train_command(tmp_path / "run2", "--tokenizer", str(tokenizer), text=short)), "is not a tokenizer.json"
        )

    def test_a_place_that_cannot_be_written(
        self, run: Any, refused: Refused, train_command: Any, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        refused(run(*train_command(tmp_path / "file" / "run", "--steps", "1")), "run: Not a directory; make room, or")

    def test_missing_model_and_packages(
        self, run: Any, refused: Refused, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refused(run("train", "--corpus", str(corpus)), "name a model with --model")
        refused(run("train", "--model", "zoo/gpt"), "name a text with --corpus: glass-box, or a .txt or .jsonl file")
        run("new", str(tmp_path / "mine"))
        mine = tmp_path / "mine" / "averager.py"
        mine.write_text(mine.read_text().replace("summary=", 'requires=("no-such-thing",), summary='))
        monkeypatch.setenv(FOLDERS, str(tmp_path / "mine"))
        command = ("train", "--corpus", str(corpus), "--model", "you/averager")
        refused(run(*command), "you/averager needs no-such-thing: pip install no-such-thing")


class TestGoingOn:
    def test_a_run_knows_its_text(self, run: Any, train_command: Any, tmp_path: Path) -> None:
        folder = tmp_path / "run"
        assert run(*train_command(folder, "--steps", "3", "--prompt", "the cat", "--set", "save_every=0"))[0] == 0
        began = Run(folder)
        began.forget_after(1)
        (began.checkpoints / "last.safetensors").unlink()
        assert run("train", "--run", str(folder))[0] == 0
        assert [event["step"] for event in began.events()] == [0, 1, 2, 3]
        assert began.info.prompt == "the cat"

    def test_another_prompt_or_another_beginning_is_refused(
        self, run: Any, refused: Refused, train_command: Any, tmp_path: Path, trained: Path
    ) -> None:
        folder = tmp_path / "run"
        assert run(*train_command(folder, "--steps", "1"))[0] == 0
        for more in (("--prompt", "another"), ("--from", str(trained))):
            refused(run("train", "--run", str(folder), *more), "was started with other settings")

    def test_ctrl_c_is_heard_between_two_steps(self, corpus: Path, tmp_path: Path) -> None:
        """What was learned is saved, and the line that is printed goes on from it."""
        folder = tmp_path / "run"
        words = ["train", "--model", "zoo/gpt", "--corpus", str(corpus), "--tokenizer", "byte", "--run", str(folder)]
        words += ["--seconds", "600", "--json"]
        process = subprocess.Popen(
            [sys.executable, "-m", "zoo", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=120)
        assert (process.returncode, error) == (130, "")
        stopped = Run(folder)
        last = stopped.load_last()
        assert last is not None
        assert last[0] == stopped.events()[-1]["step"] == stopped.steps()[-1] >= 4


class TestFineTuning:
    def test_from_a_run_and_from_one_of_its_steps(self, run: Any, corpus: Path, trained: Path, tmp_path: Path) -> None:
        words = ("--corpus", str(corpus), "--steps", "1", "--set", "batch=2")
        assert run("train", "--from", str(trained), *words, "--run", str(tmp_path / "last"))[0] == 0
        assert run("train", "--from", f"{trained}@0", *words, "--run", str(tmp_path / "first"))[0] == 0
        last, first = Run(tmp_path / "last"), Run(tmp_path / "first")
        assert last.info.start is not None
        assert first.info.start is not None
        assert (last.info.start["step"], first.info.start["step"]) == (8, 0)
        assert last.info.tokenizer == Run(trained).info.tokenizer
        before = [event["valid_loss"] for event in Run(trained).events() if "valid_loss" in event]
        assert last.events()[0]["valid_loss"] == pytest.approx(before[-1], rel=1e-6)
        assert first.events()[0]["valid_loss"] == pytest.approx(before[0], rel=1e-6)

    def test_what_does_not_go_together(
        self, run: Any, refused: Refused, corpus: Path, trained: Path, tmp_path: Path
    ) -> None:
        words = ("train", "--corpus", str(corpus), "--steps", "1", "--run", str(tmp_path / "run"))
        refused(run(*words, "--from", str(trained), "--set", "width=32"), "the config and the tokenizer are those of")
        refused(run(*words, "--from", str(trained), "--tokenizer", "char"), "the config and the tokenizer are those of")
        refused(run(*words, "--from", f"{trained}@70"), "has no checkpoint of step 70")
        refused(run(*words, "--from", "you/nobody"), "no model has the id 'you/nobody'")
        assert not (tmp_path / "run").exists()


class TestGlassBox:
    def test_the_floor_stands_beside_the_loss(self, run: Any, tmp_path: Path) -> None:
        folder = tmp_path / "run"
        small = [word for each in ("blocks=1", "heads=2", "width=16", "context=24") for word in ("--set", each)]
        words = ["train", "--model", "zoo/gpt", "--corpus", "glass-box:stories=60", "--steps", "2", *small]
        status, out, _ = run(*words, "--set", "batch=2", "--set", "evaluations=2", "--run", str(folder))
        known = Run(folder).yardsticks
        assert status == 0
        assert known is not None
        assert out.count(f"nats/token (floor {known.floor:.3f}), ") == 2  # not yet at the first line


class TestBar:
    def test_on_a_terminal_there_is_a_bar_with_the_figures(self, corpus: Path, tmp_path: Path) -> None:
        words = ["train", "--model", "zoo/gpt", "--corpus", str(corpus), "--tokenizer", "byte", "--steps", "4"]
        words += ["--run", str(tmp_path / "run"), *SMALL]
        screen, terminal = pty.openpty()
        termios.tcsetwinsize(screen, (24, 120))
        process = subprocess.Popen([sys.executable, "-m", "zoo", *words], cwd=ROOT, stdout=terminal, stderr=terminal)
        os.close(terminal)
        shown = b"".join(iter(lambda: _read(screen), b"")).decode()
        assert process.wait() == 0
        os.close(screen)
        last = Run(tmp_path / "run").events()[-1]
        assert re.search(r"100% \|.*\| loss \d\.\d{3} · held out \d\.\d{3} · [\d,]+ tokens/s · 0 s left", shown)
        assert f"loss {last['loss']:.3f} · held out {last['valid_loss']:.3f}" in shown
        assert shown.rstrip().endswith(f"saved in {tmp_path / 'run'}")
        assert "step      " not in shown

    @pytest.mark.parametrize(
        ("recipe", "step", "elapsed", "words"),
        [
            ({"seconds": 90}, 7, 20.4, "1 min 10 s left"),
            ({"seconds": 90}, 7, 91.0, "0 s left"),
            ({"steps": 40}, 10, 20.0, "1 min 0 s left"),
            ({"steps": 40}, 0, 0.0, "just begun"),
        ],
    )
    def test_the_time_that_is_left(self, recipe: dict[str, int], step: int, elapsed: float, words: str) -> None:
        event = Event(step=step, elapsed=elapsed, loss=1.0, rate=1.0, tokens=1, tokens_per_second=1.0)
        assert left(Recipe.model_validate(recipe), event) == words


def _read(screen: int) -> bytes:
    """What a terminal shows; nothing once the program has ended."""
    try:
        return os.read(screen, 4096)
    except OSError:
        return b""
