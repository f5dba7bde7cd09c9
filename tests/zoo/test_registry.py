"""Plugins are found wherever they may lie, and what is wrong with one never stops the others."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

import zoo.registry
from zoo.plugin import ModelPlugin
from zoo.registry import FOLDERS, Registry, UnknownModel, discover, plugin_folders

PLUGIN = """
from pydantic import BaseModel
from torch import nn
from zoo import ModelPlugin, ModelSpec

class Config(BaseModel):
    width: int = 8

class Mixer(ModelPlugin):
    spec = ModelSpec(id="{id}", title="Mixer", family="other", task="next-token", summary="Mixes."{more})
    Config = Config
    def build(self, config, vocab_size):
        return nn.Embedding(vocab_size, vocab_size)
"""


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def plugin(model_id: str = "you/mixer", more: str = "") -> str:
    return PLUGIN.format(id=model_id, more=more)


def broken_by(folder: Path, text: str) -> zoo.registry.Broken:
    """The one Broken row that a file with this text gives; the built-in models are there all the same."""
    registry = discover([write(folder, "bad.py", text)])
    assert "zoo/gpt" in registry.plugins
    (broken,) = registry.broken
    assert broken.source == str(folder / "bad.py")
    return broken


def test_built_in_models_are_found_and_sound() -> None:
    registry = discover([])
    assert registry.get("zoo/gpt").spec.family == "gpt"
    assert registry.sources["zoo/gpt"] == "zoo.models.gpt (built in)"
    assert registry.broken == []


def test_a_folder_is_read_in_order_and_private_files_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "b.py", plugin("you/b"))
    write(tmp_path, "a.py", plugin("you/a"))
    write(tmp_path, "_helper.py", "raise RuntimeError")
    registry = discover([tmp_path])
    assert list(registry.plugins)[-2:] == ["you/a", "you/b"]
    assert registry.broken == []


def test_the_environment_names_folders_each_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "one", "a.py", plugin("you/a"))
    write(tmp_path / "two", "b.py", plugin("you/b"))
    folders = [tmp_path / "one", tmp_path / "two", tmp_path / "two" / ".." / "one"]
    monkeypatch.setenv(FOLDERS, ":".join(map(str, folders)))
    registry = discover()
    assert {"you/a", "you/b"} <= set(registry.plugins)
    assert registry.broken == []


def test_a_named_folder_that_is_not_there_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDERS, str(tmp_path / "typo"))
    (broken,) = discover().broken
    assert broken.source == str(tmp_path / "typo")
    assert "no such folder" in broken.error


def test_the_default_folder_may_be_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDERS, raising=False)
    monkeypatch.chdir(tmp_path)
    assert plugin_folders() == []
    write(tmp_path / "plugins", "a.py", plugin("you/a"))
    assert "you/a" in discover().plugins


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("import no_such_package_at_all", "ModuleNotFoundError: No module named 'no_such_package_at_all'"),
        ("def (:", "SyntaxError: "),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("raise SystemExit", "SystemExit"),
        ("raise ValueError('first\\nsecond')", "ValueError: first"),
        ("x = 1", "ValueError: the file defines no subclass of zoo.ModelPlugin"),
        ("from zoo import ModelPlugin", "ValueError: the file defines no subclass of zoo.ModelPlugin"),
        (plugin("No Slug"), "ValueError: model id 'No Slug' is not of the form namespace/slug"),
        (plugin(more=", api=99"), "ValueError: you/mixer is written for plugin API 99; this is 1"),
        (plugin().replace("def build", "def make"), "TypeError: Mixer does not define build"),
        (plugin().replace("    spec = ", "    card = "), "TypeError: Mixer has no `spec = ModelSpec(…)`"),
        (plugin().replace("    Config = Config", "    Config = dict"), "TypeError: Mixer has no `Config`"),
        (plugin() + "\n    def __init__(self): raise OSError('no disk')", "OSError: no disk"),
    ],
)
def test_whatever_is_wrong_becomes_one_line(tmp_path: Path, text: str, error: str) -> None:
    broken = broken_by(tmp_path, text)
    assert broken.error.startswith(error)
    assert "\n" not in broken.error
    assert error.split(":")[0] in broken.traceback


def test_a_file_that_cannot_be_imported_leaves_no_module_behind(tmp_path: Path) -> None:
    before = set(sys.modules)
    broken_by(tmp_path, "raise RuntimeError('half way')")
    assert not [name for name in set(sys.modules) - before if name.startswith("playground_plugin")]


def test_ctrl_c_is_not_swallowed(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        discover([write(tmp_path, "bad.py", "raise KeyboardInterrupt")])


def test_an_id_clash_keeps_the_first_and_names_both_sources(tmp_path: Path) -> None:
    write(tmp_path, "a.py", plugin("you/same"))
    write(tmp_path, "b.py", plugin("you/same"))
    registry = discover([tmp_path])
    (broken,) = registry.broken
    assert registry.sources["you/same"] == str(tmp_path / "a.py")
    assert broken.source == str(tmp_path / "b.py")
    assert f"the id you/same is taken by {tmp_path / 'a.py'}" in broken.error


def test_a_shared_base_class_and_a_second_name_are_no_plugins(tmp_path: Path) -> None:
    text = (
        plugin()
        .replace("(ModelPlugin):", "(Base):")
        .replace("class Mixer", "class Base(ModelPlugin):\n    def tokenizer(self, corpus): return None\n\nclass Mixer")
    )
    registry = discover([write(tmp_path, "a.py", text + "\nAlias = Mixer\n")])
    assert registry.broken == []
    assert "you/mixer" in registry.plugins


class TestEntryPoints:
    def install(self, monkeypatch: pytest.MonkeyPatch, **classes: object) -> list[str]:
        """Pretend that a package with these classes in `fake_models` is installed; returns the groups asked for."""
        module = ModuleType("fake_models")
        module.__dict__.update(classes)
        monkeypatch.setitem(sys.modules, "fake_models", module)
        asked: list[str] = []

        def entry_points(group: str) -> list[EntryPoint]:
            asked.append(group)
            return [EntryPoint(name, f"fake_models:{name}", group) for name in [*classes, *self.also]]

        monkeypatch.setattr(zoo.registry, "entry_points", entry_points)
        return asked

    also: tuple[str, ...] = ()

    def test_a_packages_plugin_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        found = discover([write(tmp_path, "a.py", plugin())]).plugins["you/mixer"]
        asked = self.install(monkeypatch, Mixer=type(found))
        registry = discover([])
        assert asked == ["transformer_playground.models"]
        assert registry.sources["you/mixer"] == "fake_models:Mixer (package unknown)"

    def test_a_missing_class_and_a_wrong_one_are_broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.also = ("Gone",)
        self.install(monkeypatch, Function=len)
        registry = discover([])
        assert "zoo/gpt" in registry.plugins
        wrong, gone = registry.broken
        assert wrong.error == "TypeError: <built-in function len> is not a subclass of zoo.ModelPlugin"
        assert gone.error.startswith("AttributeError: ")


class TestUnknown:
    @pytest.mark.parametrize("typed", ["gpt", "zoo/gtp", "ZOO/GPT", "zoo/gpt2"])
    def test_near_ids_are_suggested(self, typed: str) -> None:
        with pytest.raises(UnknownModel, match=f"'{typed}'; did you mean .*zoo/gpt"):
            discover([]).get(typed)

    def test_without_a_near_one_all_are_named(self) -> None:
        with pytest.raises(UnknownModel, match=r"known: zoo/bag-of-words, .*zoo/gpt"):
            discover([]).get("qqqq")

    def test_broken_plugins_are_mentioned(self, tmp_path: Path) -> None:
        registry = discover([write(tmp_path, "mine.py", "oops")])
        with pytest.raises(UnknownModel, match=r"could not be loaded: .*mine\.py"):
            registry.get("you/mine")

    def test_an_empty_registry_says_so(self) -> None:
        with pytest.raises(LookupError, match="known: none"):
            Registry().get("zoo/gpt")


def test_missing_requirements_are_those_not_installed(tmp_path: Path) -> None:
    more = ', requires=("torch>=2", "pyyaml", "no-such-thing", "no_such.part[extra]")'
    registry = discover([write(tmp_path, "a.py", plugin(more=more))])
    assert registry.missing_requirements("you/mixer") == ["no-such-thing", "no_such.part[extra]"]
    assert registry.missing_requirements("zoo/gpt") == []


def test_every_plugin_can_be_constructed_anew() -> None:
    for found in discover([]).plugins.values():
        assert isinstance(type(found)(), ModelPlugin)
