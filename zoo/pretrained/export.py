"""How checkpoints of a run become a folder that is shipped. Used by `…ship` and `…ship_checkpoints`."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from zoo.data import Corpus
from zoo.training.run import Run


def check_corpus(run: Run, corpus: Corpus) -> None:
    """Raise ValueError unless the run was trained on this text."""
    if corpus.sha256 != run.info.corpus["sha256"]:
        raise ValueError(f"{run.folder} was trained on another text ({run.info.corpus['name']}) than {corpus.name}")


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A draft to be written; once it is whole it takes the place of `out`, which stays as it is if anything fails.

    Raises:
        ValueError: `out` holds something else than what was shipped before: it would be deleted.
    """
    _check_target(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".ship-") as scratch:
        draft = Path(scratch) / out.name
        yield draft
        if out.exists():
            shutil.rmtree(out)
        os.replace(draft, out)


def export(run: Run, folder: Path, steps: Sequence[int], limit: int) -> None:
    """A run folder with the weights of these steps in float16, and the events at which held-out text was scored.

    Raises:
        ValueError: the weights don't fit into float16, or take more than `limit` bytes together.
    """
    shipped = Run(folder)
    shipped.checkpoints.mkdir(parents=True)
    shutil.copyfile(run.folder / "tokenizer.json", folder / "tokenizer.json")
    _copy_settings(run.folder, folder)
    for step in steps:
        file = shipped.checkpoints / f"{step:07d}.safetensors"
        halves = {name: _half(name, tensor) for name, tensor in run.weights(step).items()}
        save_file(halves, file, metadata={"step": str(step)})
        file.chmod(0o644)  # the library leaves it readable for its writer alone
    size = sum(file.stat().st_size for file in shipped.checkpoints.iterdir())
    if size > limit:
        raise ValueError(f"the weights take {size:,} bytes; at most {limit:,} are shipped")
    last = max(steps)
    for event in run.events():
        if event["step"] == last or ("valid_loss" in event and event["step"] < last):
            shipped.append(event)


def _check_target(out: Path) -> None:
    if not out.exists():
        return
    shipped = out.is_dir() and (out / "run.json").is_file() and not (out / "checkpoints" / "last.safetensors").exists()
    if not shipped and not (out.is_dir() and not any(out.iterdir())):
        raise ValueError(f"{out} is there and holds something else than shipped weights: choose another folder")


def _copy_settings(source: Path, folder: Path) -> None:
    """run.json, without the place on this machine where the text lay."""
    info = json.loads((source / "run.json").read_bytes())
    if Path(info["corpus"].get("open", "")).is_absolute():
        del info["corpus"]["open"]
    (folder / "run.json").write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")


def _half(name: str, tensor: Tensor) -> Tensor:
    """A tensor in float16, refused where it would not fit; whole numbers stay as they are."""
    if not tensor.is_floating_point():
        return tensor.contiguous()
    half = tensor.to(torch.float16).contiguous()
    if not torch.isfinite(half).all():
        raise ValueError(f"{name} holds numbers that float16 cannot hold (beyond 65,504), or that are none")
    return half
