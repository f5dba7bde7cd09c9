"""What can be said of accuracy by distance: sentences that follow from the figures, whatever they are. No Streamlit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.figures.distance import Memory, Reach
from playground.text import escaped, number, percent
from zoo.compare.result import Compared, Comparison

SURE = 2.0
"""Standard errors that a difference must be larger than to be called one."""
FADED = 0.01
"""A gradient of less than this share of the last token's counts as faded."""


@dataclass(frozen=True)
class Ground:
    """What the lines stand on."""

    labels: Sequence[str]
    words: Sequence[int]
    guess: Sequence[float | None]

    def above(self, line: Memory, place: int) -> bool:
        """Whether the line is surely above the guess here: its mean over the seeds, by the words that were asked."""
        mean, guess = line.mean(place), self.guess[place]
        if mean is None or guess is None:
            return False
        return mean - guess > SURE * _error(guess, self.words[place])

    def asked(self) -> list[int]:
        """The distances at which anything was asked, near to far."""
        return [place for place, words in enumerate(self.words) if words]


def ground(found: Comparison) -> Ground:
    """Of a recorded comparison."""
    asked = found.distances
    assert asked is not None
    return Ground(spans(asked.first, asked.last), asked.words, asked.guess)


def spans(first: Sequence[int], last: Sequence[int]) -> list[str]:
    """2, 3–4, 5–8 …"""
    return [str(a) if a == b else f"{a}–{b}" for a, b in zip(first, last, strict=True)]


def notice(on: Ground, lines: Sequence[Memory]) -> str:
    """Who is right most often far away, who falls to the guess and where, and who is best nearby."""
    asked = on.asked()
    if not lines or not asked:
        return "Nothing was asked, so nothing can be said."
    return " ".join([_farthest(on, lines, asked[-1]), *_falls(on, lines, asked), _elsewhere(on, lines, asked)]).strip()


def _farthest(on: Ground, lines: Sequence[Memory], place: int) -> str:
    best, *others = sorted(lines, key=lambda line: -(line.mean(place) or 0.0))
    guess, share = on.guess[place] or 0.0, best.mean(place) or 0.0
    where = f"{on.labels[place]} words back"
    if not on.above(best, place):
        return f"At {where} no model is surely better than the best guess without the word ({percent(guess)})."
    same = [each for each in others if _alike(share, each.mean(place) or 0.0, on.words[place])]
    beside = f" (about as often: {_names(same)})" if same else ""
    return (
        f"At {where} **{escaped(best.name)}** is right most often, in **{percent(share)}**{beside}; the best guess "
        f"without the word is right in {percent(guess)}."
    )


def _falls(on: Ground, lines: Sequence[Memory], asked: Sequence[int]) -> list[str]:
    """For each model the distance from which on it is no better than the guess."""
    fallen: dict[int, list[Memory]] = {}
    for line in lines:
        known = [place for place in asked if on.above(line, place)]
        beyond = [place for place in asked if not known or place > known[-1]]
        if beyond:
            fallen.setdefault(beyond[0], []).append(line)
    said = []
    for place, which in sorted(fallen.items()):
        verb = "is" if len(which) == 1 else "are"
        where = "at any distance" if place == asked[0] else f"from {on.labels[place]} words on"
        said.append(f"{_names(which)} {verb} no better than that guess {where}.")
    return said


def _elsewhere(on: Ground, lines: Sequence[Memory], asked: Sequence[int]) -> str:
    """The distances at which another model than a transformer is surely ahead of every transformer."""
    transformers = [line for line in lines if line.kind == "transformer"]
    rivals = [line for line in lines if line.kind != "transformer"]
    if not transformers or not rivals:
        return ""
    said = []
    for place in asked:
        ours = max(transformers, key=lambda line: line.mean(place) or 0.0)
        theirs = max(rivals, key=lambda line: line.mean(place) or 0.0)
        a, b = ours.mean(place) or 0.0, theirs.mean(place) or 0.0
        if b > a and on.above(theirs, place) and not _alike(a, b, on.words[place]):
            said.append(f"{on.labels[place]} back by {escaped(theirs.name)} ({percent(b)} against {percent(a)})")
    if not said:
        return "At no distance is the transformer surely beaten."
    return f"The transformer is beaten on words {', '.join(said)}."


def other_figures(found: Comparison) -> str:
    """Who has the lowest loss, who learned from most tokens in the time, and who writes a token fastest."""
    lowest, loss = _least(found.models, lambda each: each.mean(lambda trial: trial.nats))
    quickest, cost = _least(found.models, cheapest)
    most, tokens = _least(found.models, lambda each: -(each.mean(lambda trial: trial.tokens) or 0.0))
    floor = "" if found.floor is None else f" (the floor is {number(found.floor, 3)})"
    said = f"The lowest loss on held-out text: {lowest}, {number(loss, 3)} nats per token{floor}. "
    if len({round(each.mean(lambda trial: trial.tokens) or 0) for each in found.models}) > 1:
        said += f"{most} got through the most text in its time, {-tokens:,.0f} tokens. "
    rival = _transformer(found.models)
    slower = "" if rival is None or rival[0] == quickest else f"; {rival[0]} needs {number(rival[1])} ms"
    return said + f"The cheapest token to write: {quickest}, {number(cost)} ms{slower}."


def cheapest(model: Compared) -> float | None:
    """Milliseconds for a token, with the state carried on where the model has one."""
    carried = model.mean(lambda trial: trial.ms_per_token_carried)
    return model.mean(lambda trial: trial.ms_per_token) if carried is None else carried


def reaches(lines: Sequence[Reach]) -> str:
    """How far each gradient reaches before it has faded, and where it is exactly 0."""
    said = []
    for line in lines:
        values, name = line.values, escaped(line.name)
        if (zero := _zero_from(values)) is not None:
            said.append(f"**{name}**: exactly 0 from {zero} tokens back on")
        elif (gone := next((k for k, value in enumerate(values) if max(values[k:]) < FADED), None)) is not None:
            said.append(f"**{name}**: below {percent(FADED)} from {gone} tokens back on")
        else:
            said.append(f"**{name}**: {percent(values[-1])} still there {len(values) - 1} tokens back")
    return "; ".join(said) + "."


def _zero_from(values: Sequence[float]) -> int | None:
    """From where on all is exactly 0."""
    alive = [k for k, value in enumerate(values) if value != 0]
    first = alive[-1] + 1 if alive else 0
    return first if first < len(values) else None


def _transformer(models: Sequence[Compared]) -> tuple[str, float] | None:
    found = [(escaped(each.title), cheapest(each)) for each in models if each.family == "gpt"]
    known = [(name, cost) for name, cost in found if cost is not None]
    return min(known, key=lambda each: each[1]) if known else None


def _least(models: Sequence[Compared], value: Callable[[Compared], float | None]) -> tuple[str, float]:
    known = [(found, escaped(each.title)) for each in models if (found := value(each)) is not None]
    least, name = min(known)
    return name, least


def _error(share: float, words: int) -> float:
    """The standard error of a share that was counted on so many words; never quite 0."""
    return math.sqrt(max(share * (1 - share), 1 / (4 * words)) / words)


def _alike(a: float, b: float, words: int) -> bool:
    return abs(a - b) <= SURE * math.hypot(_error(a, words), _error(b, words))


def _names(lines: Sequence[Memory]) -> str:
    names = [escaped(line.name) for line in lines]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
