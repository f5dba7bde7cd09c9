"""The house rules, read from the source itself: a floor under import-linter, which knows the finer ones.

Who may import whom inside the zoo is written once, in pyproject.toml; this file reads it there.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ("zoo", "playground", "pages", "streamlit_app")
"""From the ground floor up: each may import itself and those before it."""

Arrow = tuple[str, str]
"""Importing module, imported module."""


def module_of(path: Path, root: Path) -> str:
    """zoo/trace/__init__.py -> zoo.trace"""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def arrows(path: Path, root: Path = ROOT) -> Iterator[Arrow]:
    """Every import of a file, also inside functions and under TYPE_CHECKING."""
    own = module_of(path, root)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((own, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{own}: relative imports hide where things come from"
            yield from ((own, f"{node.module}.{alias.name}") for alias in node.names)


def source_files() -> list[Path]:
    folders = [path for name in HOUSE if (path := ROOT / name).is_dir()]
    return [ROOT / "streamlit_app.py", *(file for folder in folders for file in sorted(folder.rglob("*.py")))]


ARROWS = [arrow for path in source_files() for arrow in arrows(path)]


def upward(found: list[Arrow], floors: list[set[str]], prefix: str = "") -> list[Arrow]:
    """The arrows that lead up, or across to a neighbour on the same floor. `floors`: the top one first."""
    height = {name: i for i, floor in enumerate(reversed(floors)) for name in floor}

    def floor(module: str) -> tuple[str, int | None]:
        name = module.removeprefix(prefix).split(".")[0] if module.startswith(prefix) else ""
        return name, height.get(name)

    def wrong(arrow: Arrow) -> bool:
        (source, low), (target, high) = floor(arrow[0]), floor(arrow[1])
        return source != target and low is not None and high is not None and high >= low

    return [arrow for arrow in found if wrong(arrow)]


def contract(name: str) -> dict[str, list[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(each for each in contracts if each["id"] == name)


def zoo_floors() -> list[set[str]]:
    return [{name.strip(" ()") for name in layer.split("|")} for layer in contract("zoo")["layers"]]


def test_the_house_has_one_direction() -> None:
    assert upward(ARROWS, [{name} for name in reversed(HOUSE)]) == []


def test_the_zoo_has_one_direction() -> None:
    excepted = {tuple(each.split(" -> ")) for each in contract("zoo")["ignore_imports"]}
    found = upward(ARROWS, zoo_floors(), "zoo.")
    unexpected = [(a, b) for a, b in found if not any(a == x and f"{b}.".startswith(f"{y}.") for x, y in excepted)]
    assert unexpected == []


def test_every_part_of_the_zoo_has_its_floor() -> None:
    parts = {path.stem for path in (ROOT / "zoo").iterdir() if path.suffix == ".py" or any(path.glob("*.py"))}
    assert parts - {"__init__"} <= set().union(*zoo_floors())


def test_an_arrow_back_up_is_found(tmp_path: Path) -> None:
    file = tmp_path / "zoo" / "trace" / "sly.py"
    file.parent.mkdir(parents=True)
    file.write_text("def f():\n    from zoo.inference import load\n    import playground.state\n")
    found = list(arrows(file, tmp_path))
    assert upward(found, zoo_floors(), "zoo.") == [("zoo.trace.sly", "zoo.inference.load")]
    assert upward(found, [{name} for name in reversed(HOUSE)]) == [("zoo.trace.sly", "playground.state")]


def test_models_never_import_each_other() -> None:
    found = [(a, b) for a, b in ARROWS if a.startswith("zoo.models.") and b.startswith("zoo.models")]
    assert found == []


def test_the_zoo_knows_no_streamlit() -> None:
    assert [arrow for arrow in ARROWS if arrow[0].startswith("zoo") and arrow[1].startswith("streamlit")] == []


def test_the_entry_point_does_nothing_when_it_is_imported() -> None:
    """A worker process runs the main file again, as a module: it must not draw the app a second time."""
    docstring, guarded = ast.parse((ROOT / "streamlit_app.py").read_text()).body
    assert isinstance(docstring, ast.Expr)
    assert isinstance(guarded, ast.If)
    assert ast.unparse(guarded.test) == "__name__ == '__main__'"


@pytest.mark.parametrize("page", sorted((ROOT / "pages").glob("*.py")), ids=lambda path: path.stem)
def test_a_page_is_short(page: Path) -> None:
    assert len(page.read_text().splitlines()) <= 40


PAGES = ["playground.shell", "playground.views.next_word", "playground.views.forward_pass"]


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        (contract("trace-without-torch")["source_modules"], ("torch", "transformers")),
        (["zoo", "zoo.trace", "zoo.registry", "zoo.tokenizers", "zoo.pretrained.shipped"], ("torch", "transformers")),
        (PAGES, ("torch", "transformers")),
        (contract("playground-without-streamlit")["source_modules"], ("streamlit", "torch")),
        (["playground.components"], ("streamlit", "torch")),
    ],
    ids=["a saved trace", "the zoo's names", "the first paint", "data for the page", "components"],
)
def test_what_is_imported_stays_light(modules: list[str], unwanted: tuple[str, ...]) -> None:
    """In a fresh interpreter: what a static look can't see, such as an import in an imported package."""
    code = f"import sys, {', '.join(modules)}; print(*sorted(set({unwanted}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
