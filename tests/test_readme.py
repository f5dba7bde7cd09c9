"""The documents keep their word: their commands and code are run, their trees and links are looked up."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from zoo import load
from zoo.__main__ import _parser, main

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")]


def blocks(document: Path, language: str) -> list[str]:
    """The code blocks of a language, in order."""
    every = re.findall(r"^```(\w*)\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL)
    return [text for name, text in every if name == language]


def commands(document: Path) -> list[list[str]]:
    """The arguments of every `python -m zoo …` line in the shell blocks."""
    lines = "\n".join(blocks(document, "sh")).splitlines()
    return [shlex.split(line)[3:] for line in lines if line.startswith("python -m zoo ")]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like the checkout from within, in which commands may write."""
    for name in ("README.md", "ARCHITECTURE.md", "zoo"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLAYGROUND_PLUGINS", raising=False)
    return tmp_path


def test_the_commands_of_the_readme_work(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = commands(ROOT / "README.md")
    assert {each[0] for each in found} == {"list", "predict", "trace", "train", "new", "check", "compare"}
    for each in found:
        assert main(each) == 0, f"{shlex.join(each)}: {capsys.readouterr().err}"
        assert capsys.readouterr().out
    assert (workplace / "trace.safetensors").is_file()


@pytest.mark.parametrize("document", [DOCUMENTS[0], DOCUMENTS[1]], ids=lambda path: path.name)
def test_the_code_runs(document: Path, workplace: Path) -> None:
    code = blocks(document, "python")
    assert code
    for each in code:
        exec(compile(each, document.name, "exec"), {})


def test_the_guide_shows_the_file_that_new_writes(workplace: Path) -> None:
    code = blocks(ROOT / "CONTRIBUTING.md", "python")[0]
    assert main(["new", "plugins"]) == 0
    assert (workplace / "plugins" / "averager.py").read_text() == code
    assert len(code.splitlines()) <= 30


def test_the_plugin_of_the_guide_works(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It keeps the contract, and what it records is the mean of the embeddings so far."""
    plugin = workplace / "plugins" / "averager.py"
    plugin.parent.mkdir()
    plugin.write_text(blocks(ROOT / "CONTRIBUTING.md", "python")[0])
    assert main(["check", str(plugin)]) == 0, capsys.readouterr().out
    trace = load("you/averager", untrained=True).trace("one two three")
    assert trace["mean"][-1] == pytest.approx(trace["embed"].mean(axis=0), abs=1e-6)


def test_the_commands_of_the_other_documents_exist() -> None:
    for document in DOCUMENTS[1:]:
        for each in commands(document):
            _parser().parse_args(each)


def tree_of(document: Path) -> set[str]:
    """The paths in a document's tree, two blanks a level."""
    found, above = set(), []
    for line in max(blocks(document, ""), key=len).splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        above = [*above[:depth], name.rstrip("/")]
        found.add("/".join(above))
    return found


def test_the_tree_of_the_readme_is_the_tree() -> None:
    described = tree_of(ROOT / "README.md")
    assert [name for name in sorted(described) if not (ROOT / name).exists()] == []
    here = {
        str(path.parent.relative_to(ROOT))
        for top in ("zoo", "playground")
        for path in ROOT.glob(f"{top}/*/__init__.py")
    }
    assert here - described == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_is_named_is_there(document: Path) -> None:
    """Links within the repository, and file names in `code` that begin with one of its folders."""
    text = document.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    names = re.findall(r"`((?:zoo|playground|pages|tests|\.ci|\.streamlit)/[\w./-]*(?:/|\.\w+))`", text)
    assert [each for each in links + names if not (ROOT / each).exists()] == []


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for document in DOCUMENTS for word in re.findall(r"`make (\w+)`", document.read_text())}
    assert {"run", "test"} <= named <= targets


def test_every_environment_variable_that_is_named_is_read() -> None:
    named = {word for document in DOCUMENTS for word in re.findall(r"\bPLAYGROUND_\w+", document.read_text())}
    source = "".join(path.read_text() for top in ("zoo", "playground") for path in (ROOT / top).rglob("*.py"))
    assert named
    assert [each for each in sorted(named) if f'"{each}"' not in source] == []
