"""The model card of shipped weights (Mitchell et al. 2019), written for a curious beginner.

`zoo.pretrained.ship` measures; this file only words and lays out what it is given, so that a card
holds no figure that was typed in.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic.fields import FieldInfo
from tokenizers import models, pre_tokenizers

from zoo.tokenizers import Tokenizer
from zoo.training.recipe import Recipe
from zoo.training.run import Event, RunInfo

CURVE_ROWS = 10


@dataclass(frozen=True)
class About:
    """What is known of a corpus that no file of a run says."""

    what: str
    licence: str
    limit: str


CORPORA = {
    "stories.jsonl.xz": About(
        "English short stories: much science fiction from old magazines, and stories by the Brothers Grimm, "
        "Andersen, O. Henry, Conan Doyle, Chesterton, Lovecraft, London, Wodehouse and others. "
        "Quotation marks and dashes are normalised to ASCII.",
        "public domain in the United States",
        "The stories are of their time, prejudices and slurs included, and what it writes can repeat them",
    )
}
"""Corpus file name -> what to say of it. Other corpora get the words of `UNKNOWN`."""
UNKNOWN = About("Text from the file named below.", "not recorded", "What it writes can repeat whatever that text says")


@dataclass(frozen=True)
class Text:
    """One half of the corpus, counted. An end-of-text mark behind each document is among the tokens."""

    documents: int
    characters: int
    tokens: int


@dataclass(frozen=True)
class Score:
    """How well one model predicts the held-out tokens."""

    name: str
    nats: float
    """Per token, the mean of −log p."""
    bits: float
    """Per character."""
    tokens: int
    characters: int
    size: int
    """How many numbers it holds: weights, or counts of different n-grams."""


@dataclass(frozen=True)
class Sample:
    """A text that the model wrote on."""

    prompt: str
    temperature: float
    seed: int
    tokens: int
    """At most so many were drawn."""
    text: str


@dataclass(frozen=True)
class Card:
    """All that the card is written from."""

    info: RunInfo
    fields: Mapping[str, FieldInfo]
    """The plugin's Config fields."""
    title: str
    tokenizer: Tokenizer
    weights: Mapping[str, int]
    """Name of each tensor -> how many numbers it holds."""
    size: int
    """Of the shipped weights' file, in bytes."""
    events: Sequence[Event]
    """Where held-out text was scored; the last is the step of the shipped weights."""
    train: Text
    valid: Text
    scores: Sequence[Score]
    """The model's own is the last."""
    samples: Sequence[Sample]
    source: str
    """The run's folder, as it shall be written."""
    out: str
    """The shipped folder, as it shall be written."""

    @property
    def about(self) -> About:
        """What is known of the corpus."""
        return CORPORA.get(self.info.corpus["name"], UNKNOWN)


def write_card(card: Card) -> str:
    """The card as Markdown."""
    parts = (_head, _architecture, _data, _training, _curve, _scores, _samples, _limits)
    made = " \\\n    ".join([f"python -m zoo.pretrained.ship {shlex.quote(card.source)}", *_options(_ship_options(card))])
    footer = f"Made by:\n\n{_code(made)}\n\nEvery figure above was measured, or read from the run, by that command."
    return "\n\n".join([*(part(card) for part in parts), "---", footer]) + "\n"


def training_command(card: Card) -> str:
    """The command that the run was started with, one option a line; settings at their defaults are left out."""
    info = card.info
    recipe = {name: value for name, value in info.recipe.model_dump().items() if name not in ("seconds", "steps")}
    changed = [
        *_changed(info.config, {name: field.default for name, field in card.fields.items()}),
        *_changed(recipe, {name: field.default for name, field in Recipe.model_fields.items()}),
    ]
    budget = "seconds" if info.recipe.seconds is not None else "steps"
    options = [
        ("--model", info.model),
        ("--corpus", info.corpus["name"]),
        ("--run", card.source),
        *_tokenizer_options(card.tokenizer),
        (f"--{budget}", _plain(getattr(info.recipe, budget))),
        *(("--set", f"{name}={_plain(value)}") for name, value in changed),
    ]
    return " \\\n    ".join(["python -m zoo train", *_options(options)])


def portable(path: Path) -> str:
    """A path to write down: as typed where it is relative, else its name alone, so that no machine is named."""
    inside = not path.is_absolute() and ".." not in path.parts and path.name
    return path.as_posix() if inside else path.resolve().name


def _head(card: Card) -> str:
    own = card.scores[-1]
    return f"""# {card.title} ({Path(card.out).name}): a small language model to look inside

This is `{card.info.model}` with trained weights. It reads a text cut into tokens (words and pieces of words) and gives
every token it knows a probability of coming next; writing is nothing but drawing one, adding it, and asking again.
It holds {card.info.parameters:,} numbers that it learned by guessing the next token {_last(card)["tokens"]:,} times.
On text that it never saw it needs {own.bits:.3f} bits per character; the last section but two sets that beside
simpler models."""


def _architecture(card: Card) -> str:
    rows = [[f"`{name}`", _plain(value), _description(card, name)] for name, value in card.info.config.items()]
    parts: dict[str, int] = {}
    for name, size in card.weights.items():
        parts[name.split(".")[0]] = parts.get(name.split(".")[0], 0) + size
    return f"""## Architecture

{_table(["setting", "value", "meaning"], rows)}

{_table(["part", "numbers"], [[f"`{name}`", f"{size:,}"] for name, size in parts.items()])}

{card.info.parameters:,} parameters in all, stored in float16: {card.size / 1e6:.1f} MB."""


def _data(card: Card) -> str:
    about, corpus = card.about, card.info.corpus
    rows = [
        [name, f"{text.documents:,}", f"{text.characters:,}", f"{text.tokens:,}"]
        for name, text in (("to learn from", card.train), ("held out", card.valid))
    ]
    return f"""## Data and licence

{about.what} Licence: {about.licence}. File: `{corpus["name"]}`, SHA-256 `{corpus["sha256"]}`.

{_table(["part", "documents", "characters", "tokens"], rows)}

The tokenizer ({type(card.tokenizer.raw.model).__name__}, {card.tokenizer.vocab_size:,} entries, `tokenizer.json`) spends
one token on {_per_token(card):.2f} characters of the held-out text, on average. An end-of-text mark follows each document;
it counts as a token and not as a character."""


def _training(card: Card) -> str:
    last, recipe = _last(card), card.info.recipe
    spent = recipe.spent(last["step"], last["elapsed"])
    versions = ", ".join(f"{name} {version}" for name, version in card.info.versions.items())
    rows = [
        ["steps", f"{last['step']:,}"],
        ["tokens seen", f"{last['tokens']:,} ({last['tokens'] / card.train.tokens:.2f} times the text)"],
        ["seconds of training", f"{last['elapsed']:,.0f} (scoring held-out text not included)"],
        ["tokens a second", f"{last['tokens_per_second']:,.0f}"],
        ["share of the budget spent", f"{spent:.1%}" + ("" if spent == 1 else ": taken from a run that was not done")],
        ["seed", str(recipe.seed)],
        ["versions", versions],
    ]
    return f"""## Training

{_code(training_command(card))}

{_table(["what", "how much"], rows)}

`run.json` holds every setting. {_repeat(recipe)}"""


def _repeat(recipe: Recipe) -> str:
    if recipe.seconds is None:
        return "The same command on the same versions takes the same steps; rounding may differ between processors."
    return (
        "The seed fixes the first weights and the order of the text; how many steps fit into the seconds depends on "
        "the machine, so a repeat comes close to these weights and does not equal them."
    )


def _curve(card: Card) -> str:
    scored = [event for event in card.events if "valid_loss" in event]
    picked = sorted({int(i) for i in np.linspace(0, len(scored) - 1, CURVE_ROWS).round()})
    rows = [
        [f"{e['step']:,}", f"{e['elapsed']:,.0f}", f"{e['tokens']:,}", f"{e['valid_loss']:.3f}"]
        + [f"{e['bits_per_character']:.3f}"]
        for e in (scored[i] for i in picked)
    ]
    recipe = card.info.recipe
    return f"""## How it learned

{_table(["step", "seconds", "tokens seen", "held out: nats per token", "bits per character"], rows)}

Scored during training, on the first {recipe.held_out_windows:,} windows of the held-out text and in {recipe.precision};
`events.jsonl` has all {len(scored)} rows."""


def _scores(card: Card) -> str:
    own, context = card.scores[-1], _context(card)
    rows = [
        [s.name, f"{s.nats:.4f}", f"{s.bits:.4f}", f"{math.exp(s.nats):,.1f}", f"{s.size:,}"] for s in card.scores
    ]
    return f"""## How well it predicts, beside simpler models

{_table(["model", "nats per token", "bits per character", "as unsure as among … tokens", "numbers held"], rows)}

Lower is better. All are scored on the same {own.tokens:,} held-out tokens ({own.characters:,} characters). The even
guess gives each of the {card.tokenizer.vocab_size:,} tokens the same chance. The unigram model knows only how frequent
each token is; the trigram model (interpolated Kneser-Ney) also knows the two tokens before. Both were counted on the
same training tokens, all {card.train.tokens:,} of them. {card.title} is scored as shipped: float16 weights, computed in
float32. It reads the text in windows of {context:,} tokens, each on its own, so its first guess in a window has a single
token to go by; the counted models read the held-out text in one piece and always have theirs."""


def _samples(card: Card) -> str:
    first = card.samples[0]
    texts = "\n\n".join(f"Seed {sample.seed}:\n\n{_code(sample.text)}" for sample in card.samples)
    return f"""## What it writes

{len(card.samples)} samples, unpicked: the prompt is "{first.prompt}" each time, the seeds are
{first.seed} to {card.samples[-1].seed}, the temperature is {first.temperature}, and up to {first.tokens} tokens are drawn.

{texts}"""


def _limits(card: Card) -> str:
    reach = _context(card) * _per_token(card)
    return f"""## Limits

It sees at most {_context(card):,} tokens at once (about {reach:,.0f} characters), and has learned how such texts sound
rather than what is true, so names, facts and plots drift from one sentence to the next. {card.about.limit}; it is here
to be looked into, and is no source of information."""


def _last(card: Card) -> Event:
    return card.events[-1]


def _context(card: Card) -> int:
    return int(card.info.config["context"])


def _per_token(card: Card) -> float:
    return card.scores[-1].characters / card.scores[-1].tokens


def _description(card: Card, name: str) -> str:
    field = card.fields.get(name)
    return (field.description if field else None) or ""


def _changed(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in values.items() if name not in defaults or value != defaults[name]]


def _tokenizer_options(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    """How `zoo train` is told to make this tokenizer; one that it cannot make is named as a file."""
    model, size = tokenizer.raw.model, ("--vocab-size", str(tokenizer.vocab_size))
    if isinstance(model, models.BPE) and isinstance(tokenizer.raw.pre_tokenizer, pre_tokenizers.ByteLevel):
        return [size]  # "bpe" is the default
    if isinstance(model, models.BPE) and model.byte_fallback:
        return [("--tokenizer", "char"), size]
    if isinstance(model, models.WordLevel):
        return [("--tokenizer", "word"), size]
    return [("--tokenizer", "tokenizer.json")]


def _ship_options(card: Card) -> list[tuple[str, str]]:
    return [("--corpus", card.info.corpus["name"]), ("--out", card.out)]


def _options(options: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{name} {shlex.quote(value)}" for name, value in options]


def _plain(value: Any) -> str:
    """A setting as one would type it: 5100.0 is 5100."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells after the first stand to the right where all of them are numbers."""
    body = [list(row) for row in rows]
    numeric = [all(row[i][:1].isdigit() for row in body) for i in range(len(head))]
    rule = ["---:" if right and i else "---" for i, right in enumerate(numeric)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [list(head), rule, *body])


def _code(text: str) -> str:
    """A code block by indentation: whatever the text holds, it can't end the block."""
    return "\n".join(f"    {line}" for line in text.splitlines())
