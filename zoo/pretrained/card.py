"""The model card of shipped weights (Mitchell et al. 2019), written for a curious beginner.

`zoo.pretrained.ship` measures; this file only words and lays out what it is given, so that a card
holds no figure that was typed in.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from zoo.pretrained.commands import plain, ship_command, training_command
from zoo.pretrained.facts import Card
from zoo.training.recipe import Recipe
from zoo.training.run import Event

CURVE_ROWS = 10


def write_card(card: Card) -> str:
    """The card as Markdown."""
    parts = (_head, _architecture, _data, _training, _curve, _scores, _samples, _limits)
    footer = f"Made by:\n\n{as_code(ship_command(card))}\n\nIt measured every figure above, or read it from the run."
    text = "\n\n".join([*(part(card) for part in parts), "---", footer])
    return "\n\n".join(map(_filled, text.split("\n\n"))) + "\n"


def _head(card: Card) -> str:
    own = card.scores[-1]
    return f"""# {card.title} ({Path(card.out).name}): a small language model to look inside

This is `{card.info.model}` with trained weights. It reads a text cut into tokens (words and pieces of words) and gives
every token it knows a probability of coming next; writing is nothing but drawing one, adding it, and asking again.
It holds {card.info.parameters:,} numbers that it learned by guessing the next token {_last(card)["tokens"]:,} times.
On text that it never saw it needs {own.bits:.3f} bits per character: so many yes-or-no answers would settle each
letter, on average. A table below sets that beside simpler models."""


def _architecture(card: Card) -> str:
    rows = [[f"`{name}`", plain(value), _description(card, name)] for name, value in card.info.config.items()]
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

The tokenizer ({type(card.tokenizer.raw.model).__name__}, {card.tokenizer.vocab_size:,} entries, `tokenizer.json`)
covers {_per_token(card):.2f} characters of the held-out text with one token, on average. An end-of-text mark follows
each document; it counts as a token and not as a character."""


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

{as_code(training_command(card))}

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
        [
            *(f"{each['step']:,}", f"{each['elapsed']:,.0f}", f"{each['tokens']:,}"),
            *(f"{each['valid_loss']:.3f}", f"{each['bits_per_character']:.3f}"),
        ]
        for each in (scored[i] for i in picked)
    ]
    recipe = card.info.recipe
    return f"""## How it learned

{_table(["step", "seconds", "tokens seen", "held out: nats per token", "bits per character"], rows)}

Scored during training, on no more than the first {recipe.held_out_windows:,} windows of the
held-out text, in {recipe.precision};
`events.jsonl` has all {len(scored)} rows."""


def _scores(card: Card) -> str:
    own = card.scores[-1]
    rows = [[s.name, f"{s.nats:.4f}", f"{s.bits:.4f}", f"{math.exp(s.nats):,.1f}", f"{s.size:,}"] for s in card.scores]
    return f"""## How well it predicts, beside simpler models

{_table(["model", "nats per token", "bits per character", "as unsure as among … tokens", "numbers held"], rows)}

Lower is better. All are scored on the same {own.tokens:,} held-out tokens ({own.characters:,} characters). The even
guess gives each of the {card.tokenizer.vocab_size:,} tokens the same chance. The unigram model knows only how frequent
each token is; the trigram model (interpolated Kneser-Ney) also knows the two tokens before. Both were counted on the
training tokens, all {card.train.tokens:,} of them. {card.title} is scored as shipped: float16 weights, computed in
float32. It reads the text in windows of {card.context:,} tokens, each on its own, so its first guess in a window has a
single token to go by; the counted models read the held-out text in one piece, so the trigram has its two from the
second guess on."""


def _samples(card: Card) -> str:
    first = card.samples[0]
    texts = "\n\n".join(f"Seed {sample.seed}:\n\n{as_code(sample.text)}" for sample in card.samples)
    return f"""## What it writes

{len(card.samples)} samples, unpicked, by the shipped weights: the prompt is always "{first.prompt}", the seeds are
{first.seed} to {card.samples[-1].seed}, the temperature is {first.temperature}, and up to {first.tokens} tokens follow.

{texts}"""


def _limits(card: Card) -> str:
    reach = card.context * _per_token(card)
    return f"""## Limits

It sees at most {card.context:,} tokens at once (about {reach:,.0f} characters), and has learned how such texts sound
rather than what is true, so names, facts and plots drift from one sentence to the next. {card.about.limit}; it is here
to be looked into, and is no source of information."""


def _last(card: Card) -> Event:
    return card.events[-1]


def _per_token(card: Card) -> float:
    return card.scores[-1].characters / card.scores[-1].tokens


def _description(card: Card, name: str) -> str:
    field = card.fields.get(name)
    return (field.description if field else None) or ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells after the first stand to the right where all of them are numbers."""
    body = [list(row) for row in rows]
    numeric = [all(row[i][:1].isdigit() for row in body) for i in range(len(head))]
    rule = ["---:" if right and i else "---" for i, right in enumerate(numeric)]
    cells = [[cell.replace("|", "\\|") for cell in row] for row in [list(head), rule, *body]]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def as_code(text: str) -> str:
    """A code block by indentation: whatever the text holds, it can't end the block."""
    return "\n".join(f"    {line}" if line else "" for line in text.split("\n"))


def _filled(paragraph: str) -> str:
    """Lines of even length, but for tables, code and headings."""
    if paragraph.startswith(("|", "    ", "#", "\n")) or not paragraph.strip():
        return paragraph
    return textwrap.fill(paragraph, 100, break_long_words=False, break_on_hyphens=False)
