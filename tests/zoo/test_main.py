"""The command line, as a user meets it: what it prints, what it writes, and one clear line for bad input."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from zoo.__main__ import main
from zoo.inference import load
from zoo.registry import FOLDERS
from zoo.trace.trace import Trace
from zoo.training import Run

ROOT = Path(__file__).resolve().parents[2]
SMALL = [word for each in ("blocks=1", "heads=2", "width=16", "context=16", "batch=4") for word in ("--set", each)]
TEXT = "the cat sat on the mat and the dog sat on the log. " * 30


@pytest.fixture(autouse=True)
def _no_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ./plugins of the developer's own; runs land in the test's own folder."""
    monkeypatch.delenv(FOLDERS, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    """A small GPT, trained for a few steps by the command itself."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert main(train_command(corpus, folder, "--steps", "8", "--vocab-size", "300")) == 0
    return folder


def train_command(corpus: Path, folder: Path, *more: str) -> list[str]:
    return ["train", "--model", "zoo/gpt", "--corpus", str(corpus), "--run", str(folder), *SMALL, *more]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command; returns its status, what it printed, and what it complained of."""

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            status = main(arguments)
        except SystemExit as stop:
            status = int(stop.code or 0)
        return status, *capsys.readouterr()

    return command


class TestList:
    def test_the_shipped_model_is_there(self, run: Any) -> None:
        status, out, _ = run("list")
        assert status == 0
        assert "zoo/gpt  GPT (gpt), trained weights shipped\n    Reads all tokens at once" in out
        assert "    from zoo.models.gpt (built in)" in out

    def test_json_tells_of_broken_ones_and_of_missing_packages(
        self, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("new", str(tmp_path / "mine"))
        mine = tmp_path / "mine" / "averager.py"
        mine.write_text(mine.read_text().replace("summary=", 'requires=("no-such-thing",), summary='))
        (tmp_path / "mine" / "bad.py").write_text("print('hello')\noops")
        monkeypatch.setenv(FOLDERS, str(tmp_path / "mine"))
        status, out, err = run("list", "--json")
        found = json.loads(out)  # what a plugin prints goes elsewhere
        assert status == 0
        assert err == "hello\n"
        by_id = {each["id"]: each for each in found["plugins"]}
        assert by_id["you/averager"]["missing"] == ["no-such-thing"]
        assert by_id["you/averager"]["source"] == str(mine)
        assert by_id["you/averager"]["shipped"] is False
        error = "NameError: name 'oops' is not defined"
        assert found["broken"] == [{"source": str(tmp_path / "mine" / "bad.py"), "error": error}]
        _, out, _ = run("list")
        assert "needs: pip install no-such-thing" in out
        assert error in out


class TestNewAndCheck:
    def test_the_template_passes_unchanged(self, run: Any, tmp_path: Path) -> None:
        file = tmp_path / "deep" / "er" / "averager.py"
        assert run("new", str(file.parent)) == (0, f"wrote {file}; change it, then: python -m zoo check {file}\n", "")
        status, out, err = run("check", str(file))
        assert (status, err) == (0, "")
        assert out.startswith("you/averager\n  pass  builds")
        assert out.endswith("all checks passed\n")

    def test_a_failing_check_is_exit_1_and_one_line(self, run: Any, tmp_path: Path) -> None:
        run("new", str(tmp_path))
        file = tmp_path / "averager.py"
        file.write_text(file.read_text().replace(".cumsum(1)", ".sum(1, keepdim=True)"))
        status, out, _ = run("check", str(file))
        assert status == 1
        assert "  FAIL  causality" in out
        assert "mask what lies ahead" in out
        assert "1 of 14 checks failed" in out
        status, out, _ = run("check", str(file), "--json")
        rows = json.loads(out)
        assert status == 1
        assert [row["name"] for row in rows if row["ok"] is False] == ["causality"]
        assert {row["plugin"] for row in rows} == {"you/averager"}

    def test_an_installed_plugin_by_its_id(self, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        run("new", str(tmp_path / "mine"))
        monkeypatch.setenv(FOLDERS, str(tmp_path / "mine"))
        assert run("check", "you/averager")[0] == 0

    def test_new_never_overwrites(self, run: Any, tmp_path: Path) -> None:
        (tmp_path / "averager.py").write_text("mine")
        status, _, err = run("new", str(tmp_path))
        assert status == 2
        assert "is there already" in err
        assert (tmp_path / "averager.py").read_text() == "mine"

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("def (:", "cannot be loaded: SyntaxError"),
            ("x = 1", "defines no subclass of zoo.ModelPlugin"),
            ("import sys; sys.exit(0)", "cannot be loaded: SystemExit: 0"),
        ],
    )
    def test_a_file_that_is_no_plugin(self, run: Any, tmp_path: Path, content: str, message: str) -> None:
        (tmp_path / "bad.py").write_text(content)
        assert_refused(run("check", "bad.py"), message)

    def test_other_things_that_cannot_be_checked(self, run: Any, tmp_path: Path) -> None:
        assert_refused(run("check", "gone.py"), "gone.py is not a file")
        assert_refused(run("check", str(tmp_path)), "is not a file: give a plugin's .py file, or the id")
        assert_refused(run("check", "zoo/gtp"), "did you mean zoo/gpt?")
        (tmp_path / "file").write_text("")
        assert_refused(run("new", "file"), "cannot write file/averager.py: ")


class TestTrain:
    def test_json_prints_each_event_once(self, run: Any, corpus: Path, tmp_path: Path) -> None:
        folder = tmp_path / "run"
        status, out, err = run(*train_command(corpus, folder, "--steps", "3", "--set", "seed=4", "--json"))
        assert (status, err) == (0, "")
        assert [json.loads(line) for line in out.splitlines()] == Run(folder).events()
        info = Run(folder).info
        assert (info.model, info.recipe.steps, info.recipe.seed, info.config["width"]) == ("zoo/gpt", 3, 4, 16)
        module = load(str(folder)).module
        assert info.parameters == sum(each.numel() for each in module.parameters())

    def test_words_for_a_reader(self, run: Any, corpus: Path, tmp_path: Path) -> None:
        status, out, _ = run(*train_command(corpus, tmp_path / "run", "--steps", "2", "--tokenizer", "char"))
        assert status == 0
        assert "bits/character" in out
        assert out.endswith(f"saved in {tmp_path / 'run'}\n")

    def test_without_run_it_makes_a_folder_under_runs(self, run: Any, corpus: Path, tmp_path: Path) -> None:
        assert run("train", "--model", "zoo/gpt", "--corpus", str(corpus), "--steps", "1", *SMALL)[0] == 0
        (folder,) = (tmp_path / "runs").iterdir()
        assert folder.name.startswith("zoo-gpt-")

    def test_a_tokenizer_of_another_run_is_taken_over(
        self, run: Any, corpus: Path, trained: Path, tmp_path: Path
    ) -> None:
        tokenizer = str(trained / "tokenizer.json")
        assert run(*train_command(corpus, tmp_path / "run", "--steps", "1", "--tokenizer", tokenizer))[0] == 0
        assert Run(tmp_path / "run").info.tokenizer == Run(trained).info.tokenizer

    def test_the_same_command_again_goes_on_and_another_is_refused(
        self, run: Any, corpus: Path, tmp_path: Path
    ) -> None:
        folder, other = tmp_path / "run", tmp_path / "other.txt"
        other.write_text(TEXT + "!")
        command = train_command(corpus, folder, "--steps", "2")
        assert run(*command)[0] == 0
        before = Run(folder).events()
        assert run(*command)[0] == 0
        assert run("train", "--run", str(folder), "--corpus", str(corpus))[0] == 0
        assert_refused(run(*command, "--set", "width=32"), "was started with other settings")
        assert_refused(run(*command, "--set", "rate=0.5"), "was started with other settings")
        assert_refused(run(*train_command(corpus, folder, "--steps", "3")), "was started with other settings")
        assert_refused(run(*train_command(other, folder, "--steps", "2")), "was started on another text (text.txt)")
        assert_refused(
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
    def test_bad_input(self, run: Any, corpus: Path, tmp_path: Path, more: list[str], message: str) -> None:
        assert_refused(run(*train_command(corpus, tmp_path / "run", *more)), message)
        assert not (tmp_path / "run").exists()

    def test_a_corpus_that_cannot_be_used(self, run: Any, tmp_path: Path) -> None:
        latin, short, tokenizer = tmp_path / "latin.txt", tmp_path / "short.txt", tmp_path / "tokenizer.json"
        latin.write_bytes("caf\xe9 ".encode("latin-1") * 100)
        short.write_text("Too short to learn from, or to hold out.")
        tokenizer.write_text("{}")
        assert_refused(run(*train_command(latin, tmp_path / "run")), "latin.txt is not UTF-8 text: byte 3")
        assert_refused(
            run(*train_command(short, tmp_path / "run")), "the text has 11 tokens; the model's context of 16"
        )
        assert_refused(
            run(*train_command(short, tmp_path / "run2", "--tokenizer", str(tokenizer))), "is not a tokenizer.json"
        )

    def test_a_place_that_cannot_be_written(self, run: Any, corpus: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        assert_refused(run(*train_command(corpus, tmp_path / "file" / "run", "--steps", "1")), "cannot write the run")

    def test_missing_model_and_packages(
        self, run: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert_refused(run("train", "--corpus", str(corpus)), "name a model with --model")
        run("new", str(tmp_path / "mine"))
        mine = tmp_path / "mine" / "averager.py"
        mine.write_text(mine.read_text().replace("summary=", 'requires=("no-such-thing",), summary='))
        monkeypatch.setenv(FOLDERS, str(tmp_path / "mine"))
        command = ("train", "--corpus", str(corpus), "--model", "you/averager")
        assert_refused(run(*command), "you/averager needs no-such-thing: pip install no-such-thing")


class TestPredict:
    def test_json_is_the_models_own_distribution(self, run: Any, trained: Path) -> None:
        status, out, _ = run("predict", "--model", str(trained), "--prompt", "the cat", "--top", "5", "--json")
        found = json.loads(out)
        assert status == 0
        assert [list(each) for each in found] == [["token", "id", "logit", "prob"]] * 5
        model = load(str(trained))
        with torch.no_grad():
            logits = model.module(torch.tensor([model.tokenizer.encode("the cat").ids]))[0, -1].double().numpy()
        probs = np.exp(logits) / np.exp(logits).sum()
        best = np.argsort(-logits)[:5]
        assert [each["id"] for each in found] == best.tolist()
        assert [each["logit"] for each in found] == pytest.approx(logits[best].tolist())
        assert [each["prob"] for each in found] == pytest.approx(probs[best].tolist())
        assert [each["token"] for each in found] == [model.tokenizer.piece(int(i)) for i in best]

    def test_the_full_vocabulary_sums_to_one(self, run: Any, trained: Path) -> None:
        _, out, _ = run("predict", "--model", str(trained), "--prompt", "the", "--top", "100000", "--json")
        found = json.loads(out)
        assert len(found) == load(str(trained)).tokenizer.vocab_size
        assert math.fsum(each["prob"] for each in found) == pytest.approx(1)

    def test_words_for_a_reader(self, run: Any, trained: Path) -> None:
        status, out, _ = run("predict", "--model", str(trained), "--prompt", "the", "--top", "2")
        assert status == 0
        assert len(out.splitlines()) == 2
        assert "logit" in out
        assert "%" in out

    def test_the_untrained_twin_has_its_own_numbers_by_seed(self, run: Any, trained: Path) -> None:
        command = ("predict", "--model", str(trained), "--prompt", "the", "--json")
        first, again, other, real = (
            run(*command, *more)[1] for more in (["--untrained"], ["--untrained"], ["--untrained", "--seed", "1"], [])
        )
        assert first == again
        assert len({first, other, real}) == 3

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (["--prompt", ""], "the text is empty: type at least one word"),
            (["--prompt", "x" * 99], "reads at most 16: shorten it"),
            (["--prompt", "caf\udce9"], "the text is not valid Unicode at character 3"),
            (["--top", "0"], "argument --top: 0 is not 1 or more"),
            (["--top", "five"], "argument --top: invalid whole number value: 'five'"),
            (["--seed", "-1"], "argument --seed: -1 is not within 0"),
            (["--seed", str(2**32)], f"argument --seed: {2**32} is not within 0"),
            (["--model", "zoo/gtp"], "no model has the id 'zoo/gtp'; did you mean zoo/gpt?"),
            (["--model", "no/such/folder"], "no model has the id 'no/such/folder'"),
            (["--model", "."], ". is neither a run folder (run.json) nor a Hugging Face folder (config.json)"),
        ],
    )
    def test_bad_input(self, run: Any, trained: Path, more: Sequence[str], message: str) -> None:
        assert_refused(run("predict", "--model", str(trained), "--prompt", "the", *more), message)

    def test_damaged_runs(self, run: Any, trained: Path, tmp_path: Path) -> None:
        for name in ("run.json", "tokenizer.json"):
            (tmp_path / name).write_bytes((trained / name).read_bytes())
        command = ("predict", "--model", str(tmp_path), "--prompt", "the")
        assert_refused(run(*command), "has no checkpoint")
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "0000001.safetensors").write_bytes(b"junk")
        assert_refused(run(*command), "0000001.safetensors cannot be read")
        (tmp_path / "run.json").write_text("{}")
        assert_refused(run(*command), "run.json cannot be used: model: Field required")


class TestTrace:
    def test_every_step_is_saved_and_holds(self, run: Any, trained: Path, tmp_path: Path) -> None:
        out_file = tmp_path / "trace.safetensors"
        command = ("trace", "--model", str(trained), "--prompt", "the cat", "--out", str(out_file))
        status, out, _ = run(*command)
        trace = Trace.load(out_file)
        assert status == 0
        assert f"{len(trace.steps)} steps of {len(trace.ids)} tokens saved in {out_file}" in out
        assert "identities recomputed and found true, largest difference" in out
        arrays = load_file(out_file)
        assert {"embed.out", "blocks.0.attn.pattern", "blocks.0.resid", "logits", "probs"} <= set(arrays)
        predicted = load(str(trained)).predict("the cat", 1)[0]
        assert int(arrays["logits"][-1].argmax()) == predicted.id
        status, out, _ = run(*command, "--json")
        report = json.loads(out)
        assert status == 0
        assert report["steps"] == len(trace.steps)
        assert {check["ok"] for check in report["checks"]} == {True}

    def test_a_number_that_does_not_hold_is_exit_1(
        self, run: Any, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save = Trace.save

        def falsify(trace: Trace, path: Path) -> None:
            trace.steps["blocks.0.attn.pattern"][0][0, 0, 0] += 0.01
            save(trace, path)

        monkeypatch.setattr(Trace, "save", falsify)
        command = ("trace", "--model", str(trained), "--prompt", "the cat", "--out", str(tmp_path / "t.safetensors"))
        status, out, _ = run(*command)
        assert status == 1
        assert "FALSE: blocks.0.attn.pattern" in out

    @pytest.mark.parametrize("out", [".", "no/such/folder/t.safetensors"])
    def test_a_file_that_cannot_be_written(self, run: Any, trained: Path, out: str) -> None:
        command = ("trace", "--model", str(trained), "--prompt", "the cat", "--out", out)
        assert_refused(run(*command), f"cannot write {out}: ")


def test_a_hugging_face_folder_can_be_used(run: Any, stories260k: Path) -> None:
    status, out, _ = run("predict", "--model", str(stories260k), "--prompt", "Once upon a", "--top", "1", "--json")
    assert status == 0
    assert json.loads(out)[0]["token"].strip() == "time"


@pytest.mark.parametrize("arguments", [(), ("dance",), ("predict",), ("predict", "--model", "zoo/gpt")])
def test_a_command_that_is_not_one(run: Any, arguments: tuple[str, ...]) -> None:
    assert_refused(run(*arguments), "(see: python -m zoo")


def test_a_fault_of_the_program_is_not_called_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("zoo.inference.load", broken)
    with pytest.raises(KeyError):
        main(["predict", "--model", "zoo/gpt", "--prompt", "x"])


def test_bytes_that_are_not_utf8_on_the_real_command_line(trained: Path) -> None:
    """As a shell passes them: argv holds the raw byte, Python makes a lone surrogate of it."""
    command = [sys.executable, "-m", "zoo", "predict", "--model", str(trained), "--prompt"]
    done = subprocess.run([*map(str.encode, command), b"caf\xe9"], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"zoo: the text is not valid Unicode at character 3\n"


def assert_refused(outcome: tuple[int, str, str], message: str) -> None:
    """Exit status 2, nothing on standard output, and one line with this in it."""
    status, out, err = outcome
    assert (status, out) == (2, ""), err
    assert err.startswith("zoo: ")
    assert err.count("\n") == 1
    assert message in err
