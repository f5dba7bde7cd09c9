"""A run is a folder: what was trained, on what, how it went, and its checkpoints. No pickle anywhere.

run.json            plugin id, config, recipe, corpus, tokenizer hash, versions, prompt, where it started from
tokenizer.json
events.jsonl        one event a line, as it happens
yardsticks.json     what the losses are held against
checkpoints/        0000000.safetensors … (weights), last.safetensors (weights and optimiser state)
"""

from __future__ import annotations

import json
import platform
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

import torch
from pydantic import BaseModel, ValidationError
from torch import Tensor, nn

from zoo.tokenizers import Tokenizer
from zoo.training.files import read_tensors, replace, save_tensors, writing
from zoo.training.recipe import Recipe
from zoo.training.records import Candidate as Candidate
from zoo.training.records import Event as Event
from zoo.training.records import RunInfo as RunInfo
from zoo.training.records import Yardsticks as Yardsticks
from zoo.validation import readable


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
        prompt: str = "",
        title: str = "",
        start: dict[str, str | int | None] | None = None,
        weights: nn.Module | None = None,
    ) -> Run:
        """Start a run folder; `weights` are kept as step 0, for a run that goes on from trained ones (`start`).

        Raises:
            ValueError: there is a run in the folder already.
            Unwritable: it cannot be written; nothing is left behind.
        """
        run = cls(Path(folder))
        if (run.folder / "run.json").exists():
            raise ValueError(f"{folder} holds a run already; resume it or choose another folder")
        info = RunInfo(
            model=model,
            config=config.model_dump(mode="json"),
            recipe=recipe,
            corpus=corpus,
            tokenizer=tokenizer.hash,
            parameters=parameters,
            versions={"python": platform.python_version(), **{p: version(p) for p in ("torch", "tokenizers")}},
            prompt=prompt,
            start=start,
            title=title,
        )
        run._write(info, tokenizer, weights)
        return run

    def _write(self, info: RunInfo, tokenizer: Tokenizer, weights: nn.Module | None) -> None:
        """run.json comes last: a folder without it is no run."""
        there = self.folder.exists()
        try:
            with writing(self.folder):
                self.checkpoints.mkdir(parents=True, exist_ok=True)
                replace(self.folder / "tokenizer.json", tokenizer.raw.to_str(pretty=True).encode())
                if weights is not None:
                    self.save_weights(0, weights)
                replace(self.folder / "run.json", (info.model_dump_json(indent=2) + "\n").encode())
        except BaseException:
            (self.folder / "tokenizer.json").unlink(missing_ok=True) if there else None
            shutil.rmtree(self.checkpoints if there else self.folder, ignore_errors=True)
            raise

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

    @property
    def yardsticks(self) -> Yardsticks | None:
        """What the losses are held against; None until it was measured, soon after the first event."""
        try:
            return Yardsticks.model_validate_json((self.folder / "yardsticks.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def save_yardsticks(self, yardsticks: Yardsticks) -> None:
        """Keep what the losses are held against."""
        replace(self.folder / "yardsticks.json", (yardsticks.model_dump_json(indent=2) + "\n").encode())

    def events(self) -> list[Event]:
        """Everything that happened so far; a last line cut short by a crash is left out."""
        return self.events_from(0)[0]

    def events_from(self, offset: int) -> tuple[list[Event], int]:
        """The events written since `offset` bytes of the log, and the offset to ask from next time; begin at 0.

        A run that was resumed may have taken back its last steps: a reader that keeps events drops those
        whose step is not below the first one that it is given now.
        """
        path = self.folder / "events.jsonl"
        if not path.exists():
            return [], 0
        with path.open("rb") as file:
            if offset:
                file.seek(offset - 1)
                if file.read(1) != b"\n":  # the log became shorter: from the beginning
                    offset = 0
                    file.seek(0)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        return [json.loads(line) for line in whole.splitlines()], offset + len(whole)

    def forget_after(self, step: int) -> None:
        """Drop the events and weights of later steps: a resumed run does those steps again.

        The weights that a fine-tuned run began from stay.
        """
        path = self.folder / "events.jsonl"
        events, _ = self.events_from(0)
        kept = "".join(json.dumps(event) + "\n" for event in events if event["step"] <= step).encode()
        if not path.exists() or path.read_bytes() != kept:
            replace(path, kept)
        first = -1 if self.info.start is None else 0
        for later in (each for each in self.steps() if each > max(step, first)):
            (self.checkpoints / f"{later:07d}.safetensors").unlink()

    def log(self) -> TextIO:
        """events.jsonl, open to add lines; each is on disk once it is written."""
        path = self.folder / "events.jsonl"
        with writing(path):
            return path.open("a", buffering=1)

    def append(self, event: Event, log: TextIO | None = None) -> None:
        """Add one event; with a `log` that is open already, at a third of the cost."""
        with writing(self.folder / "events.jsonl"):
            if log is not None:
                log.write(json.dumps(event) + "\n")
                return
            with self.log() as file:
                file.write(json.dumps(event) + "\n")

    def save_weights(self, step: int, module: nn.Module) -> None:
        """Keep the weights of a step for the timeline."""
        save_tensors(self.checkpoints / f"{step:07d}.safetensors", weights_of(module), {"step": str(step)})

    def save_last(self, step: int, elapsed: float, module: nn.Module, optimizer: dict[str, Tensor]) -> None:
        """Keep all that is needed to go on from here, in place of the one before."""
        tensors = {f"model.{name}": tensor for name, tensor in weights_of(module).items()}
        tensors |= {f"optimizer.{name}": tensor.detach().clone().contiguous() for name, tensor in optimizer.items()}
        save_tensors(self.checkpoints / "last.safetensors", tensors, {"step": str(step), "elapsed": repr(elapsed)})

    def load_last(self) -> tuple[int, float, dict[str, Tensor], dict[str, Tensor]] | None:
        """Step, elapsed seconds, weights and optimiser state to go on from; None before the first save."""
        path = self.checkpoints / "last.safetensors"
        if not path.exists():
            return None
        tensors, meta = read_tensors(path)
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
            wanted = "has no checkpoint" if step is None else f"has no checkpoint of step {step}"
            raise ValueError(f"{self.folder} {wanted}; it has {kept or 'none yet'}")
        return read_tensors(self.checkpoints / f"{step:07d}.safetensors")[0]


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """A copy of the module's state, each tensor on its own."""
    return {name: tensor.detach().clone().contiguous() for name, tensor in module.state_dict().items()}


def parameter_count(module: nn.Module) -> int:
    """How many numbers the module learns; a tied table counts once."""
    return sum(p.numel() for p in module.parameters())


_seeding = threading.Lock()


def seeded_build(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """`build()` with torch's global generator at `seed`, which is put back afterwards.

    One thread at a time: the generator is the whole process's, and another's seed in the midst of a build would
    give weights that no seed gives.
    """
    with _seeding, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()
