"""nanoGPT (Karpathy 2022) as a contender: its own model and settings, from an untouched checkout.

The settings are read from its `train.py` and `config/train_shakespeare_char.py`, then overridden as its README
says for a CPU. The loop is that of its `train.py`, step by step: batches from a memory-mapped file, the cosine
schedule, clipping, the loss read out after each step. What it prints is left out. It runs in a process of
its own, so that nothing that our trainer sets for its process (how memory is kept, say) helps or hinders it.
Used by `nanogpt`.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import math
import multiprocessing
import time
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

README = {
    "device": "cpu",
    "compile": False,
    "eval_iters": 20,
    "block_size": 64,
    "batch_size": 12,
    "n_layer": 4,
    "n_head": 4,
    "n_embd": 128,
    "max_iters": 2000,
    "lr_decay_iters": 2000,
    "dropout": 0.0,
}
"""From its README, "i only have a macbook": the configuration for a CPU."""


class Peer:
    """nanoGPT on the characters of a text, stepped from outside.

    Raises:
        SystemExit: the folder is not a checkout of nanoGPT.
    """

    name = "nanoGPT"

    def __init__(self, checkout: Path, train: str, valid: str, folder: Path, seed: int = 1337) -> None:
        self.settings = settings(checkout)
        self.folder, self.step, self.seconds = folder, 0, 0.0
        alphabet = sorted(set(train + valid))
        number = {character: n for n, character in enumerate(alphabet)}
        for part, text in (("train", train), ("val", valid)):
            np.array([number[each] for each in text], dtype=np.uint16).tofile(folder / f"{part}.bin")
        torch.manual_seed(seed)
        with contextlib.redirect_stdout(io.StringIO()):
            self.model, self.optimizer = _built(_module(checkout), self.settings, len(alphabet))
        self._batch = self._next_batch()

    @property
    def tokens(self) -> int:
        """Of one step."""
        return int(self.settings["batch_size"] * self.settings["block_size"])

    def advance(self, steps: int) -> None:
        """Take some steps; `seconds` counts them whole, as its own log does."""
        self.model.train()
        started = time.perf_counter()
        for _ in range(steps):
            self._step()
        self.seconds += time.perf_counter() - started

    def advance_to(self, seconds: float) -> None:
        """Train until that much time has been spent, all in all."""
        while self.seconds < seconds:
            self.advance(1)

    def held_out(self) -> float:
        """Nats per character over the whole held-out text, in windows that do not overlap."""
        data = torch.from_numpy(np.fromfile(self.folder / "val.bin", dtype=np.uint16).astype(np.int64))
        time_ = self.settings["block_size"]
        windows = (len(data) - 1) // time_
        inputs, targets = (data[i : i + windows * time_].view(windows, time_) for i in (0, 1))
        self.model.eval()
        with torch.no_grad():
            parts = [
                float(self.model(x, y)[1]) * len(x) for x, y in zip(inputs.split(64), targets.split(64), strict=True)
            ]
        return sum(parts) / windows

    def _step(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        _, loss = self.model(*self._batch)
        self._batch = self._next_batch()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings["grad_clip"])
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if not math.isfinite(loss.item()):
            raise SystemExit("nanoGPT diverged")
        self.step += 1

    def _rate(self) -> float:
        s, top, low = self.settings, self.settings["learning_rate"], self.settings["min_lr"]
        if self.step < s["warmup_iters"]:
            return float(top * (self.step + 1) / (s["warmup_iters"] + 1))
        share = min(1.0, (self.step - s["warmup_iters"]) / (s["lr_decay_iters"] - s["warmup_iters"]))
        return float(low + 0.5 * (1 + math.cos(math.pi * share)) * (top - low))

    def _next_batch(self) -> tuple[Tensor, Tensor]:
        size = self.settings["block_size"]
        data = np.memmap(self.folder / "train.bin", dtype=np.uint16, mode="r")
        starts = torch.randint(len(data) - size, (self.settings["batch_size"],)).tolist()
        x, y = (
            torch.stack([torch.from_numpy(data[i + shift : i + shift + size].astype(np.int64)) for i in starts])
            for shift in (0, 1)
        )
        return x, y


class Apart:
    """A `Peer` in a process of its own, with the same face; it waits while nothing is asked of it."""

    name = Peer.name

    def __init__(self, checkout: Path, train: str, valid: str, folder: Path) -> None:
        self.settings = settings(checkout)
        self.step, self.seconds, self.tokens = 0, 0.0, int(self.settings["batch_size"] * self.settings["block_size"])
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        arguments = (other, torch.get_num_threads(), checkout, train, valid, folder)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        other.close()
        self._ask("held_out")  # built and warm

    def advance(self, steps: int) -> None:
        """As `Peer.advance`."""
        self._ask("advance", steps)

    def advance_to(self, seconds: float) -> None:
        """As `Peer.advance_to`."""
        self._ask("advance_to", seconds)

    def held_out(self) -> float:
        """As `Peer.held_out`."""
        return float(self._ask("held_out"))

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()

    def _ask(self, method: str, *arguments: float) -> Any:
        self._pipe.send((method, arguments))
        try:
            answer, self.step, self.seconds = self._pipe.recv()
        except EOFError as error:
            raise SystemExit("nanoGPT's process has ended") from error
        return answer


def _serve(pipe: Connection, threads: int, *arguments: Any) -> None:
    """The life of the peer's process: do what is asked, until nobody can ask any more."""
    torch.set_num_threads(threads)
    peer = Peer(*arguments)
    with contextlib.suppress(EOFError):
        while True:
            method, given = pipe.recv()
            pipe.send((getattr(peer, method)(*given), peer.step, peer.seconds))


def settings(checkout: Path) -> dict[str, Any]:
    """The documented CPU configuration: train.py's defaults, the Shakespeare config's, the README's."""
    found: dict[str, Any] = {}
    for name in ("train.py", "config/train_shakespeare_char.py"):
        try:
            source = (checkout / name).read_text()
        except OSError as error:
            raise SystemExit(f"{checkout} is not a checkout of nanoGPT: {name} cannot be read") from error
        found |= constants(source)
    return found | README


def constants(source: str) -> dict[str, Any]:
    """The plain values that a script assigns before it reads its command line: "a = 1" -> {"a": 1}."""
    found: dict[str, Any] = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        if node.targets[0].id == "config_keys":
            break
        with contextlib.suppress(ValueError):  # a value that is computed: the config says it anew, or it is for a GPU
            found[node.targets[0].id] = ast.literal_eval(node.value)
    return found


def _module(checkout: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("nanogpt_model", checkout / "model.py")
    if spec is None or spec.loader is None or not (checkout / "model.py").is_file():
        raise SystemExit(f"{checkout} is not a checkout of nanoGPT: it has no model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _built(module: ModuleType, s: dict[str, Any], vocab_size: int) -> tuple[Any, Any]:
    shape = {name: s[name] for name in ("n_layer", "n_head", "n_embd", "block_size", "bias", "dropout")}
    model = module.GPT(module.GPTConfig(**shape, vocab_size=vocab_size))
    betas = (s["beta1"], s["beta2"])
    return model, model.configure_optimizers(s["weight_decay"], s["learning_rate"], betas, s["device"])
