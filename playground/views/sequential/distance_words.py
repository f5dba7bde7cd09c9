"""What can be said of accuracy by distance: sentences that follow from the figures, whatever they are. No Streamlit."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.figures.distance import Memory, Reach
from playground.text import count, escaped, number, percent
from zoo.compare.result import Compared, Comparison, Trial

SURE = 2.0
"""Standard errors that a difference must be larger than to be called sure."""
FADED = 0.01
"""A gradient of less than this share of the last token's counts as faded."""


@dataclass(frozen=True)
class Ground:
    """What the lines stand on."""

    labels: Sequence[str]
    words: Sequence[int]
    guess: Sequence[float | None]

    def above(self, line: Memory, place: int) -> bool:
        """Whether the line's mean is surely above the guess here: more than its seeds and the words asked explain."""
        mean, guess = line.mean(place), self.guess[place]
        if mean is None or guess is None:
            return False
        return mean - guess > SURE * math.hypot(_error(guess, self.words[place]), seeds_error(line.accuracies[place]))

    def ahead(self, line: Memory, other: Memory, place: int) -> bool:
        """Whether the one line is surely above the other here."""
        a, b = line.mean(place), other.mean(place)
        if a is None or b is None:
            return False
        of_words = math.hypot(_error(a, self.words[place]), _error(b, self.words[place]))
        of_seeds = math.hypot(seeds_error(line.accuracies[place]), seeds_error(other.accuracies[place]))
        return a - b > SURE * math.hypot(of_words, of_seeds)

    def asked(self) -> list[int]:
        """The distances at which anything was asked, near to far."""
        return [place for place, words in enumerate(self.words) if words]


def ground(found: Comparison) -> Ground:
    """Of a recorded comparison."""
    asked = found.distances
    assert asked is not None
    return Ground(spans(asked.first, asked.last), asked.words, asked.guess)


def sure(found: Comparison) -> str:
    """What this page calls sure."""
    told = "“Surely”: by more than two standard errors, "
    if len(found.models[0].trials) > 1:
        return told + "those of the words asked and of the seeds together."
    return told + "those of the words asked alone: how far another seed would lie is not known."


def read(found: Comparison) -> str:
    """How much each model was trained on: "2 million words", "1 million words from 1,200 stories"."""
    tokens = found.models[0].mean(lambda trial: trial.tokens) or 0
    size, unit = next((each for each in ((1e6, " million"), (1e3, " thousand")) if tokens >= each[0]), (1.0, ""))
    stories = re.search(r"stories=(\d+)", found.corpus)
    source = "" if stories is None else f" from {count(int(stories[1]))} stories"
    return f"{tokens / size:.3g}{unit} {'tokens' if found.distances is None else 'words'}{source}"


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
    same = [each for each in others if not on.ahead(best, each, place)]
    but = f", but not surely more often than {_names(same, place)}" if same else ""
    return (
        f"At {where} **{escaped(best.name)}** is right most often, in **{percent(share)}**"
        f"{_seeds(best.accuracies[place])}{but}; the best guess without the word is right in {percent(guess)}."
    )


def _falls(on: Ground, lines: Sequence[Memory], asked: Sequence[int]) -> list[str]:
    """For each model the distance from which on it is not surely better than the guess."""
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
        said.append(f"{_names(which)} {verb} not surely better than that guess {where}.")
    return said


def _elsewhere(on: Ground, lines: Sequence[Memory], asked: Sequence[int]) -> str:
    """The distances at which another model than a transformer is surely ahead of every transformer."""
    transformers = [line for line in lines if line.kind == "transformer"]
    rivals = [line for line in lines if line.kind != "transformer"]
    if not transformers or not rivals:
        return ""
    said = []
    for place in asked:
        first = [each for each in rivals if all(on.ahead(each, ours, place) for ours in transformers)]
        first = [each for each in first if on.above(each, place)]
        if first:
            theirs = max(first, key=lambda line: line.mean(place) or 0.0)
            a, b = max(each.mean(place) or 0.0 for each in transformers), theirs.mean(place) or 0.0
            said.append(f"{on.labels[place]} back by {escaped(theirs.name)} ({percent(b)} against {percent(a)})")
    if not said:
        return "At no distance is the transformer surely beaten."
    return f"The transformer is surely beaten on words {', '.join(said)}."


def other_figures(found: Comparison) -> str:
    """Who has the lowest loss, who learned from most tokens in the time, and who writes a token fastest."""
    return " ".join([_losses(found), *_most_text(found.models), _writing(found.models)])


def ranged(model: Compared, value: Callable[[Trial], float | None], places: int = 2, unit: str = "") -> str:
    """The mean over the seeds, and from the lowest to the highest where that differs: "0.84 ms (0.78 to 0.94)"."""
    mean, spread = model.mean(value), model.spread(value)
    if mean is None or spread is None:
        return "–"
    low, high = (_written(each, places) for each in spread)
    return _written(mean, places) + unit + (f" ({low} to {high})" if low != high else "")


def _written(value: float, places: int) -> str:
    return number(value, places) if places else count(round(value))


def _losses(found: Comparison) -> str:
    """The lowest loss, the next, and a transformer's where neither of them is one."""
    lowest, *others = sorted(found.models, key=lambda each: each.mean(_nats) or 0.0)
    floor = "" if found.floor is None else f" (the floor is {number(found.floor, 3)})"
    said = (
        f"The lowest loss on held-out text: {escaped(lowest.title)}, {ranged(lowest, _nats, 3)} nats per token{floor}"
    )
    if not others:
        return said + "."
    sure = "" if _lower(lowest, others[0]) else ", no sure difference"
    said += f"; next {escaped(others[0].title)}, {ranged(others[0], _nats, 3)}{sure}"
    transformers = [each for each in others[1:] if each.family == "gpt"]
    if transformers and "gpt" not in (lowest.family, others[0].family):
        said += f"; {escaped(transformers[0].title)}, {ranged(transformers[0], _nats, 3)}"
    return said + "."


def _lower(a: Compared, b: Compared) -> bool:
    """Whether the loss of a is surely lower, on the same text: by the seeds, of which there must be more than one."""
    ours, theirs = ([trial.nats for trial in each.trials] for each in (a, b))
    error = math.hypot(seeds_error(ours), seeds_error(theirs))
    return min(len(ours), len(theirs)) > 1 and statistics.fmean(theirs) - statistics.fmean(ours) > SURE * error


def _most_text(models: Sequence[Compared]) -> list[str]:
    """Of a budget in seconds."""
    if len({round(each.mean(_tokens) or 0) for each in models}) == 1:
        return []
    most = max(models, key=lambda each: each.mean(_tokens) or 0.0)
    return [f"{escaped(most.title)} got through the most text in its time, {ranged(most, _tokens, 0)} tokens."]


def _writing(models: Sequence[Compared]) -> str:
    """The cheapest token, and what is set against what."""
    quickest = min(models, key=_cheapest)
    name, whole = escaped(quickest.title), ranged(quickest, _ms, unit=" ms")
    rivals = [each for each in models if each.family == "gpt" and each is not quickest]
    rival = min(rivals, key=_cheapest, default=None)
    other = ""
    if rival is not None:
        other = f"; {escaped(rival.title)}, which keeps no keys and values here, {ranged(rival, _ms, unit=' ms')}"
    if quickest.mean(_carried) is None:
        said = f"{name}, {whole}, the whole text read again for it{other}"
    else:
        said = (
            f"{name}, {ranged(quickest, _carried, 3, ' ms')} with its state kept. Where the whole text is read again "
        )
        said += f"for each token, {name} needs {whole}{other}"
    return f"The cheapest token to write: {said}. Times are of that machine and of its load on that day."


def _cheapest(model: Compared) -> float:
    """Milliseconds for a token, with the state carried on where the model has one."""
    return model.mean(_carried) or model.mean(_ms) or math.inf


def _nats(trial: Trial) -> float:
    return trial.nats


def _tokens(trial: Trial) -> float:
    return trial.tokens


def _ms(trial: Trial) -> float:
    return trial.ms_per_token


def _carried(trial: Trial) -> float | None:
    return trial.ms_per_token_carried


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


def _error(share: float, words: int) -> float:
    """The standard error of a share that was counted on so many words; never quite 0."""
    return math.sqrt(max(share * (1 - share), 1 / (4 * words)) / words)


def seeds_error(values: Sequence[float]) -> float:
    """The standard error of a mean over seeds; 0 of a single one, whose spread is not known."""
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def _seeds(values: Sequence[float]) -> str:
    if len(values) < 2:
        return ""
    return f" over {len(values)} seeds ({percent(min(values))} to {percent(max(values))})"


def _names(lines: Sequence[Memory], place: int | None = None) -> str:
    """Their names, at a place with their shares."""
    names = [escaped(each.name) + ("" if place is None else f" ({percent(each.mean(place) or 0)})") for each in lines]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
