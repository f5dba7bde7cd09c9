"""What the app and the command line talk to: a model with its tokenizer, ready to predict and to be traced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor, nn

from zoo.plugin import Anatomy, ModelPlugin, context_of
from zoo.registry import Registry, discover
from zoo.sampling import Sampling, draw, softmax, stages
from zoo.shuffling import shuffle_weights
from zoo.tasks import Task, task_of
from zoo.tokenizers import Encoding, Tokenizer
from zoo.trace.record import BUDGET, Edit, Recording, logits_of, record_trace
from zoo.trace.schema import entry
from zoo.trace.trace import Array, Trace
from zoo.validation import readable

MARKS = {"masked-token": "[MASK]", "cbow": "[MASK]", "translate": " → "}
"""Task -> how its mark is written: the blank to be filled, or the end of the source."""
_BLANKS = ("masked-token", "cbow")


@dataclass(frozen=True)
class Prediction:
    """One candidate for the next token, out of the full vocabulary at temperature 1."""

    token: str
    id: int
    logit: float
    prob: float


@dataclass(frozen=True)
class LoadedModel:
    """A module with all that is needed to use it. Shared between threads; never changed after loading."""

    id: str
    title: str
    family: str
    summary: str
    module: nn.Module
    tokenizer: Tokenizer
    context: int
    names: Mapping[str, str] | None = None
    anatomy: Anatomy | None = None
    trained: bool = True
    about: str = ""
    """Where the weights come from, in a few words: "untrained, seed 0"."""
    bos: int | None = None
    """The id that every text starts with, where the model was trained so."""
    task: str = "next-token"
    """What it was made for: a `zoo.plugin.Task`."""

    def encode(self, text: str) -> Encoding:
        """The text's tokens.

        Raises:
            ValueError: there is no token, or there are more than the model can read.
        """
        encoding = self.tokenizer.encode(text)
        if not encoding.ids:
            raise ValueError("the text is empty: type at least one word")
        room = self.context - (self.bos is not None) - (self.mark is not None)
        if len(encoding.ids) > room:
            raise ValueError(f"the text has {len(encoding.ids)} tokens; {self.title} reads at most {room}: shorten it")
        return encoding

    @property
    def mark(self) -> int | None:
        """The one id that is no token: the blank to be filled, or the end of a source; None where there is none."""
        return self.tokenizer.vocab_size if self.task in MARKS else None

    @property
    def fills_blanks(self) -> bool:
        """Whether it says what stands in the place of its mark, and not what comes next."""
        return self.task in _BLANKS

    def piece(self, token_id: int) -> str:
        """What an id stands for: what the token writes, or the name of the mark."""
        return MARKS[self.task] if token_id == self.mark else self.tokenizer.piece(token_id)

    def ids(self, text: str, added: Sequence[int] = ()) -> list[int]:
        """What the model is fed to answer in the last row: the text's ids, and those of the answers so far.

        Behind the start token where it needs one; with the mark where its task has one.
        """
        begin = [] if self.bos is None else [self.bos]
        return begin + self._task.fed(self.encode(text).ids, list(added), self.tokenizer.vocab_size)

    def extended(self, ids: Sequence[int], token_id: int) -> list[int]:
        """`ids` with one more answer: at the end, or in place of the blank that it fills, with a new one behind it."""
        if self.fills_blanks:
            return [*ids[:-1], token_id, self.tokenizer.vocab_size]
        return [*ids, token_id]

    @cached_property
    def _task(self) -> Task:
        return task_of(self.task)

    @torch.no_grad()
    def logits(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Scores of every token as the next one after `ids`: (vocab,) float32."""
        output = logits_of(self.module(torch.tensor([list(ids)])))
        return np.asarray(output[0, -1].float().numpy(), dtype=np.float32)

    def predict(self, text: str, top: int = 5) -> list[Prediction]:
        """The `top` most probable next tokens."""
        return self.ranked(self.logits(self.ids(text)), top)

    def ranked(self, logits: NDArray[np.float32], top: int) -> list[Prediction]:
        """The `top` tokens with the highest logits (vocab,), with their probabilities over the full vocabulary."""
        probs = softmax(logits.astype(np.float64))
        order = np.argsort(-logits, kind="stable")[:top]
        return [Prediction(self.tokenizer.piece(int(i)), int(i), float(logits[i]), float(probs[i])) for i in order]

    def trace(self, text: str, edits: Mapping[str, Edit] | None = None, budget: int = BUDGET) -> Trace:
        """Every step of one forward pass over `text`."""
        return self.trace_ids(self.ids(text), edits, budget)

    def trace_ids(self, ids: Sequence[int], edits: Mapping[str, Edit] | None = None, budget: int = BUDGET) -> Trace:
        """Every step of one forward pass over ids that were encoded before."""
        recording = record_trace(self.module, torch.tensor([list(ids)]), names=self.names, edits=edits, budget=budget)
        return to_trace(recording, self.id, ids, [self.piece(i) for i in ids], self._numpy_anatomy)

    def generate(self, start: Sequence[int], tokens: int, sampling: Sampling, seed: int = 0) -> Iterator[int]:
        """Ids that go on from `start` (what `ids` gives), each drawn from the model's own distribution.

        Stops where the context ends, and after a token that ends or begins a text.
        """
        ids, ends = list(start), {self.tokenizer.end_of_text, self.bos}
        for _ in range(tokens):
            if len(ids) >= self.context:
                return
            drawn = draw(stages(self.logits(ids), sampling).final, seed, len(ids))
            ids = self.extended(ids, drawn)
            yield drawn
            if drawn in ends:
                return

    @cached_property
    def _numpy_anatomy(self) -> Anatomy | None:
        if self.anatomy is None:
            return None
        params = {name: value.detach().float().numpy() for name, value in self.anatomy.params.items()}
        return replace(self.anatomy, params=params)


def to_trace(recording: Recording, model: str, ids: Sequence[int], tokens: list[str], anatomy: Anatomy | None) -> Trace:
    """A recording without its batch dimension, as arrays, with `logits` and `probs` at the end.

    A translator's logits begin with its mark; the ids before it are the source.
    """
    steps = {name: [_unbatched(name, value) for value in calls] for name, calls in recording.steps.items()}
    logits = recording.output[0].float()  # (time, vocab)
    steps["logits"] = [logits.numpy()]
    steps["probs"] = [logits.softmax(-1).numpy()]
    return Trace(
        model=model,
        ids=list(ids),
        tokens=tokens,
        steps=steps,
        anatomy=anatomy,
        dropped={name: size for name, size in recording.dropped.items() if name not in steps},
        edited=frozenset(recording.edited),
        source=max(0, len(ids) - len(steps["logits"][0])),
    )


def _unbatched(name: str, value: Tensor) -> Array:
    known = entry(name)
    array: Array = value.float().numpy()
    surplus = array.ndim > len(known.dims) if known else array.ndim > 1
    return array[0] if surplus and array.shape[0] == 1 else array


def load(
    source: str,
    *,
    untrained: bool = False,
    shuffled: bool = False,
    seed: int = 0,
    step: int | None = None,
    registry: Registry | None = None,
) -> LoadedModel:
    """A model by plugin id (with its shipped weights), run folder, or Hugging Face folder.

    `untrained` gives the same architecture and tokenizer with random weights made from `seed`;
    `shuffled` the trained weights, put within each tensor into an order made from `seed`;
    `step` picks a checkpoint of a run.

    Raises:
        LookupError: no such model, or one without trained weights.
        ValueError: the folder can't be used, or both twins were asked for at once.
    """
    from zoo.pretrained.huggingface import is_huggingface_folder
    from zoo.pretrained.shipped import shipped_folder

    if untrained and shuffled:
        raise ValueError("a model is untrained or shuffled, not both: weights that mean nothing have nothing to lose")
    registry = registry or discover()
    folder = Path(source)
    if is_huggingface_folder(folder):
        return _from_huggingface(source, untrained, shuffled, seed)
    if (folder / "run.json").is_file():
        return _from_run(source, folder, registry, untrained, shuffled, seed, step)
    if folder.is_dir():
        raise ValueError(f"{source} is neither a run folder (run.json) nor a Hugging Face folder (config.json)")
    plugin = registry.get(source)
    shipped = shipped_folder(source)
    if shipped is None:
        if not untrained:
            raise LookupError(f"{source} has no trained weights yet: train it, or ask for it untrained")
        return _fresh(plugin, seed)
    return _from_run(source, shipped, registry, untrained, shuffled, seed, step)


def _from_huggingface(source: str, untrained: bool, shuffled: bool, seed: int) -> LoadedModel:
    from zoo.pretrained.huggingface import load_huggingface

    found = load_huggingface(
        source, untrained_seed=seed if untrained else None, shuffled_seed=seed if shuffled else None
    )
    return LoadedModel(
        id=source,
        title=found.title,
        family=found.family,
        summary=found.summary,
        module=found.module.eval(),
        tokenizer=found.tokenizer,
        context=found.context,
        names=found.names,
        anatomy=found.anatomy,
        trained=not (untrained or shuffled),
        about=_about(untrained, shuffled, seed, None),
        bos=found.bos,
    )


def _from_run(
    source: str, folder: Path, registry: Registry, untrained: bool, shuffled: bool, seed: int, step: int | None
) -> LoadedModel:
    from zoo.training.run import Run, seeded_build

    run = Run.open(folder)
    plugin, tokenizer = registry.get(run.info.model), run.tokenizer
    try:
        config = plugin.Config.model_validate(run.info.config)
    except ValidationError as error:
        raise ValueError(f"{folder} does not fit {run.info.model} as it is now: {readable(error)}") from error
    module = seeded_build(lambda: plugin.build(config, tokenizer.vocab_size), seed)
    if not untrained:
        weights = {name: v.float() if v.is_floating_point() else v for name, v in run.weights(step).items()}
        try:
            module.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(f"{folder}: its weights do not fit {run.info.model} as it is now; train anew") from error
    if shuffled:
        shuffle_weights(module, seed)
    about = _about(untrained, shuffled, seed, step)
    trained = not (untrained or shuffled) and step != 0
    return _loaded(source, plugin, module, tokenizer, config, about, trained=trained)


def _about(untrained: bool, shuffled: bool, seed: int, step: int | None) -> str:
    """Where the weights come from, in a few words."""
    if untrained:
        return f"untrained, seed {seed}"
    trained = "trained" if step is None else f"after {step:,} training steps"
    return f"{trained}, its weights shuffled, seed {seed}" if shuffled else trained


def _fresh(plugin: ModelPlugin, seed: int) -> LoadedModel:
    """A plugin that nobody has trained: its default config, and the tokenizer of the shipped model."""
    from zoo.pretrained.shipped import shipped_tokenizer
    from zoo.training.run import seeded_build

    tokenizer, config = shipped_tokenizer(), plugin.Config()
    module = seeded_build(lambda: plugin.build(config, tokenizer.vocab_size), seed)
    return _loaded(plugin.spec.id, plugin, module, tokenizer, config, f"untrained, seed {seed}", trained=False)


def _loaded(
    source: str, plugin: ModelPlugin, module: nn.Module, tokenizer: Tokenizer, config: object, about: str, trained: bool
) -> LoadedModel:
    spec = plugin.spec
    return LoadedModel(
        id=source,
        title=spec.title,
        family=spec.family,
        summary=spec.summary,
        module=module.eval(),
        tokenizer=tokenizer,
        context=context_of(config),
        names=plugin.names(),
        anatomy=plugin.anatomy(module),
        trained=trained,
        about=about,
        task=spec.task,
    )
