"""The parser, what counts as bad input, and the program as a shell starts it. The commands: tests/zoo/cli."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zoo.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("arguments", [(), ("dance",), ("predict",), ("predict", "--model", "zoo/gpt")])
def test_a_command_that_is_not_one(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    out, err = capsys.readouterr()
    assert (stopped.value.code, out) == (2, "")
    assert err.startswith("zoo: ")
    assert err.endswith("--help)\n")
    assert err.count("\n") == 1


def test_a_fault_of_the_program_is_not_called_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("zoo.inference.load", broken)
    with pytest.raises(KeyError):
        main(["predict", "--model", "zoo/gpt", "--prompt", "x"])


def test_an_error_without_words_still_gets_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError

    monkeypatch.setattr("zoo.inference.load", broken)
    assert main(["predict", "--model", "zoo/gpt", "--prompt", "x"]) == 2
    assert capsys.readouterr().err == "zoo: the input cannot be used\n"


def test_bytes_that_are_not_utf8_on_the_real_command_line() -> None:
    """As a shell passes them: argv holds the raw byte, Python makes a lone surrogate of it."""
    command = [sys.executable, "-m", "zoo", "predict", "--model", "zoo/gpt", "--untrained", "--prompt"]
    done = subprocess.run([*map(str.encode, command), b"caf\xe9"], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"zoo: the text is not valid Unicode at character 3\n"
