"""Finding models: the built-in files, installed packages' entry points, and a folder of the user's own.

Every import and constructor is guarded: a plugin that fails becomes a `Broken` row, and the rest go on.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from zoo.plugin import API_VERSION, ModelPlugin

ENTRY_POINTS = "transformer_playground.models"
FOLDERS = "PLAYGROUND_PLUGINS"
"""Environment variable: folders with plugin files, separated as in PATH; ./plugins where it is not set."""


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be loaded, and why."""

    source: str
    error: str
    traceback: str = ""


class UnknownModel(LookupError):
    """No plugin has this id."""


@dataclass
class Registry:
    """The plugins by id, and the broken ones."""

    plugins: dict[str, ModelPlugin] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)

    def add(self, plugin_class: type[ModelPlugin], source: str) -> None:
        """Take in one plugin class; whatever is wrong with it becomes a `Broken` row."""
        with self._guard(source):
            if inspect.isabstract(plugin_class):
                missing = ", ".join(sorted(plugin_class.__abstractmethods__))
                raise TypeError(f"{plugin_class.__name__} does not define {missing}")
            for name in ("spec", "Config"):
                if not hasattr(plugin_class, name):
                    raise TypeError(f"{plugin_class.__name__} has no `{name}`")
            spec = plugin_class.spec
            if spec.api != API_VERSION:
                raise ValueError(f"{spec.id} is written for plugin API {spec.api}; this is {API_VERSION}")
            if spec.id in self.plugins:
                raise ValueError(f"the id {spec.id} is taken by {self.sources[spec.id]}; choose another")
            self.plugins[spec.id] = plugin_class()
            self.sources[spec.id] = source

    def get(self, model_id: str) -> ModelPlugin:
        """The plugin of this id.

        Raises:
            UnknownModel: naming the nearest ids.
        """
        if model_id in self.plugins:
            return self.plugins[model_id]
        near = difflib.get_close_matches(model_id, self.plugins, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(sorted(self.plugins))}"
        raise UnknownModel(f"no model has the id {model_id!r}; {hint}")

    def missing_requirements(self, model_id: str) -> list[str]:
        """The packages that a model asks for and that are not installed."""
        wanted = self.get(model_id).spec.requires
        return [name for name in wanted if importlib.util.find_spec(name.replace("-", "_")) is None]

    def load_module(self, source: str, importer: Callable[[], ModuleType]) -> None:
        """Import one module and take in the plugins that it defines."""
        with self._guard(source):
            module = importer()
            found = [each for each in vars(module).values() if _is_plugin_of(module, each)]
            for plugin_class in found:
                self.add(plugin_class, source)

    def _guard(self, source: str) -> _Guard:
        return _Guard(self, source)


class _Guard:
    """Turns an exception into a `Broken` row."""

    def __init__(self, registry: Registry, source: str) -> None:
        self.registry, self.source = registry, source

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: object) -> bool:
        if error is None or isinstance(error, KeyboardInterrupt):
            return False
        text = str(error).strip().splitlines()
        message = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
        trace = "".join(traceback.format_exception(error))
        self.registry.broken.append(Broken(self.source, message, trace))
        return True


def _is_plugin_of(module: ModuleType, value: object) -> bool:
    return isinstance(value, type) and issubclass(value, ModelPlugin) and value.__module__ == module.__name__


def discover(folders: list[Path] | None = None) -> Registry:
    """Look everywhere, afresh. `folders` overrides the environment variable."""
    registry = Registry()
    package = importlib.import_module("zoo.models")
    for info in pkgutil.iter_modules(package.__path__):
        name = f"zoo.models.{info.name}"
        registry.load_module(f"{name} (built in)", lambda name=name: importlib.import_module(name))  # type: ignore[misc]
    for point in entry_points(group=ENTRY_POINTS):
        source = f"{point.value} (package {point.dist.name if point.dist else 'unknown'})"
        with registry._guard(source):
            registry.add(point.load(), source)
    for path in _files(folders if folders is not None else plugin_folders()):
        registry.load_module(str(path), lambda path=path: import_file(path))  # type: ignore[misc]
    return registry


def plugin_folders() -> list[Path]:
    """Where the user's own plugin files lie."""
    return [Path(each) for each in os.environ.get(FOLDERS, "plugins").split(os.pathsep) if each]


def _files(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def import_file(path: Path) -> ModuleType:
    """Import a file that is in no package, under a name made from its path."""
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
