"""The one way to start a training run, or to go on with one: for the command line, the app's worker, and torchrun.

    launch(order, folder, registry) -> Launch(run, plugin, corpus), and then
    for event in train(launch.run, launch.plugin, launch.corpus): …

An `Order` can be made and read without torch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from zoo.data import GLASS_BOX, Corpus, open_corpus
from zoo.plugin import ModelPlugin, context_of
from zoo.tokenizers import Tokenizer
from zoo.validation import readable

if TYPE_CHECKING:
    from torch import nn

    from zoo.registry import Registry
    from zoo.training import Recipe, Run

SECONDS = 60.0
"""The budget where none is given."""
PROMPT = 40
"""Characters of the prompt that is taken from the held-out text where none is given."""


class Order(BaseModel):
    """What to train, on what, for how long."""

    model_config = ConfigDict(extra="forbid")

    model: str = ""
    """The plugin's id; for fine-tuning it may be left out."""
    config: dict[str, Any] = {}
    recipe: dict[str, Any] = {}
    """Fields of `Recipe`; they win over the plugin's own."""
    corpus: str = GLASS_BOX
    """What `open_corpus` takes: "glass-box…" or a path."""
    tokenizer: str = ""
    """A kind or a tokenizer.json; by default words for the glass box, else the plugin's own."""
    vocab_size: int = 1024
    prompt: str = ""
    """What the model is asked at each evaluation; by default the glass box's example, or the held-out text's start."""
    start: str | None = None
    """Fine-tuning: a run folder or a plugin with shipped weights, whose config and tokenizer are then used."""
    start_step: int | None = None
    """Which of its checkpoints; by default the last."""
    title: str = ""


@dataclass(frozen=True)
class Launch:
    """What `zoo.training.train` takes."""

    run: Run
    plugin: ModelPlugin
    corpus: Corpus


@dataclass(frozen=True)
class _Design:
    """What is to be trained, before anything is written."""

    plugin: ModelPlugin
    config: BaseModel
    tokenizer: Tokenizer
    weights: nn.Module | None = None
    start: dict[str, str | int | None] | None = None


def launch(order: Order, folder: str | Path, registry: Registry, *, max_parameters: int | None = None) -> Launch:
    """Start a run folder for `order`.

    Raises:
        ValueError: a setting, the text or the folder cannot be used, in one sentence; no folder is left behind.
        LookupError: no such model, or a package that it needs is not installed.
        Unwritable: the folder cannot be written.
    """
    from zoo.tasks import task_of
    from zoo.training import Run

    folder = Path(folder)
    if (folder / "run.json").exists():
        raise ValueError(f"{folder} holds a run already; resume it or choose another folder")
    corpus = open_corpus(order.corpus)
    try:
        design = _fine_tuned(order, registry) if order.start else _new(order, corpus, registry)
        recipe = recipe_of(order, design.plugin)
    except ValidationError as error:
        raise ValueError(readable(error)) from error
    parameters = _parameters(design, max_parameters)
    task_of(design.plugin.spec.task).check(corpus, design.tokenizer, context_of(design.config))
    run = Run.create(
        folder,
        model=design.plugin.spec.id,
        config=design.config,
        tokenizer=design.tokenizer,
        corpus={"name": corpus.name, "sha256": corpus.sha256} | _source(corpus, folder),
        recipe=recipe,
        parameters=parameters,
        prompt=order.prompt or default_prompt(corpus),
        title=order.title,
        start=design.start,
        weights=design.weights,
    )
    return Launch(run, design.plugin, corpus)


def relaunch(folder: str | Path, registry: Registry, corpus: Corpus | None = None) -> Launch:
    """Go on with the run in `folder`, on `corpus` or on what run.json says it was trained on.

    Raises:
        ValueError: there is no such run, or its text is gone or has changed.
        LookupError: its plugin is not there any more.
    """
    from zoo.training import Run

    run = Run.open(folder)
    info = run.info
    plugin = _plugin(info.model, registry)
    corpus = corpus or _reopened(run)
    if corpus.sha256 != info.corpus.get("sha256"):
        raise ValueError(f"{folder} was started on another text ({info.corpus.get('name')}): choose another folder")
    return Launch(run, plugin, corpus)


def recipe_of(order: Order, plugin: ModelPlugin) -> Recipe:
    """The plugin's recipe under the order's own fields; a budget that is given replaces the plugin's.

    Raises:
        ValidationError: a field is not what it must be.
    """
    from zoo.training import Recipe

    own = dict(plugin.recipe())
    if {"seconds", "steps"} & {name for name, value in order.recipe.items() if value is not None}:
        own = {name: value for name, value in own.items() if name not in ("seconds", "steps")}
    fields = own | order.recipe
    budget = {} if any(fields.get(name) is not None for name in ("seconds", "steps")) else {"seconds": SECONDS}
    return Recipe.model_validate(fields | budget)


def default_prompt(corpus: Corpus) -> str:
    """The glass box's example, or the first words of the held-out text; of a pair, those of the source."""
    if corpus.language is not None:
        if "example" not in corpus.memo:
            corpus.memo["example"] = corpus.language.example()
        return str(corpus.memo["example"])
    if corpus.pairs is not None:
        return corpus.pairs.example()
    text = next((text for text in corpus.valid if text.strip()), "").strip()
    text = text.partition("\t")[0] if text.count("\t") == 1 and "\n" not in text else text
    cut = text[:PROMPT]
    return cut.rsplit(maxsplit=1)[0] if len(text) > PROMPT and len(cut.split()) > 1 else cut


def preload() -> Corpus:
    """The default glass box with its tokenizer and token streams, kept in this process for all that it forks.

    Starts no thread. A second call costs nothing.
    """
    import torch

    from zoo.tasks import streams
    from zoo.training import yardsticks
    from zoo.training.vocabulary import words

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads would not survive a fork
    torch.set_num_threads(1)
    import_module("torch._dynamo")  # what an optimiser imports at its first step
    corpus = open_corpus(GLASS_BOX)
    for part in streams.NAMES:
        streams.tokens(corpus, part, words(corpus))
    yardsticks.prepare(corpus, words(corpus))
    default_prompt(corpus)
    return corpus


def _new(order: Order, corpus: Corpus, registry: Registry) -> _Design:
    from zoo.training.vocabulary import choose_tokenizer

    plugin = _plugin(order.model, registry)
    config = plugin.Config.model_validate(order.config)
    return _Design(plugin, config, choose_tokenizer(order.tokenizer, order.vocab_size, plugin, corpus))


def _plugin(model: str, registry: Registry) -> ModelPlugin:
    plugin = registry.get(model)
    if missing := registry.missing_requirements(model):
        raise LookupError(f"{model} needs {', '.join(missing)}: pip install {' '.join(missing)}")
    return plugin


def _fine_tuned(order: Order, registry: Registry) -> _Design:
    """The model of `order.start`, with its weights."""
    from zoo.inference import load
    from zoo.pretrained.huggingface import is_huggingface_folder
    from zoo.pretrained.shipped import shipped_folder
    from zoo.training import Run

    assert order.start
    if is_huggingface_folder(Path(order.start)):
        raise ValueError(f"{order.start} is a Hugging Face folder: only a run, or a plugin's shipped weights, train on")
    loaded = load(order.start, step=order.start_step, registry=registry)
    source = Path(order.start) if (Path(order.start) / "run.json").is_file() else shipped_folder(order.start)
    assert source is not None  # load would have refused
    info = Run.open(source).info
    if order.model not in ("", info.model):
        raise ValueError(f"{order.start} is a {info.model}, not a {order.model}: leave the model out")
    plugin = registry.get(info.model)
    step = Run.open(source).steps()[-1] if order.start_step is None else order.start_step
    start: dict[str, str | int | None] = {"source": order.start, "step": step, "about": loaded.about}
    return _Design(plugin, plugin.Config.model_validate(info.config), loaded.tokenizer, loaded.module, start)


def _parameters(design: _Design, most: int | None) -> int:
    """How many numbers the model learns; counted without making them, where its `build` allows that."""
    import torch

    from zoo.training.run import parameter_count

    if design.weights is not None:
        count = parameter_count(design.weights)
    else:
        try:
            with torch.device("meta"):
                count = parameter_count(_built(design))
        except ValueError:
            count = parameter_count(_built(design))
    if most is not None and count > most:
        raise ValueError(f"the model would have {count:,} parameters; at most {most:,} are trained here")
    return count


def _built(design: _Design) -> nn.Module:
    from zoo.training.run import seeded_build

    plugin, vocab = design.plugin, design.tokenizer.vocab_size
    try:
        return seeded_build(lambda: plugin.build(design.config, vocab), 0)
    except Exception as error:
        reason = (str(error).strip() or "no reason given").splitlines()[0]
        raise ValueError(f"{plugin.spec.id} could not be built: {type(error).__name__}: {reason}") from error


def _source(corpus: Corpus, folder: Path) -> dict[str, str]:
    """What opens the corpus again; a text inside the run folder by its name there."""
    source = corpus.source.get("open", "")
    if source and Path(source).resolve().parent == folder.resolve():
        return {"open": Path(source).name}
    return dict(corpus.source)


def _reopened(run: Run) -> Corpus:
    """The corpus that run.json names; a text inside the run folder comes first."""
    info = run.info.corpus
    source = info.get("open") or info["name"]
    inside = run.folder / source
    return open_corpus(str(inside) if inside.is_file() else source)
