"""What each change in zoo/gpt-modern is worth, as it was measured: read from the file that a command wrote."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import streamlit as st

import zoo
from playground.text import escaped, number, plural

MODEL = "zoo/gpt-modern"
FILE = Path(zoo.__file__).parent / "models" / "gpt_modern_worth.json"
"""Written by `python -m tests.benchmarks.gpt_modern`; the file holds the whole command."""


def draw(model: str) -> None:
    """The table, where the model is gpt-modern and its measurements are there."""
    if model != MODEL or not FILE.exists():
        return
    found = measured(FILE)
    with st.expander("What each change since 2019 is worth, measured", icon=":material/toggle_on:", key="train.worth"):
        st.caption(escaped(about(found)))
        st.markdown(table(found["results"]))
        st.code(found["command"], language="sh", wrap_lines=True)


@cache
def measured(path: Path) -> dict[str, Any]:
    """The measurements: how they were made, and a result for each change."""
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def about(found: dict[str, Any]) -> str:
    """How the figures came about, in one paragraph."""
    threads, seeds = plural(found["threads"], "CPU thread"), plural(len(found["seeds"]), "seed")
    return (
        f"Each change was turned back alone, and the model trained for {number(found['seconds'], 0)} seconds on "
        f"{found['corpus']['name']}, with {threads} and {seeds}. Loss on {found['corpus']['held_out']}, in "
        f"{found['unit']}; worse by: the mean over the seeds, then the least and the greatest. All variants took "
        "turns, so that the machine was as busy for each. Recorded once, with this command:"
    )


def table(results: list[dict[str, Any]]) -> str:
    """A row for each change in Markdown, the most valuable first; the model as it is stands on top."""
    base, *changes = results
    changes.sort(key=lambda each: -(each["worse_by"] if each["worse_by"] is not None else float("inf")))
    lines = ["| change | turned back to | loss | worse by | training steps |", "|---|---|---:|---:|---:|"]
    return "\n".join([*lines, *(_row(each) for each in [base, *changes])])


def _row(result: dict[str, Any]) -> str:
    losses = [loss for loss in result["losses"] if loss is not None]
    lost = len(result["losses"]) - len(losses)
    loss = number(mean(losses), 3) if losses else ""
    loss += f"{', ' if loss else ''}{lost} diverged" if lost else ""
    return (
        f"| {escaped(result['title'])} | {escaped(result['back'])} | {loss} | {_worse(result)} | "
        f"{mean(result['steps']):,.0f} |"
    )


def _worse(result: dict[str, Any]) -> str:
    if result["name"] == "all" or result["worse_by"] is None:
        return ""
    return f"{number(result['worse_by'], 3)} ({number(result['least'], 3)} … {number(result['greatest'], 3)})"
