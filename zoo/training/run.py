"""A run is a folder: what was trained, on what, how it went, and its checkpoints. No pickle anywhere.

run.json            plugin id, config, recipe, corpus, tokenizer hash, versions
tokenizer.json
events.jsonl        one event a line, as it happens
checkpoints/        0000000.safetensors … (weights), last.safetensors (weights and optimiser state)
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from zoo.tokenizers import Tokenizer
from zoo.training.recipe import Recipe
from zoo.validation import readable


class Event(TypedDict):
    """One line of events.jsonl. Losses in nats per token; held-out figures only where they were measured."""

    step: int
    elapsed: float
    loss: float
    rate: float
    tokens: int
    tokens_per_second: float
    valid_loss: NotRequired[float]
    bits_per_character: NotRequired[float]


class RunInfo(BaseModel):
    """What run.json says."""

    model_config = ConfigDict(extra="forbid")

    model: str
    config: dict[str, Any]
    recipe: Recipe
    corpus: dict[str, str]
    tokenizer: str
    parameters: int
    versions: dict[str, str]


@dataclass(frozen=True)
class Run:
    """A run folder on disk."""

    folder: Path

    @classmethod
    def create(
        cls,
        folder: str | Path,
        *,
        model: str,
        config: BaseModel,
        tokenizer: Tokenizer,
        corpus: dict[str, str],
        recipe: Recipe,
        parameters: int,
    ) -> Run:
        """Start a run folder.

        Raises:
            ValueError: there is a run in the folder already.
        """
        run = cls(Path(folder))
        if (run.folder / "run.json").exists():
            raise ValueError(f"{folder} holds a run already; resume it or choose another folder")
        run.checkpoints.mkdir(parents=True, exist_ok=True)
        tokenizer.save(run.folder / "tokenizer.json")
        info = RunInfo(
            model=model,
            config=config.model_dump(mode="json"),
            recipe=recipe,
            corpus=corpus,
            tokenizer=tokenizer.hash,
            parameters=parameters,
            versions={"python": platform.python_version(), **{p: version(p) for p in ("torch", "tokenizers")}},
        )
        _replace(run.folder / "run.json", (info.model_dump_json(indent=2) + "\n").encode())
        return run

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """An existing run folder.

        Raises:
            ValueError: there is no readable run.json in it.
        """
        run = cls(Path(folder))
        _ = run.info
        return run

    @property
    def checkpoints(self) -> Path:
        """Where the weights lie."""
        return self.folder / "checkpoints"

    @property
    def info(self) -> RunInfo:
        """run.json, validated."""
        path = self.folder / "run.json"
        try:
            return RunInfo.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise ValueError(f"{path} cannot be used: {readable(error)}") from error
        except OSError as error:
            raise ValueError(f"{self.folder} is not a run folder: it has no readable run.json") from error

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that the run was trained with."""
        return Tokenizer.load(self.folder / "tokenizer.json")

    def events(self) -> list[Event]:
        """Everything that happened so far; a last line cut short by a crash is left out."""
        path = self.folder / "events.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def forget_after(self, step: int) -> None:
        """Drop the events and weights of later steps: a resumed run does those steps again."""
        events = [event for event in self.events() if event["step"] <= step]
        _replace(self.folder / "events.jsonl", "".join(json.dumps(event) + "\n" for event in events).encode())
        for later in (each for each in self.steps() if each > step):
            (self.checkpoints / f"{later:07d}.safetensors").unlink()

    def append(self, event: Event) -> None:
        """Add one event."""
        with (self.folder / "events.jsonl").open("a") as file:
            file.write(json.dumps(event) + "\n")

    def save_weights(self, step: int, module: nn.Module) -> None:
        """Keep the weights of a step for the timeline."""
        _save(self.checkpoints / f"{step:07d}.safetensors", weights_of(module), {"step": str(step)})

    def save_last(self, step: int, elapsed: float, module: nn.Module, optimizer: dict[str, Tensor]) -> None:
        """Keep all that is needed to go on from here, in place of the one before."""
        tensors = {f"model.{name}": tensor for name, tensor in weights_of(module).items()}
        tensors |= {f"optimizer.{name}": tensor.detach().clone().contiguous() for name, tensor in optimizer.items()}
        _save(self.checkpoints / "last.safetensors", tensors, {"step": str(step), "elapsed": repr(elapsed)})

    def load_last(self) -> tuple[int, float, dict[str, Tensor], dict[str, Tensor]] | None:
        """Step, elapsed seconds, weights and optimiser state to go on from; None before the first save."""
        path = self.checkpoints / "last.safetensors"
        if not path.exists():
            return None
        tensors, meta = _read(path)
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "optimizer": {}}
        for name, tensor in tensors.items():
            part, rest = name.split(".", 1)
            parts[part][rest] = tensor
        return int(meta["step"]), float(meta["elapsed"]), parts["model"], parts["optimizer"]

    def steps(self) -> list[int]:
        """The steps whose weights are kept, in order."""
        return sorted(int(path.stem) for path in self.checkpoints.glob("*.safetensors") if path.stem.isdigit())

    def weights(self, step: int | None = None) -> dict[str, Tensor]:
        """The weights of a kept step, by default the last of them.

        Raises:
            ValueError: that step was not kept, or none was yet, or the file is damaged.
        """
        kept = self.steps()
        step = kept[-1] if step is None and kept else step
        if step not in kept:
            raise ValueError(f"{self.folder} has no checkpoint of step {step}; it has {kept or 'none yet'}")
        return _read(self.checkpoints / f"{step:07d}.safetensors")[0]


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a safetensors file."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone().contiguous() for name, tensor in module.state_dict().items()}


def _save(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write beside, then swap: a crash leaves the old file or the new one, never half of one."""
    draft = path.with_suffix(".tmp")
    save_file(tensors, draft, metadata=metadata)
    os.replace(draft, path)


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_bytes(content)
    os.replace(draft, path)


def parameter_count(module: nn.Module) -> int:
    """How many numbers the module learns; a tied table counts once."""
    return sum(p.numel() for p in module.parameters())


def seeded_build(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """`build()` with torch's global generator at `seed`, which is put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()
