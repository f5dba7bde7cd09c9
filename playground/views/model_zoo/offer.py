"""What stands on a card, before anything is drawn or loaded: every model on offer with its plugin and its origin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from playground import engine
from playground.catalogue import Choice, app_runs
from playground.engine import registry
from playground.run_files import read_object, run_info
from playground.views.model_zoo.ideas import IDEAS, Idea

BUILT_IN, FOLDER, PACKAGE, RUN, HUGGING_FACE = "built in", "plugin folder", "package", "run", "Hugging Face folder"
ORIGINS = (BUILT_IN, FOLDER, PACKAGE, RUN, HUGGING_FACE)

FAMILIES = {
    "bag-of-words": "bag of words",
    "n-gram": "n-gram",
    "word2vec": "word2vec",
    "feed-forward": "feed-forward",
    "rnn": "recurrent",
    "seq2seq": "seq2seq",
    "encoder-decoder": "encoder–decoder",
    "bert": "BERT",
    "gpt": "GPT",
    "other": "other",
}
"""A `zoo.plugin.Family` in the reader's words, in the order of the family tree."""
TASKS = {
    "next-token": "the next token",
    "masked-token": "blanks in a text",
    "skip-gram": "words near a word",
    "cbow": "a word from those around it",
    "translate": "a translation",
}
"""What a `zoo.plugin.Task` asks a model for."""


@dataclass(frozen=True)
class Card:
    """One model of the list."""

    choice: Choice
    origin: str
    """One of ORIGINS."""
    plugin: str
    """The id of the plugin that builds it; "" for a Hugging Face folder, and for a run that cannot be read."""
    family: str
    task: str
    summary: str
    """One sentence."""
    source: str
    """Where it comes from, in words."""
    folder: Path | None
    """The run or Hugging Face folder that holds its weights; None where nobody has trained it."""
    missing: tuple[str, ...] = ()
    """Packages that it needs and that are not installed."""
    problem: str = ""
    """Why it cannot be used at all."""

    @property
    def title(self) -> str:
        """What every page calls it."""
        return self.choice.title

    @property
    def slug(self) -> str:
        """What tells its widgets from other cards'. The browser sees it, so a server's folders stay out of it."""
        if self.folder is None or self.choice.key == self.plugin:
            return self.choice.key
        return f"{self.folder.name}-{crc32(self.choice.key.encode()):08x}"

    @property
    def idea(self) -> Idea | None:
        """The idea of a built-in model; None of a run, or of a plugin of somebody else's."""
        return IDEAS.get(self.choice.key) if self.origin == BUILT_IN else None

    @property
    def usable(self) -> bool:
        """Whether it can be run here."""
        return not self.missing and not self.problem


def cards() -> list[Card]:
    """Every model that this session is offered, in the order of every page's list."""
    return [card_of(choice) for choice in engine.choices()]


def card_of(choice: Choice) -> Card:
    """What is known of a choice without loading it."""
    if choice.key in registry().plugins:
        return _of_plugin(choice)
    folder = Path(choice.key)
    return _of_run(choice, folder) if (folder / "run.json").is_file() else _of_folder(choice, folder)


def _of_plugin(choice: Choice) -> Card:
    from zoo.pretrained.shipped import shipped_folder

    spec, origin, source = registry().plugins[choice.key].spec, *origin_of(registry().sources[choice.key])
    missing = tuple(registry().missing_requirements(choice.key))
    folder = shipped_folder(choice.key)
    return Card(choice, origin, spec.id, spec.family, spec.task, spec.summary, source, folder, missing)


def origin_of(source: str) -> tuple[str, str]:
    """One of ORIGINS, and the place in words, of what the registry says of a plugin."""
    if source.endswith("(built in)"):
        return BUILT_IN, f"built in, {source.removesuffix(' (built in)')}"
    if " (package " in source:
        name, _, package = source.partition(" (package ")
        return PACKAGE, f"{name}, of the installed package {package.removesuffix(')')}"
    return FOLDER, f"a plugin's file, {Path(source).parent.name}/{Path(source).name}"


def _of_run(choice: Choice, folder: Path) -> Card:
    from zoo.pretrained.shipped import WEIGHTS

    info, plugins = run_info(folder), registry().plugins
    model = str(info.get("model", ""))
    if model not in plugins:
        known = f"it is a run of {model}, a plugin that is not installed" if model else "its run.json cannot be read"
        return Card(choice, RUN, "", "other", "", "", _place(folder), folder, problem=known)
    spec = plugins[model].spec
    shipped = folder.parent == WEIGHTS
    source = f"a training of {spec.title}, {'shipped with the app' if shipped else _place(folder)}"
    missing = tuple(registry().missing_requirements(model))
    return Card(
        choice, BUILT_IN if shipped else RUN, model, spec.family, spec.task, spec.summary, source, folder, missing
    )


def _place(folder: Path) -> str:
    return "made in this app" if folder.parent == app_runs() else f"from the folder of runs, {folder.name}"


def _of_folder(choice: Choice, folder: Path) -> Card:
    """A model in Hugging Face format; those that can be read here are all of GPT's kind."""
    kind = str(settings_of(folder).get("model_type", "unknown"))
    return Card(
        choice,
        HUGGING_FACE,
        "",
        "gpt",
        "next-token",
        f"A trained language model of the architecture {kind}, in Hugging Face format.",
        f"the folder {folder.name}",
        folder,
    )


def settings_of(folder: Path) -> dict[str, Any]:
    """A Hugging Face folder's config.json; empty where it cannot be read."""
    return read_object(folder / "config.json")
