"""The checkpoints of a race's runs, scored on the same held-out characters: each once, for all who look."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from zoo.compare.per_character import Scored
    from zoo.compare.race import Point, Raced
    from zoo.data import Corpus
    from zoo.training import Run

CHARACTERS = 6000
"""Of held-out text that are scored: enough to see a curve, few enough not to hold the page up."""
KEPT = 64
"""Runs whose scores are kept."""


@dataclass
class Sheet:
    """What is known of one run so far."""

    lost: str
    scores: dict[int, Scored] = field(default_factory=dict)
    """By step."""


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _sheet(folder: str, stamp: int) -> Sheet:
    from zoo.compare.per_character import lost
    from zoo.training import Run

    return Sheet(lost(Run(Path(folder)).tokenizer, texts(folder)))


@st.cache_resource(max_entries=4, show_spinner=False)
def corpus(folder: str) -> Corpus:
    """The text that a run learns from: it lies in the run's folder."""
    from zoo.data import open_corpus

    return open_corpus(str(Path(folder) / "corpus.txt"))


@st.cache_data(max_entries=KEPT, show_spinner=False)
def texts(folder: str) -> list[str]:
    """The held-out text that both runs of a race are scored on."""
    from zoo.compare.per_character import held_out

    return held_out(corpus(folder).valid, CHARACTERS)


@st.cache_data(max_entries=KEPT, show_spinner=False)
def floor(folder: str) -> float | None:
    """Bits per character that the text itself leaves open, where it is one of the glass box."""
    from zoo.compare import race

    return race.floor(texts(folder))


def sheet(run: Run) -> Sheet:
    """What is known of a run.

    Raises:
        ValueError, OSError: its text or its tokenizer cannot be read.
    """
    return _sheet(str(run.folder), (run.folder / "tokenizer.json").stat().st_mtime_ns)


def more(run: Run, most: int) -> bool:
    """Score so many checkpoints that are new; whether others are left."""
    from zoo.compare.tokenizers import checkpoint

    known = sheet(run).scores
    new = [step for step in run.steps() if step not in known]
    for step in new[:most]:
        known[step] = checkpoint(run, step, texts(str(run.folder)))
    return len(new) > most


def points(run: Run) -> tuple[Point, ...]:
    """What has been scored, in the order of the training."""
    from zoo.compare.tokenizers import curve

    known = sheet(run)
    return curve(run, known.scores, known.lost)


def raced(run: Run) -> Raced:
    """All that is said of a run that has ended.

    Raises:
        ValueError, LookupError, OSError: it has no checkpoint, or its text or its model cannot be read.
    """
    return _raced(str(run.folder), (run.folder / "events.jsonl").stat().st_mtime_ns)


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _raced(folder: str, stamp: int) -> Raced:
    from zoo.compare.tokenizers import raced
    from zoo.training import Run

    run = Run.open(folder)
    while more(run, most=4):
        pass
    known = sheet(run)
    return raced(run, known.scores, known.lost)
