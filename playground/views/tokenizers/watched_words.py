"""What the part "Training, watched" says of a step: sentences made from what was counted. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.text import count, number, plural, quoted

if TYPE_CHECKING:
    from zoo.tokenizers import Tokenizer
    from zoo.tokenizers.learn import Learned, Step

LONGEST = 40
"""Characters of a token that are shown."""


def short(piece: str) -> str:
    """A token as it is shown: the start of a very long one, with its length."""
    return piece if len(piece) <= LONGEST else f"{piece[:LONGEST]}… ({count(len(piece))} characters)"


def said(learned: Learned, names: Tokenizer, done: int) -> str:
    """What happened in step `done`; for 0, what will happen first."""
    if done == 0:
        first = learned.steps[0]
        return (
            "**Before the first step** each word is cut into its smallest symbols. Which two stand side by side most "
            f"often? {_pair(first, names)}, {_times(first.count)}: they will be merged first.{_tie(first)} "
            "Press **Merge**."
        )
    step = learned.steps[done - 1]
    return (
        f"**Step {done}.** {_pair(step, names)} stand side by side **{_times(step.count)}**, {_against(step)}; "
        f"together they become token **{step.token}**, {quoted(short(names.piece(step.token)))}."
        f"{_tie(step)}{_overlap(step)}"
    )


def _pair(step: Step, names: Tokenizer) -> str:
    left, right = (quoted(short(names.piece(each))) for each in (step.left, step.right))
    return f"{left} and {right}"


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{count(n)} times")


def _against(step: Step) -> str:
    return "and no other pair more often" if step.tied else "more often than any other pair"


def _tie(step: Step) -> str:
    if step.tied == 0:
        return ""
    others = "One other pair is" if step.tied == 1 else f"{count(step.tied)} other pairs are"
    return (
        f" {others} just as frequent: of equals the one with the lowest id on the left is taken, and then on the "
        f"right (here {step.left} and {step.right})."
    )


def _overlap(step: Step) -> str:
    joined = step.before - step.after
    if joined == step.count:
        return ""
    return f" Where they overlap only one of them can be merged, so {plural(joined, 'pair')} became one token."


def shorter(learned: Learned, done: int, characters: int) -> str:
    """How many tokens the text has: at first, before this step, now."""
    first = learned.steps[0].before
    if done == 0:
        return f"The text: {plural(characters, 'character')}, **{plural(first, 'token')}**."
    step = learned.steps[done - 1]
    between = f", {count(step.before)} before this step" if done > 1 else ""
    return (
        f"The text: {plural(first, 'token')} at first{between}, **{count(step.after)} now** "
        f"({number(characters / step.after)} characters per token)."
    )


def notice(learned: Learned, most: int) -> str:
    """What the whole run shows: where counts fall to one, and how it ends."""
    steps = learned.steps
    once = next((i for i, step in enumerate(steps, start=1) if step.count == 1), None)
    first, last = steps[0].count, steps[-1].count
    text = f"**Notice.** The pair that is merged first stands side by side {_times(first)}"
    if len(steps) > 1:
        text += f", the one that is merged in step {count(len(steps))} {'only ' if last < first else ''}{_times(last)}"
    text += "."
    if once is not None:
        text += (
            f" From step {once} on no pair occurs twice: such merges learn this text by heart and are of little use in "
            "another. That is why tokenizers are trained on much text."
        )
    if len(steps) < most:
        text += " After the last step each word is one token, and nothing is left to merge."
    return text


def compared(ours: Sequence[tuple[str, str]], library: Sequence[tuple[str, str]]) -> tuple[bool, str]:
    """Whether the library's trainer chose the same merges in the same order, and the sentence that says so."""
    if list(ours) == list(library):
        same = "the same merge" if len(ours) == 1 else f"the same {plural(len(ours), 'merge')}, in the same order"
        return True, f"The library's trainer chose {same}."
    at = next((i for i, (a, b) in enumerate(zip(ours, library, strict=False)) if a != b), min(len(ours), len(library)))
    ways = [f"{_written(merges, at)} ({who})" for merges, who in ((ours, "here"), (library, "the library's trainer"))]
    return (
        False,
        f"The library's trainer chose otherwise. The first difference is merge {at + 1}: {' and '.join(ways)}.",
    )


def _written(merges: Sequence[tuple[str, str]], at: int) -> str:
    return " + ".join(quoted(short(each)) for each in merges[at]) if at < len(merges) else "none"


def beginning(learned: Learned) -> str:
    """What the vocabulary held before the first step."""
    if learned.level == "byte":
        return f"256 bytes and {plural(learned.start - 256, 'special token')}"
    special = sum(len(name) > 1 for name in learned.vocabulary[: learned.start])
    return f"{plural(learned.start - special, 'character')} and {plural(special, 'special token')}"
