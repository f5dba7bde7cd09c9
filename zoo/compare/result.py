"""What `python -m zoo compare` found, as it lies in a JSON file, and as a table to read.

Importing this costs no torch. Used by `zoo.compare.table`, which measures, and by the page Sequential and parallel.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from zoo.validation import readable

RECORDED = Path(__file__).with_name("glass_box.json")
LITTLE = Path(__file__).with_name("glass_box_little.json")
FEW = Path(__file__).with_name("glass_box_few.json")
"""The comparisons that come with the repository: after much text, after little, and after few stories read again and
again; in each the command that made it."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Distances(_Part):
    """What was asked, the same of every model: words by how far back the word stands that settles them."""

    stories: int
    first: list[int]
    last: list[int]
    """(buckets,) the first and the last distance of each, in words."""
    words: list[int]
    """(buckets,) how many were asked."""
    guess: list[float | None]
    """(buckets,) the accuracy of the best guess without the word that settles them."""
    grammar_words: int


class Trial(_Part):
    """One model, trained from one seed."""

    seed: int
    steps: int
    seconds: float
    """Of training alone, by the clock on the wall."""
    tokens: int
    """That it was trained on."""
    tokens_per_second: float
    nats: float
    """Mean −log p of a held-out token."""
    bits_per_character: float | None
    ms_per_token: float
    """To write a token as the app does: the whole text so far is read again for each."""
    ms_per_token_carried: float | None
    """The same where only the state is carried on; None where the model has none."""
    accuracy: list[float | None] | None
    """(buckets,) the share of the words that it held for the likeliest; None where no distances are known."""
    probability: list[float | None] | None
    """(buckets,) what it gave them on average."""
    grammar: float | None
    """Accuracy on words that the sentence itself settles."""


class Compared(_Part):
    """One model with all its seeds."""

    id: str
    title: str
    family: str
    config: dict[str, object]
    recipe: dict[str, object]
    parameters: int
    trials: list[Trial]

    def mean(self, value: Callable[[Trial], float | None]) -> float | None:
        """Over the seeds; None where it is not known."""
        found = [each for each in map(value, self.trials) if each is not None]
        return statistics.fmean(found) if found else None

    def spread(self, value: Callable[[Trial], float | None]) -> tuple[float, float] | None:
        """The smallest and the largest of the seeds; None where it is not known."""
        found = [each for each in map(value, self.trials) if each is not None]
        return (min(found), max(found)) if found else None

    def accuracies(self, bucket: int) -> list[float]:
        """Of one distance, one a seed; empty where nothing was asked."""
        found = [each.accuracy[bucket] for each in self.trials if each.accuracy is not None]
        return [each for each in found if each is not None]


class Comparison(_Part):
    """A whole comparison, with all that it takes to repeat it."""

    command: str
    date: str
    versions: dict[str, str]
    cpus: int
    threads: int
    corpus: str
    sha256: str
    tokenizer: str
    """Its hash; all models have the same."""
    vocab_size: int
    context: int
    target: int
    """Parameters that each was to come near to."""
    same: str
    """What all models had alike: "60 seconds of training each", say."""
    held_out_tokens: int
    floor: float | None
    """The least loss that is possible on the held-out tokens, where it is known."""
    bigram: float | None
    """What counting each pair of tokens in the training text reaches there."""
    generated: str
    """What the milliseconds for a token were measured on."""
    distances: Distances | None
    models: list[Compared]

    @classmethod
    def read(cls, path: Path) -> Comparison:
        """A file that was written by `python -m zoo compare --out`.

        Raises:
            ValueError: it cannot be read, or is something else.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise ValueError(f"{path.name} is no comparison: {readable(error)}") from error
        except OSError as error:
            raise ValueError(f"cannot read {path}: {error.strerror}") from error


def written(found: Comparison) -> str:
    """The comparison as text: figures, then accuracy by distance, each as mean and spread over the seeds."""
    seeds = len(found.models[0].trials)
    lines = [
        f"{found.corpus}: {found.same}, {seeds} {'seed' if seeds == 1 else 'seeds'}, about {found.target:,} parameters",
        *_figures(found),
    ]
    if found.distances is not None:
        lines += ["", *_distances(found, found.distances)]
    return "\n".join(lines)


def _figures(found: Comparison) -> list[str]:
    head = [
        "model",
        "parameters",
        "nats/token",
        "bits/char",
        "tokens trained",
        "tokens/s",
        "ms/token",
        "ms, state kept",
    ]
    rows = [
        [
            each.id,
            f"{each.parameters:,}",
            _cell(each, lambda trial: trial.nats, 3),
            _cell(each, lambda trial: trial.bits_per_character, 3),
            f"{each.mean(lambda trial: trial.tokens):,.0f}",
            _cell(each, lambda trial: trial.tokens_per_second, 0),
            _cell(each, lambda trial: trial.ms_per_token, 2),
            _cell(each, lambda trial: trial.ms_per_token_carried, 2),
        ]
        for each in found.models
    ]
    known = [("floor", found.floor), ("each pair counted", found.bigram)]
    rows += [[name, "", f"{value:.3f}", "", "", "", "", ""] for name, value in known if value is not None]
    under = f"held out: {found.held_out_tokens:,} tokens · ms/token: {found.generated} · a range: its seeds · "
    under += "speeds: of this machine and its load"
    return [*_aligned([head, *rows]), under]


def _distances(found: Comparison, asked: Distances) -> list[str]:
    spans = [str(a) if a == b else f"{a}-{b}" for a, b in zip(asked.first, asked.last, strict=True)]
    places = range(len(spans))
    rows = [["right word, words back:", *spans, "grammar"]]
    for each in found.models:
        shares = [_share(each.accuracies(place)) for place in places]
        grammar = [trial.grammar for trial in each.trials if trial.grammar is not None]
        rows.append([each.id, *shares, _share(grammar)])
    rows.append(["best guess without it", *[_share([] if g is None else [g]) for g in asked.guess], ""])
    rows.append(["words asked", *map(str, asked.words), str(asked.grammar_words)])
    return _aligned(rows)


def _cell(model: Compared, value: Callable[[Trial], float | None], places: int) -> str:
    mean, spread = model.mean(value), model.spread(value)
    if mean is None or spread is None:
        return "–"
    low, high = (f"{each:,.{places}f}" for each in spread)
    return f"{mean:,.{places}f}" + (f" ({low}-{high})" if low != high else "")


def _share(values: Sequence[float]) -> str:
    if not values:
        return "–"
    low, high = (f"{100 * each:.0f}" for each in (min(values), max(values)))
    return f"{100 * statistics.fmean(values):.0f} %" + (f" ({low}-{high})" if low != high else "")


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]).rstrip()
        for row in rows
    ]
