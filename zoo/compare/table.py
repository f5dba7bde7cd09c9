"""`compare`: several models of one size, trained on the same tokens with the same budget, and measured.

Each training is a run folder: what was trained before is not trained again. Used by `python -m zoo compare`.
"""

from __future__ import annotations

import hashlib
import math
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from zoo.compare import distance
from zoo.compare.equal import Sized, nearest, sized
from zoo.compare.result import Compared, Comparison, Distances, Trial
from zoo.compare.trial import GENERATED, trial
from zoo.data import Corpus, open_corpus
from zoo.data.glass_box import GlassBox
from zoo.inference import load
from zoo.launch import Launch, Order, launch, recipe_of, relaunch
from zoo.plugin import ModelPlugin, context_of
from zoo.registry import Registry
from zoo.tokenizers import Tokenizer
from zoo.training import Run, train
from zoo.training.vocabulary import choose_tokenizer

HELD_OUT_WINDOWS = 128
BATCH = 16
"""Windows a step, for all models, where the budget is one of steps or tokens."""
DEFAULT_SECONDS = 60.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is to be compared. One budget of the three."""

    models: Sequence[str]
    corpus: str = "glass-box"
    seconds: float | None = None
    steps: int | None = None
    tokens: int | None = None
    seeds: int = 1
    parameters: int | None = None
    """Of each model; by default those of the first as its plugin makes it."""
    stories: int = distance.STORIES
    runs: Path = Path("runs/compare")
    """Where the run folders lie."""
    command: str = ""
    context: int | None = None
    """Tokens that each model reads, and learns from, at once; by default as many as the first model's plugin says."""


@dataclass(frozen=True)
class _Setting:
    """What all models have alike."""

    plan: Plan
    registry: Registry
    corpus: Corpus
    tokenizer: Tokenizer
    tokenizer_file: Path
    context: int
    stories: list[tuple[str, ...]]
    asked: list[distance.Asked]


def compare(plan: Plan, registry: Registry, say: Say = lambda text: None) -> Comparison:
    """Train and measure. `say` is told of each model before its turn.

    Raises:
        ValueError: a model or the corpus cannot be used, or the plan is contradictory; one sentence.
        LookupError: no such model, or a package that it needs is not installed.
        Diverged: a training's loss is not finite any more.
    """
    plugins = [_usable(each, registry) for each in plan.models]
    _check(plan)
    setting = _setting(plan, registry, plugins)
    target = plan.parameters or sized(plugins[0], _config(plugins[0], setting), setting.tokenizer.vocab_size).parameters
    sizes = [nearest(each, setting.tokenizer.vocab_size, target, _fixed(each, setting)) for each in plugins]
    measured = [_Measured(each, size, setting) for each, size in zip(plugins, sizes, strict=True)]
    for seed in range(plan.seeds):
        for each in measured:
            say(f"{each.plugin.spec.id}, {each.size.parameters:,} parameters, seed {seed}")
            each.add(seed)
    return _comparison(plan, setting, target, measured)


class _Measured:
    """A model, and what was measured of it so far."""

    def __init__(self, plugin: ModelPlugin, size: Sized, setting: _Setting) -> None:
        self.plugin, self.size, self.setting = plugin, size, setting
        self.trials: list[Trial] = []
        self.run: Run | None = None

    def add(self, seed: int) -> None:
        """Train from this seed and measure."""
        self.run = self._trained(seed)
        model = load(str(self.run.folder), registry=self.setting.registry)
        self.trials.append(trial(self.run, model, self.setting.corpus, self.setting.stories, self.setting.asked))

    def _trained(self, seed: int) -> Run:
        began = self._begun(seed)
        for _ in train(began.run, began.plugin, began.corpus):
            pass
        return began.run

    def _begun(self, seed: int) -> Launch:
        """A run of just this order: a new one, or what there is of it."""
        setting = self.setting
        order = Order(
            model=self.plugin.spec.id,
            config=self.size.config.model_dump(mode="json"),
            recipe=_budget(setting) | {"seed": seed},
            corpus=setting.plan.corpus,
            tokenizer=str(setting.tokenizer_file),
        )
        recipe = recipe_of(order, self.plugin)
        told = f"{order.config} {recipe} {setting.corpus.sha256} {setting.tokenizer.hash}"
        name = f"{order.model.replace('/', '-')}-{seed}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
        folder = setting.plan.runs / name
        if (folder / "run.json").is_file():
            return relaunch(folder, setting.registry, setting.corpus)
        return launch(order, folder, setting.registry)

    def compared(self) -> Compared:
        """All of it."""
        assert self.run is not None
        spec, info = self.plugin.spec, self.run.info
        return Compared(
            id=spec.id,
            title=spec.title,
            family=spec.family,
            config=dict(info.config),
            recipe=info.recipe.model_dump(mode="json", exclude={"seed"}),
            parameters=info.parameters,
            trials=self.trials,
        )


def _usable(model: str, registry: Registry) -> ModelPlugin:
    plugin = registry.get(model)
    if plugin.spec.task != "next-token":
        raise ValueError(
            f"{model} is made for {plugin.spec.task}: only models that predict the next token are compared"
        )
    return plugin


def _check(plan: Plan) -> None:
    if len(set(plan.models)) < len(plan.models):
        raise ValueError("a model is named twice: name each once")
    budgets = [each for each in (plan.seconds, plan.steps, plan.tokens) if each is not None]
    if len(budgets) > 1:
        raise ValueError("give a budget in seconds, in steps or in tokens, one of the three")
    if any(not math.isfinite(each) or each <= 0 for each in budgets):
        raise ValueError("a budget is more than nothing, and has an end")


def _setting(plan: Plan, registry: Registry, plugins: Sequence[ModelPlugin]) -> _Setting:
    corpus = open_corpus(plan.corpus)
    if corpus.pairs is not None:
        raise ValueError("sentences and translations are no text to go on with: compare on glass-box, or on a file")
    kind = "word" if corpus.language is not None else "bpe"
    tokenizer = choose_tokenizer(kind, 1024, plugins[0], corpus)
    file = plan.runs / f"{tokenizer.hash[:12]}.json"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(tokenizer.raw.to_str(), encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot write {file}: {error.strerror}") from error
    context = plan.context or context_of(plugins[0].Config())
    stories, asked = _asked(corpus.language, plan.stories)
    return _Setting(plan, registry, corpus, tokenizer, file, context, stories, asked)


def _asked(language: GlassBox | None, count: int) -> tuple[list[tuple[str, ...]], list[distance.Asked]]:
    if language is None:
        return [], []
    stories = [story.words for story in language.stories(count, distance.SEED)]
    return stories, distance.planted(language, stories)


def _fixed(plugin: ModelPlugin, setting: _Setting) -> dict[str, Any]:
    """What every model is given alike, the width apart."""
    return {"context": setting.context} if "context" in plugin.Config.model_fields else {}


def _config(plugin: ModelPlugin, setting: _Setting) -> Any:
    return plugin.Config.model_validate(_fixed(plugin, setting))


def _budget(setting: _Setting) -> dict[str, Any]:
    """The recipe's fields that are the same for all; with a budget in seconds each keeps its own batch."""
    plan = setting.plan
    once: dict[str, Any] = {"evaluations": 1, "checkpoints": 1, "held_out_windows": HELD_OUT_WINDOWS}
    steps = plan.steps
    if plan.tokens is not None:
        steps = math.ceil(plan.tokens / (BATCH * setting.context))
    if steps is not None:
        return once | {"steps": steps, "batch": BATCH}
    return once | {"seconds": plan.seconds or DEFAULT_SECONDS}


def _same(setting: _Setting) -> str:
    """What all models had alike, in words."""
    budget, text = _budget(setting), "the same text in windows of"
    windows = f"{text} {setting.context} tokens"
    if "steps" in budget:
        tokens = budget["steps"] * BATCH * setting.context
        return f"{windows}, {budget['steps']:,} steps of {BATCH} windows: the same {tokens:,} tokens"
    return f"{windows}, {budget['seconds']:g} seconds of training each on one thread, by each model's own recipe"


def _distances(setting: _Setting) -> Distances | None:
    if setting.corpus.language is None:
        return None
    empty = distance.Answers(*(torch.zeros(len(setting.asked)).numpy() for _ in range(2)))  # what is asked, unanswered
    found = distance.by_distance(setting.asked, empty)
    return Distances(
        stories=len(setting.stories),
        first=[each.first for each in found.buckets],
        last=[each.last for each in found.buckets],
        words=[each.words for each in found.buckets],
        guess=[each.guess for each in found.buckets],
        grammar_words=found.grammar.words,
    )


def _comparison(plan: Plan, setting: _Setting, target: int, measured: Sequence[_Measured]) -> Comparison:
    run = measured[0].run
    assert run is not None
    known = run.yardsticks
    return Comparison(
        command=plan.command,
        date=datetime.now(UTC).date().isoformat(),
        versions={"python": platform.python_version(), "torch": version("torch")},
        cpus=os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        corpus=setting.corpus.name,
        sha256=setting.corpus.sha256,
        tokenizer=setting.tokenizer.hash,
        vocab_size=setting.tokenizer.vocab_size,
        context=setting.context,
        target=target,
        same=_same(setting),
        held_out_tokens=0 if known is None else known.tokens,
        floor=None if known is None else known.floor,
        bigram=None if known is None else known.bigram,
        generated=GENERATED,
        distances=_distances(setting),
        models=[each.compared() for each in measured],
    )
