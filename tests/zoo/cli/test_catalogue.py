"""What there is, and whether it keeps the contract: `list`, `new` and `check`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.registry import FOLDERS

Refused = Callable[[tuple[int, str, str], str], None]


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
        assert "1 of 19 checks failed" in out
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
    def test_a_file_that_is_no_plugin(
        self, run: Any, refused: Refused, tmp_path: Path, content: str, message: str
    ) -> None:
        (tmp_path / "bad.py").write_text(content)
        refused(run("check", "bad.py"), message)

    def test_other_things_that_cannot_be_checked(self, run: Any, refused: Refused, tmp_path: Path) -> None:
        refused(run("check", "gone.py"), "gone.py is not a file")
        refused(run("check", str(tmp_path)), "is not a file: give a plugin's .py file, or the id")
        refused(run("check", "zoo/gtp"), "did you mean zoo/gpt")
        (tmp_path / "file").write_text("")
        refused(run("new", "file"), "cannot write file/averager.py: ")
