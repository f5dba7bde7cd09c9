"""What a model makes of one and the same text, whatever tokens it reads it in: bits per character.

The task's own score takes a number of windows, each of `context` tokens, and so more text where tokens are longer.
Here all characters of a given text are scored, for every tokenizer the same ones. Used by `zoo.compare.tokenizers`
and by the page Tokenizers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.sampling import Sampling, draw, stages
from zoo.tokenizers import UNKNOWN, Tokenizer

LINE = 2000
"""Characters within which a text's first line break is looked for."""
SHOWN = 24
"""Characters of a text that did not come back as it was."""


@dataclass(frozen=True)
class Scored:
    """A text that was read once."""

    characters: int
    tokens: int
    nats: float
    """Of all tokens together: −ln p of the text, in these pieces."""
    seen: float
    """Tokens that a prediction was made from, on average."""

    @property
    def bits_per_character(self) -> float:
        """What the text costs, by what it is long, not by the pieces that it was cut into."""
        return self.nats / math.log(2) / self.characters

    @property
    def perplexity(self) -> float:
        """Per token: among how many tokens the model was, on average, as unsure as among equals."""
        return math.exp(self.nats / self.tokens)


def held_out(texts: Iterable[str], characters: int) -> list[str]:
    """The beginning of held-out texts, so many characters at most, the first and the last cut to whole lines.

    Texts of one line, or of very long ones, are cut where they are.
    """
    found, room = list[str](), characters
    for text in texts:
        if room <= 0:
            break
        part = text[: room + LINE]
        if not found and (start := part.find("\n", 0, LINE) + 1) and len(part) - start > LINE:
            part = part[start:]  # it was cut somewhere: the line before may have lost its beginning
        if len(part) > room:
            end = part.rfind("\n", max(0, room - LINE), room) + 1
            part = part[: end or room]
        found.append(part)
        room -= len(part)
    return [text for text in found if text]


def lost(tokenizer: Tokenizer, texts: Sequence[str]) -> str:
    """What of the texts does not survive being encoded and decoded, in one sentence; "" where all does.

    A code that loses something describes another, simpler text: its bits per character are not comparable.
    """
    unknown, said = tokenizer.raw.token_to_id(UNKNOWN), list[str]()
    ids = [tokenizer.encode(text).ids for text in texts]
    if missed := sum(each.count(unknown) for each in ids) if unknown is not None else 0:
        said.append(f"{missed:,} of {sum(map(len, ids)):,} tokens are the unknown one")
    for text, each in zip(texts, ids, strict=True):
        if (back := tokenizer.decode(each)) != text:
            pairs = enumerate(zip(text, back, strict=False))
            at = next((i for i, (one, other) in pairs if one != other), min(len(text), len(back)))
            said.append(f"{text[at : at + SHOWN]!r} comes back as {back[at : at + SHOWN]!r}")
            break
    return "; ".join(said)


@torch.no_grad()
def score(module: nn.Module, tokenizer: Tokenizer, texts: Sequence[str], context: int, batch: int = 16) -> Scored:
    """Predict every token of the texts once, the first one from the mark that ends a text.

    Windows of `context` tokens overlap by half, so that each token but the first few has at least half a context
    before it, within its text and the texts before. The marks between texts are read, and not scored: they are no
    characters.

    Raises:
        ValueError: there is no text, or the tokenizer has no such mark.
    """
    end = tokenizer.end_of_text
    if end is None:
        raise ValueError("the tokenizer has no id that ends a text, so nothing stands before its first token")
    stream = torch.tensor([i for text in texts for i in (end, *tokenizer.encode(text).ids)])
    characters = sum(map(len, texts))
    if not characters:
        raise ValueError("there is no held-out text to score")
    nats, seen, tokens = 0.0, 0, 0
    for inputs, targets, fresh in _windows(stream, context, batch):
        losses = F.cross_entropy(module(inputs).flatten(0, 1).float(), targets.flatten(), reduction="none")
        counted = fresh & (targets != end)  # (B, T)
        nats += float(losses.double()[counted.flatten()].sum())
        tokens += int(counted.sum())
        seen += int((torch.arange(1, inputs.shape[1] + 1).expand_as(counted)[counted]).sum())
    return Scored(characters, tokens, nats, seen / tokens)


def _windows(stream: Tensor, context: int, batch: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Inputs, targets, and which targets no window before had, each (B, T); every target is fresh once."""
    count = len(stream) - 1
    time = min(context, count)
    stride = max(1, time // 2)
    starts = sorted({*range(0, count - time + 1, stride), count - time})
    begins = np.array([0, *(start + time for start in starts[:-1])]) - starts  # (windows,) the first fresh place
    place = torch.arange(time)
    for i in range(0, len(starts), batch):
        at = torch.tensor(starts[i : i + batch])[:, None] + place  # (B, T)
        yield stream[at], stream[at + 1], place >= torch.from_numpy(begins[i : i + batch])[:, None]


@torch.no_grad()
def written(module: nn.Module, tokenizer: Tokenizer, prompt: str, characters: int, context: int, seed: int = 0) -> str:
    """What the model writes behind the prompt, drawn from its own distribution: about so many characters.

    Shorter where it ends its text. The tokens that it writes may be long or short: the length of the text is given.
    """
    ids = tokenizer.encode(prompt).ids
    begun, before, text = len(ids), tokenizer.decode(ids), ""
    for _ in range(characters * 4):  # a character has up to four bytes, each of which may be a token
        if len(text) >= characters:
            break
        logits = module(torch.tensor([ids[-context:]]))[0, -1].double().numpy()
        drawn = draw(stages(logits, Sampling()).final, seed, len(ids))
        if drawn == tokenizer.end_of_text:
            break
        ids.append(drawn)
        whole = tokenizer.decode(ids)
        text = whole.removeprefix(before) if whole.startswith(before) else tokenizer.decode(ids[begun:])
    return text[:characters]
