"""The files of a run as they lie on disk: run.json, the newest event, a card's score, the head of a file of weights.

Any of them may be damaged, or in the middle of being written: then it is taken for empty, and no page fails. No torch,
no Streamlit. Used by the catalogue, the jobs and the views; who needs a run that is whole opens it with
`zoo.training.Run`.
"""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from zoo.data.glass_box import GlassBox
    from zoo.training import Event

Text = TypeVar("Text")

_HEADER = 4 * 2**20
"""Bytes of a safetensors header that are read at most."""
_BLOCK = 2**16
"""Bytes at the end of events.jsonl that are read first."""


def run_info(folder: Path) -> dict[str, Any]:
    """run.json; empty where it cannot be read, or does not describe a run."""
    info = read_object(folder / "run.json")
    parts = [info.get(name, {}) for name in ("config", "corpus", "recipe")]
    told = isinstance(info.get("model"), str) and all(isinstance(part, dict) for part in parts)
    return info if told and all(isinstance(value, str) for value in parts[1].values()) else {}


def language_of_model(key: str) -> GlassBox | None:
    """The language that a model was trained on, where it is known; `key` is what `zoo.load` takes."""
    from zoo.data import language_of
    from zoo.pretrained.shipped import run_folder

    folder = run_folder(key)
    return text_of(run_info(folder), language_of) if folder else None


def text_of(info: Mapping[str, Any], known: Callable[[Mapping[str, str]], Text | None]) -> Text | None:
    """What `known` says of the corpus in a run.json; None, too, where that names no corpus that there is."""
    try:
        return known(info.get("corpus", {}))
    except ValueError:
        return None


def read_object(path: Path) -> dict[str, Any]:
    """A file with one JSON object; empty where it cannot be read."""
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_bytes())
        return found if isinstance(found, dict) else {}
    return {}


def last_event(folder: Path, having: str = "step", until: float = float("inf")) -> Event | None:
    """The newest event of a run that has this field, among those up to a step; None where there is none.

    The log is read from its end, and no further than needed.
    """
    with suppress(OSError):
        for line in _from_the_end(folder / "events.jsonl"):
            event = _event(line) if f'"{having}"'.encode() in line else None
            if event is not None and having in event and event["step"] <= until:
                return event
    return None


def _event(line: bytes) -> Event | None:
    with suppress(ValueError, RecursionError):
        event: Event = json.loads(line)
        if isinstance(event, dict) and isinstance(event.get("step"), int):
            return event
    return None


def _from_the_end(path: Path) -> Iterator[bytes]:
    """A file's lines, the last one first; a line that has no end yet is left out."""
    with path.open("rb") as file:
        at, size, rest, ended = file.seek(0, os.SEEK_END), _BLOCK, b"", False
        while at > 0:
            start = max(0, at - size)
            file.seek(start)
            rest, *lines = (file.read(at - start) + rest).split(b"\n")
            yield from reversed(lines if ended else lines[:-1])
            at, size, ended = start, 2 * size, ended or bool(lines)
        if ended:
            yield rest


def card_score(folder: Path) -> tuple[float, int, int] | None:
    """Bits per character in a model's card, with the held-out tokens and characters that they are of.

    `zoo.pretrained.card` writes them: the model's own row stands last in its table.
    """
    try:
        card = " ".join((folder / "CARD.md").read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError):
        return None
    text = re.search(r"scored on the same ([\d,]+) held-out tokens \(([\d,]+) characters\)", card)
    rows = re.findall(r"\| [\d.]+ \| ([\d.]+) \| [\d.,]+ \| [\d,]+ \|", card)
    if text is None or not rows:
        return None
    tokens, characters = (int(each.replace(",", "")) for each in text.groups())
    return float(rows[-1]), tokens, characters


def read_header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file; empty where it cannot be read.

    The file begins with the header's length (8 bytes, little endian), then the header as JSON.
    """
    with suppress(OSError, ValueError, RecursionError, struct.error), path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length)) if length <= _HEADER else {}
        return header if isinstance(header, dict) else {}
    return {}
