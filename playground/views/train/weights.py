"""What a run's checkpoints answer: each is loaded once, asked, and let go; the answers are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from zoo.sampling import softmax

if TYPE_CHECKING:
    from zoo.training import Run

Floats = NDArray[np.float64]


def stamp(run: Run, step: int) -> int:
    """When a checkpoint was written; 0 where it is gone."""
    path = run.checkpoints / f"{step:07d}.safetensors"
    return path.stat().st_mtime_ns if path.exists() else 0


@st.cache_data(max_entries=400, show_spinner=False)
def next_probs(folder: str, step: int, stamp: int, prompt: str) -> Floats | None:
    """The distribution (vocab,) after `prompt` at a checkpoint; None where the model cannot be asked."""
    from zoo.inference import load

    try:
        model = load(folder, step=step)
        return softmax(model.logits(model.ids(prompt)).astype(np.float64))
    except (ValueError, LookupError):
        return None


@st.cache_data(max_entries=100, show_spinner=False)
def surprisals(folder: str, step: int, stamp: int, ids: tuple[int, ...]) -> Floats:
    """−ln p of each token but the first, given all before it: (tokens − 1,) in nats; as many as the model reads."""
    from zoo.compare import blanks
    from zoo.inference import load

    model = load(folder, step=step)
    return blanks.surprisals(model, ids[: model.context + 1])
