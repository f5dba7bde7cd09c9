"""What a run's checkpoints answer: each is loaded once, asked, and let go; the answers are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

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
    rows = _logits(folder, step, prompt)
    return None if rows is None else _softmax(rows[-1])


@st.cache_data(max_entries=100, show_spinner=False)
def surprises(folder: str, step: int, stamp: int, ids: tuple[int, ...]) -> Floats:
    """−ln p of each token but the first, given all before it: (tokens − 1,) in nats; as many as the model reads."""
    import torch

    from zoo.evaluation import log_softmax
    from zoo.inference import load

    model = load(folder, step=step)
    read = list(ids[: model.context + 1])
    with torch.no_grad():
        logits = model.module(torch.tensor([read[:-1]]))[0].float().numpy()  # (time, vocab)
    return np.asarray(-log_softmax(logits)[np.arange(len(read) - 1), read[1:]], dtype=np.float64)


def _logits(folder: str, step: int, prompt: str) -> NDArray[np.float32] | None:
    from zoo.inference import load

    try:
        model = load(folder, step=step)
        return model.logits(model.ids(prompt))[None]
    except (ValueError, LookupError):
        return None


def _softmax(logits: NDArray[np.float32]) -> Floats:
    shifted = np.exp(logits.astype(np.float64) - float(logits.max()))
    return np.asarray(shifted / shifted.sum(), dtype=np.float64)
