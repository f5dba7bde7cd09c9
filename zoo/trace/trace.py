"""A finished trace: NumPy arrays under schema names. Saved as safetensors; read back without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from zoo.plugin import Anatomy

Array = NDArray[Any]
FORMAT = "transformer-playground-trace-1"


@dataclass(frozen=True)
class Trace:
    """Every recorded step of one text through one model; the batch dimension is gone."""

    model: str
    ids: list[int]
    tokens: list[str]
    steps: Mapping[str, list[Array]]
    """Schema or native name -> one array a call, in the order of the computation."""
    anatomy: Anatomy | None = None
    """Weights (as arrays) and constants, for recomputing; None where the model gives none."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Steps that the budget had no room for, with their bytes."""
    edited: frozenset[str] = frozenset()
    """Steps that an intervention replaced: their identities need not hold."""
    source: int = 0
    """How many ids, from the first on, are the text that a translator's encoder reads; the rest is its answer."""

    def __getitem__(self, name: str) -> Array:
        """The first call's array of a step."""
        return self.steps[name][0]

    def __contains__(self, name: object) -> bool:
        return name in self.steps

    @property
    def params(self) -> Mapping[str, Array]:
        """Weights under schema names; empty where the model gives none."""
        return self.anatomy.params if self.anatomy else {}

    @property
    def blocks(self) -> int:
        """How many transformer blocks were recorded."""
        numbers = {int(name.split(".")[1]) for name in self.steps if name.startswith("blocks.")}
        return max(numbers, default=-1) + 1

    def save(self, path: str | Path) -> None:
        """Write every step, without the weights: "name" for a first call, "name#1" for a second."""
        tensors = {
            name if call == 0 else f"{name}#{call}": np.ascontiguousarray(array)
            for name, calls in self.steps.items()
            for call, array in enumerate(calls)
        }
        meta: dict[str, Any] = {
            "format": FORMAT,
            "model": self.model,
            "ids": self.ids,
            "tokens": self.tokens,
            "order": list(tensors),
            "dropped": dict(self.dropped),
            "edited": sorted(self.edited),
            "source": self.source,
            "anatomy": asdict(replace(self.anatomy, params={})) if self.anatomy else None,
        }
        save_file(tensors, path, metadata={"trace": json.dumps(meta)})

    @classmethod
    def load(cls, path: str | Path, params: Mapping[str, Array] | None = None) -> Trace:
        """Read a saved trace; `params` are the model's weights, where cells are to be opened.

        Raises:
            ValueError: the file is missing, or not a saved trace.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                meta = json.loads((file.metadata() or {}).get("trace", "{}"))
                if meta.get("format") != FORMAT:
                    raise ValueError(f"{path} is not a saved trace")
                steps: dict[str, list[Array]] = {}
                for key in meta["order"]:
                    steps.setdefault(key.split("#")[0], []).append(file.get_tensor(key))
        except (OSError, SafetensorError) as error:
            raise ValueError(f"{path} is not a saved trace: {error}") from error
        anatomy = Anatomy(**{**meta["anatomy"], "params": params or {}}) if meta["anatomy"] else None
        return cls(
            model=meta["model"],
            ids=meta["ids"],
            tokens=meta["tokens"],
            steps=steps,
            anatomy=anatomy,
            dropped=meta["dropped"],
            edited=frozenset(meta["edited"]),
            source=int(meta.get("source", 0)),
        )
