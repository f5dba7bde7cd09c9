"""Finding models: the built-in files, installed packages' entry points, and folders of the user's own.

Every import and constructor is guarded: a plugin that fails becomes a `Broken` row, and the rest go on.
Used by `zoo.inference`, the command line and the app.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from pathlib import Path
from types import ModuleType

from pydantic import BaseModel

from zoo.plugin import API_VERSION, ModelPlugin, ModelSpec

ENTRY_POINTS = "transformer_playground.models"
FOLDERS = "PLAYGROUND_PLUGINS"
"""Environment variable: folders with plugin files, separated as in PATH; ./plugins where it is not set."""


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be loaded, and why."""

    source: str
    error: str
    """One line."""
    traceback: str = ""


class UnknownModel(LookupError):
    """No plugin has this id."""


@dataclass
class Registry:
    """The plugins by id, where each came from, and the broken ones."""

    plugins: dict[str, ModelPlugin] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)

    def add(self, plugin_class: object, source: str) -> None:
        """Take in one plugin class; whatever is wrong with it becomes a `Broken` row."""
        with self._guard(source):
            checked = _plugin_class(plugin_class)
            spec = checked.spec
            if spec.id in self.plugins:
                raise ValueError(f"the id {spec.id} is taken by {self.sources[spec.id]}; choose another")
            self.plugins[spec.id] = checked()
            self.sources[spec.id] = source

    def get(self, model_id: str) -> ModelPlugin:
        """The plugin of this id.

        Raises:
            UnknownModel: naming the nearest ids, and the broken plugins where there are any.
        """
        if model_id in self.plugins:
            return self.plugins[model_id]
        near = difflib.get_close_matches(model_id.lower(), self.plugins, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(sorted(self.plugins)) or 'none'}"
        if self.broken:
            hint += f" (could not be loaded: {', '.join(each.source for each in self.broken)})"
        raise UnknownModel(f"no model has the id {model_id!r}; {hint}")

    def missing_requirements(self, model_id: str) -> list[str]:
        """The packages that a model asks for in `spec.requires` and that are not installed."""
        return [wanted for wanted in self.get(model_id).spec.requires if not _installed(wanted)]

    def load_module(self, source: str, importer: Callable[[], ModuleType]) -> None:
        """Import one module and take in the plugins that it defines; one without any is broken."""
        with self._guard(source):
            found = _plugins_of(importer())
            if not found:
                raise ValueError("the file defines no subclass of zoo.ModelPlugin")
            for plugin_class in found:
                self.add(plugin_class, source)

    def load_file(self, path: Path) -> None:
        """Take in the plugins of one file."""
        self.load_module(str(path), partial(import_file, path))

    def load_entry_point(self, point: EntryPoint) -> None:
        """Take in the plugin class that an installed package names."""
        source = f"{point.value} (package {point.dist.name if point.dist else 'unknown'})"
        with self._guard(source):
            self.add(point.load(), source)

    @contextmanager
    def _guard(self, source: str) -> Iterator[None]:
        """Turn whatever is raised into a `Broken` row, an attempt to end the program too."""
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            text = str(error).strip().splitlines()
            message = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
            self.broken.append(Broken(source, message, "".join(traceback.format_exception(error))))


def discover(folders: Iterable[Path] | None = None) -> Registry:
    """Look everywhere, afresh. `folders` overrides the environment variable."""
    registry = Registry()
    for info in pkgutil.iter_modules(importlib.import_module("zoo.models").__path__):
        name = f"zoo.models.{info.name}"
        if not info.name.startswith("_"):
            registry.load_module(f"{name} (built in)", partial(importlib.import_module, name))
    for point in entry_points(group=ENTRY_POINTS):
        registry.load_entry_point(point)
    for folder in plugin_folders() if folders is None else folders:
        if not folder.is_dir():
            registry.broken.append(Broken(str(folder), f"there is no such folder; correct {FOLDERS}"))
            continue
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("_"):
                registry.load_file(path)
    return registry


def plugin_folders() -> list[Path]:
    """Where the user's own plugin files lie, each folder once; ./plugins counts only where it is there."""
    given = os.environ.get(FOLDERS)
    if given is None:
        return [each for each in (Path("plugins"),) if each.is_dir()]
    return list({path.resolve(): path for path in map(Path, filter(None, given.split(os.pathsep)))}.values())


def import_file(path: Path) -> ModuleType:
    """Import a file that is in no package, under a name made from its path.

    Raises:
        ImportError: it is not a Python file; or whatever the file itself raises.
    """
    name = f"playground_plugin_{path.stem}_{abs(hash(str(path.resolve()))):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _plugins_of(module: ModuleType) -> list[type[ModelPlugin]]:
    """The plugin classes that a module defines itself, each once, without those that are bases of others."""
    found = {
        each: None
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, ModelPlugin) and each.__module__ == module.__name__
    }
    bases = {base for each in found for base in each.__mro__[1:] if inspect.isabstract(base)}
    return [each for each in found if each not in bases]


def _plugin_class(value: object) -> type[ModelPlugin]:
    """`value`, if it keeps the contract of `zoo.plugin`; else a TypeError or ValueError that says what is missing."""
    if not (isinstance(value, type) and issubclass(value, ModelPlugin)):
        raise TypeError(f"{value!r} is not a subclass of zoo.ModelPlugin")
    if inspect.isabstract(value):
        raise TypeError(f"{value.__name__} does not define {', '.join(sorted(value.__abstractmethods__))}")
    spec, config = getattr(value, "spec", None), getattr(value, "Config", None)
    if not isinstance(spec, ModelSpec):
        raise TypeError(f"{value.__name__} has no `spec = ModelSpec(…)`")
    if not (isinstance(config, type) and issubclass(config, BaseModel)):
        raise TypeError(f"{value.__name__} has no `Config`, a subclass of pydantic.BaseModel")
    if spec.api != API_VERSION:
        raise ValueError(f"{spec.id} is written for plugin API {spec.api}; this is {API_VERSION}")
    return value


def _installed(requirement: str) -> bool:
    """Whether a distribution or a module of this name is there: "scikit-learn", "sklearn", "torch>=2"."""
    name = re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0]
    try:
        distribution(name)
    except PackageNotFoundError:
        module = name.split(".")[0].replace("-", "_")
        return module.isidentifier() and importlib.util.find_spec(module) is not None
    return True
