"""Writing a run's files so that a crash or a full disk leaves the old file or the new one. Used by `run`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor


class Unwritable(OSError):
    """A run's file could not be written; the message is one sentence with the way out."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Whatever keeps `path` from being written becomes an `Unwritable`."""
    try:
        yield
    except Unwritable:
        raise
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise Unwritable(f"cannot write {path}: {reason}; make room, or choose another folder") from error


def replace(path: Path, content: bytes) -> None:
    """Write beside, then swap."""
    with _draft(path) as draft:
        draft.write_bytes(content)


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """The same for tensors."""
    with _draft(path) as draft:
        save_file(tensors, draft, metadata=metadata)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a safetensors file.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place where all went well, and is removed where not."""
    draft = path.with_suffix(".tmp")
    with writing(path):
        try:
            yield draft
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
