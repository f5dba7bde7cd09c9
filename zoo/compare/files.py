"""How a measurement is kept: a dataclass as a JSON file, and read back. Used by the modules that measure. No torch."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter, ValidationError

from zoo.validation import readable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Found = TypeVar("Found")


def write_json(found: DataclassInstance, path: Path) -> None:
    """The measurement as JSON."""
    path.write_text(json.dumps(asdict(found), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(kind: type[Found], text: str | bytes, what: str) -> Found:
    """The measurement of this kind that was written; `what` names it in the error.

    Raises:
        ValueError: it is something else.
    """
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        raise ValueError(f"this is no {what}: {readable(error)}") from error
