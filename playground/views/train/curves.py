"""The figures of a run in progress: loss, speed, time left, memory; the chart; and what truly can be said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from playground.figures.loss import loss_chart
from playground.figures.style import CHART
from playground.text import count, escaped, number, percent
from playground.views.train import facts, verdicts

if TYPE_CHECKING:
    from playground.jobs import Job
    from playground.views.train.history import History
    from zoo.training import Run, RunInfo, Yardsticks


def draw(job: Job, run: Run, history: History) -> None:
    """The numbers, the chart and the notice."""
    found, yardsticks = facts.of(run), run.yardsticks
    info, unit = found.info, found.unit
    _numbers(job, info, history, unit)
    st.plotly_chart(
        loss_chart(
            history.steps,
            history.losses,
            history.held_out_steps,
            history.held_out,
            lines(yardsticks, unit),
            unit=unit,
            budget=info.recipe.steps,
        ),
        key="train.loss",
        config=CHART,
        alt=_spoken(history, yardsticks, unit),
    )
    _notice(job, history, yardsticks, unit)
    if yardsticks is not None:
        with st.expander("What the lines are", icon=":material/straighten:", key="train.lines"):
            st.markdown(_explained(yardsticks, unit))


def lines(yardsticks: Yardsticks | None, unit: str) -> dict[str, float]:
    """The yardsticks by the label that stands on their line."""
    if yardsticks is None:
        return {}
    found = {
        "ceiling, a blind guess": yardsticks.ceiling,
        f"{unit} frequencies": yardsticks.unigram,
        f"the {unit} before": yardsticks.bigram,
        "floor, computed:": yardsticks.floor,
    }
    return {label: value for label, value in found.items() if value is not None}


def _numbers(job: Job, info: RunInfo, history: History, unit: str) -> None:
    last = history.last
    assert last is not None
    recipe = info.recipe
    spent = recipe.spent(last["step"], last["elapsed"])
    if job.state in ("starting", "running", "paused"):
        st.progress(spent, text=_left(spent, last["step"], last["elapsed"]))
    newest = history.evaluations[-1] if history.evaluations else None
    with st.container(horizontal=True, gap="medium"):
        st.metric("Step", count(last["step"]), width="content")
        st.metric(f"Held out, nats per {unit}", number(newest["valid_loss"], 3) if newest else "–", width="content")
        if newest and "bits_per_character" in newest:
            st.metric("Bits per character", number(newest["bits_per_character"], 3), width="content")
        st.metric("Loss of this batch", number(last["loss"], 3), width="content")
        st.metric("Tokens a second", count(round(last["tokens_per_second"])), width="content")
        st.metric("Parameters", count(info.parameters), width="content")
        if job.memory:
            st.metric("Memory", f"{count(round(job.memory / 2**20))} MiB", width="content")


def _left(spent: float, step: int, elapsed: float) -> str:
    """How much of the budget is used, and the time that the rest takes at this pace."""
    if spent <= 0 or step == 0:
        return "about to take the first step"
    left = elapsed / spent - elapsed
    return f"{percent(spent)} of the budget used, about {count(round(left))} s of training left"


def _notice(job: Job, history: History, yardsticks: Yardsticks | None, unit: str) -> None:
    said = [verdicts.way(history, yardsticks, unit)]
    if job.state in ("done", "stopped"):
        said.append(verdicts.why_not(history, yardsticks))
    if found := " ".join(each for each in said if each):
        st.markdown(f"**Notice.** {found}")
    if overfit := verdicts.overfitting(history):
        st.warning(overfit, icon=":material/psychology_alt:")


def _explained(yardsticks: Yardsticks, unit: str) -> str:
    rows = {
        "ceiling": ("Ceiling", yardsticks.ceiling),
        "unigram": (f"{unit.capitalize()} frequencies", yardsticks.unigram),
        "bigram": (f"The {unit} before", yardsticks.bigram),
        "floor": ("Floor", yardsticks.floor),
    }
    said = [
        f"- **{title}**, {number(value, 3)} nats per {unit}: {escaped(yardsticks.about.get(name, ''))}"
        for name, (title, value) in rows.items()
        if value is not None
    ]
    if yardsticks.tokens:
        said.append(f"\nAll on the same {count(yardsticks.tokens)} held-out tokens as the curve.")
    return "\n".join(said)


def _spoken(history: History, yardsticks: Yardsticks | None, unit: str) -> str:
    """The chart in words, for those who do not see it."""
    if not history.held_out:
        return "Loss by training step; nothing has been measured yet."
    first, now = history.held_out[0], history.held_out[-1]
    known = "" if yardsticks is None else f" A blind guess would give {yardsticks.ceiling:.2f}."
    return f"Loss by training step. On held-out text it went from {first:.2f} to {now:.2f} nats per {unit}.{known}"
