"""One model, several tokenizers, the same budget: what is ordered, and what was found. No torch.

Made by `zoo.compare.tokenizers`; read by the page Tokenizers, which starts such runs itself.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from zoo.compare.files import read_json, write_json
from zoo.data import GLASS_BOX, open_corpus
from zoo.launch import Order
from zoo.tokenizers import KINDS

RECORDED = Path(__file__).with_name("tokenizers.json")
"""A measurement that comes with the repository; the command that made it stands in it."""
MODEL = "zoo/gpt"
WIDTH, BLOCKS, HEADS, CONTEXT = 128, 2, 4, 128
BATCH, CHECKPOINTS = 8, 8
VOCABULARY = 1024
"""Entries at most, where none are asked for."""
CHARACTERS = 20_000
"""Of held-out text that are scored."""
STORIES = 2000
"""Of the glass box, where it is the corpus."""
SAMPLE = 160
"""Characters that each model writes in the end."""
NEAR = 0.01
"""Two figures less than this share apart count as equal."""


@dataclass(frozen=True)
class Entrant:
    """A tokenizer that is to be trained."""

    kind: str
    size: int = VOCABULARY
    """Entries at most; `byte` always has 257."""

    @property
    def name(self) -> str:
        """As the command line takes it: "bpe:512"; "byte"."""
        return self.kind if self.kind == "byte" else f"{self.kind}:{self.size}"

    @classmethod
    def of(cls, name: str) -> Entrant:
        """ "bpe:512" -> Entrant("bpe", 512).

        Raises:
            ValueError: it is no such name.
        """
        kind, _, size = name.strip().partition(":")
        if kind not in KINDS or (size and not size.isdecimal()):
            raise ValueError(f"{name!r} is no tokenizer: write {', '.join(KINDS)}, or with a size, bpe:512")
        return cls(kind, int(size)) if size else cls(kind)


@dataclass(frozen=True)
class Point:
    """A checkpoint, on the held-out text."""

    step: int
    seconds: float
    """Of training, by the clock on the wall."""
    nats: float
    """Mean −ln p of a token."""
    bits: float | None
    """Per character; None where the tokenizer loses some of the text, for then they are not comparable."""

    @property
    def perplexity(self) -> float:
        """Per token."""
        return math.exp(self.nats)


@dataclass(frozen=True)
class Trial:
    """One tokenizer with one seed."""

    seed: int
    tokens: int
    """That it was trained on, some of them more than once."""
    curve: tuple[Point, ...]
    sample: str

    @property
    def last(self) -> Point:
        """What the training led to."""
        return self.curve[-1]


@dataclass(frozen=True)
class Raced:
    """One tokenizer with all its seeds."""

    kind: str
    vocab_size: int
    parameters: int
    embedding: int
    """Those of them that are a row for each token, going in and coming out."""
    lost: str
    """What of the held-out text does not come back; "" where all does."""
    tokens: int
    """Of the held-out text that is scored."""
    characters: int
    """Of the same text: the same for all."""
    seen: float
    """Tokens that a prediction was made from, on average."""
    trials: tuple[Trial, ...]

    @property
    def name(self) -> str:
        """As the command line takes it."""
        return Entrant(self.kind, self.vocab_size).name

    @property
    def characters_per_token(self) -> float:
        """In the held-out text."""
        return self.characters / self.tokens

    @property
    def bits(self) -> list[float]:
        """Per character, one a seed; empty where they are not comparable."""
        return [trial.last.bits for trial in self.trials if trial.last.bits is not None]

    @property
    def perplexities(self) -> list[float]:
        """Per token, one a seed."""
        return [trial.last.perplexity for trial in self.trials]

    @property
    def tokens_per_second(self) -> float:
        """Of training, the mean over the seeds."""
        return statistics.fmean(trial.tokens / trial.last.seconds for trial in self.trials)

    @property
    def characters_per_second(self) -> float:
        """Of training, reckoned with the held-out text's characters per token."""
        return self.tokens_per_second * self.characters_per_token


@dataclass(frozen=True)
class Measured:
    """A whole comparison, with all that it takes to repeat it."""

    raced: tuple[Raced, ...]
    command: str
    corpus: str
    sha256: str
    """Of the text."""
    budget: str
    """"20 seconds"."""
    context: int
    """Tokens."""
    width: int
    blocks: int
    floor: float | None
    """Bits per character that the language itself leaves open; None where nobody knows it."""
    when: str
    torch: str
    processors: int
    processor: str
    busy: float
    """The share of its time that the comparison had to wait for a processor."""

    def write(self, path: Path) -> None:
        """As JSON."""
        write_json(self, path)

    @classmethod
    def read(cls, text: str | bytes) -> Measured:
        """From JSON.

        Raises:
            ValueError: it is something else.
        """
        return read_json(cls, text, "comparison of tokenizers")


def recorded() -> Measured | None:
    """The comparison that comes with the repository; None where there is none."""
    return Measured.read(RECORDED.read_bytes()) if RECORDED.is_file() else None


def order(
    entrant: Entrant, budget: dict[str, Any], corpus: str, *, seed: int = 0, context: int = CONTEXT, title: str = ""
) -> Order:
    """What to train: for all entrants the same but for the tokenizer. `budget` is {"seconds": …} or {"steps": …}."""
    recipe = {"seed": seed, "batch": BATCH, "checkpoints": CHECKPOINTS, "evaluations": 4, "held_out_windows": 16}
    return Order(
        model=MODEL,
        config={"width": WIDTH, "blocks": BLOCKS, "heads": HEADS, "context": context},
        recipe=recipe | budget,
        corpus=corpus,
        tokenizer=entrant.kind,
        vocab_size=entrant.size,
        title=title,
    )


def embedding_parameters(vocab_size: int, width: int = WIDTH) -> int:
    """A row for each token where it is read, and one where it is predicted."""
    return 2 * vocab_size * width


def context_for(characters: int) -> int:
    """The context for so many characters of text: its last tenth has to fill a window in words, too."""
    return next((context for context in (128, 64, 32) if characters / 10 >= 8 * context), 16)


def glass_box_text(stories: int = STORIES) -> str:
    """Stories of the glass box, one a line, as one text.

    So windows are cut anywhere, as in any text. In the glass box itself each begins where a story begins: tokens of
    one byte would then never reach a story's end, and never learn it.
    """
    corpus = open_corpus(f"{GLASS_BOX}:stories={stories}")
    return "\n".join([*islice(corpus.train, stories), ""])


def floor(texts: Sequence[str]) -> float | None:
    """Bits per character of whoever knows the glass box's distribution exactly; None where a line is none of its.

    The end of a story is its line break.
    """
    from zoo.data.glass_box import DEFAULT

    try:
        lines = [line for text in texts for line in text.removesuffix("\n").split("\n")]
        nats = sum(float(sum(DEFAULT.surprisals(DEFAULT.split(line)))) for line in lines)
    except ValueError:
        return None
    return nats / math.log(2) / sum(map(len, texts))


def mean(values: Sequence[float]) -> float:
    """Over the seeds."""
    return statistics.fmean(values)


def below(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether the figures of one are clearly lower: in every seed, and the mean by more than `NEAR`.

    Seed by seed, because the trainings of a seed share the machine's time: what differs between seeds is also how
    busy it was.
    """
    return all(a < b for a, b in zip(one, other, strict=True)) and mean(one) < mean(other) * (1 - NEAR)


def comparable(raced: Sequence[Raced]) -> list[Raced]:
    """Those that can be ranked, the best first: fewest bits per character."""
    return sorted((each for each in raced if each.bits), key=lambda each: mean(each.bits))


def contradictions(raced: Sequence[Raced]) -> list[tuple[Raced, Raced]]:
    """Pairs of which the first needs clearly fewer bits per character, and has the clearly higher perplexity."""
    ranked = comparable(raced)
    return [
        (one, other)
        for i, one in enumerate(ranked)
        for other in ranked[i + 1 :]
        if below(one.bits, other.bits) and below(other.perplexities, one.perplexities)
    ]
