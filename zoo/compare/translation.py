"""How well a model translates, by the length of the sentence, on held-out pairs whose right translation is known.

    python -m zoo.compare.translation --models zoo/seq2seq zoo/seq2seq-attention --out zoo/compare/translation.json

Greedy decoding: always the likeliest word. Two figures a length: the share of sentences that are translated
without a fault, and the share of words that are right, counted along a longest common subsequence of the model's
words and the right ones, so that one word too many does not make all after it wrong.
The page Sequential and parallel measures live, and shows zoo/compare/translation.json until then.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from zoo.compare.files import read_json, write_json
from zoo.data.glass_pairs import DEFAULT, Pair
from zoo.inference import LoadedModel, load
from zoo.tasks.translate import NOTHING
from zoo.tokenizers import UNKNOWN

RECORDED = Path(__file__).with_name("translation.json")
"""A measurement that comes with the repository, made by the command above."""
LENGTHS = (5, 10, 15, 20, 25, 30, 40)
"""English words. Corpora train on 3 to 30 unless told otherwise, so that the last is longer than what was seen."""
SENTENCES, MOST_SENTENCES = 40, 200
"""Of each length."""
SPARE = 8
"""Tokens behind the longest right translation at which a model that finds no end is cut."""


@dataclass(frozen=True)
class Bucket:
    """Sentences of one length."""

    length: int
    """English words, marks not counted."""
    sentences: int
    exact: int
    """How many were translated without a fault."""
    right: int
    """Words and marks that are right, of `places`."""
    places: int
    """For each sentence the words of the right translation, or of the model's own where it is longer."""

    @property
    def exact_share(self) -> float:
        """0 to 1."""
        return self.exact / self.sentences

    @property
    def right_share(self) -> float:
        """0 to 1."""
        return self.right / self.places


@dataclass(frozen=True)
class Line:
    """One translator at all lengths."""

    title: str
    model: str
    """What `zoo.load` takes, or the plugin of a run."""
    weights: str
    """`fingerprint` of the module that was measured."""
    parameters: int
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True)
class Measured:
    """A whole measurement, with all that it takes to repeat it."""

    lines: tuple[Line, ...]
    command: str
    sentences: int
    pairs: str = DEFAULT.fingerprint
    """Of the two languages."""
    when: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    torch: str = torch.__version__
    processors: int = field(default_factory=lambda: os.cpu_count() or 1)

    def of(self, weights: str) -> Line | None:
        """The line of the weights with this fingerprint."""
        return next((line for line in self.lines if line.weights == weights), None)

    def write(self, path: Path) -> None:
        """As JSON."""
        write_json(self, path)

    @classmethod
    def read(cls, text: str | bytes) -> Measured:
        """From JSON.

        Raises:
            ValueError: it is something else.
        """
        return read_json(cls, text, "measurement of translation")


def recorded() -> Measured | None:
    """The measurement that comes with the repository; None where there is none, or its languages have changed."""
    if not RECORDED.is_file():
        return None
    found = Measured.read(RECORDED.read_text(encoding="utf-8"))
    return found if found.pairs == DEFAULT.fingerprint else None


def fingerprint(module: nn.Module) -> str:
    """Of all weights: two modules with the same one give the same translations."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode() + value.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def common(given: Sequence[str], right: Sequence[str]) -> list[bool]:
    """For each word of `given`, whether it is one of a longest common subsequence of both.

    ["a", "x", "b"] and ["a", "b"] -> [True, False, True]
    """
    longest = [[0] * (len(right) + 1) for _ in range(len(given) + 1)]  # of what begins at i, at j
    for i in reversed(range(len(given))):
        for j in reversed(range(len(right))):
            same = given[i] == right[j]
            longest[i][j] = longest[i + 1][j + 1] + 1 if same else max(longest[i + 1][j], longest[i][j + 1])
    marks, j = list[bool](), 0
    for i, word in enumerate(given):
        places = (k for k in range(j, len(right)) if right[k] == word)
        found = next((k for k in places if longest[i + 1][k + 1] + 1 == longest[i][j]), None)
        marks.append(found is not None)
        j = j if found is None else found + 1
    return marks


def translate(model: LoadedModel, pairs: Sequence[Pair]) -> list[list[str]]:
    """The words of a model's greedy translation of each English sentence.

    A model that finds no end is cut a few tokens behind the longest right translation.

    Raises:
        ValueError: a sentence is too long for the model, or the model's tokenizer ends no text.
    """
    end = model.tokenizer.end_of_text
    if end is None:
        raise ValueError("the tokenizer has no id that ends a text, so a translation could not end: take another one")
    source = _padded([model.encode(pair.source_text).ids for pair in pairs], NOTHING)
    draft = _padded([*model.tokenizer.encode_batch([pair.target_text for pair in pairs])], end)
    most = max(0, min(draft.shape[1] + SPARE, model.context - source.shape[1] - 1))  # 1 for the mark
    draft = F.pad(draft, (0, SPARE), value=end)[:, :most]
    texts = [model.tokenizer.decode(ids) for ids in greedy(model.module, source, draft, end)]
    return [DEFAULT.split(text.replace(UNKNOWN, " unknown ")) for text in texts]  # one word, and a wrong one


@torch.no_grad()
def greedy(module: Any, source: Tensor, draft: Tensor, end: int) -> list[list[int]]:
    """The greedy translation of each source (B, S), in fewer passes than one a word.

    `draft` (B, T) is a guess of the translations. One pass says for every place of a guess which token the model
    would put there after those before it. Put that in, and ask again: the first place at which a guess was wrong is
    right now, so at the latest after T passes nothing changes any more, and what stands there is what the model
    writes word by word (Song et al. 2021, "Accelerating feedforward computation via parallel nonlinear equation
    solving"). A good guess needs one pass. `T` is where a model that finds no end is cut.
    """
    begin = torch.full((len(source), 1), module.mark)
    guess, going = draft.clone(), torch.arange(len(source))
    for _ in range(draft.shape[1] + 1):
        fed = torch.cat([begin[going], guess[going, :-1]], dim=1)  # (b, T)
        best = module.translate(source[going], fed).argmax(-1)  # (b, T)
        same = _to_end(best, end) == _to_end(guess[going], end)
        guess[going] = best
        going = going[~same.all(1)]
        if not len(going):
            break
    return [row[: row.index(end)] if end in row else row for row in guess.tolist()]


def _to_end(rows: Tensor, end: int) -> Tensor:
    """(B, T) with everything behind the first `end` made `end`."""
    return rows.masked_fill((rows == end).cumsum(1) > 0, end)


def _padded(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=value)


def bucket(model: LoadedModel, pairs: Sequence[Pair]) -> Bucket:
    """The figures of these pairs, which are of one length."""
    given = translate(model, pairs)
    exact = sum(tuple(words) == pair.target for words, pair in zip(given, pairs, strict=True))
    right = sum(sum(common(words, pair.target)) for words, pair in zip(given, pairs, strict=True))
    places = sum(max(len(words), len(pair.target)) for words, pair in zip(given, pairs, strict=True))
    return Bucket(pairs[0].length, len(pairs), exact, right, places)


def quality(model: LoadedModel, lengths: Sequence[int] = LENGTHS, sentences: int = SENTENCES) -> tuple[Bucket, ...]:
    """A translator's figures at each length, on sentences that no corpus trains on.

    A length whose sentences do not all fit into the model's context, with mark and end, is left out.
    """
    found = []
    for length in lengths:
        pairs = held_out(length, sentences)
        if max(_tokens(model, pair) for pair in pairs) <= model.context:
            found.append(bucket(model, pairs))
    return tuple(found)


def held_out(length: int, sentences: int) -> list[Pair]:
    """The sentences of this length that all translators are measured on, always the same ones."""
    return DEFAULT.pairs(
        min(max(sentences, 1), MOST_SENTENCES), seed=length, length=range(length, length + 1), part="valid"
    )


def _tokens(model: LoadedModel, pair: Pair) -> int:
    source, target = model.tokenizer.encode_batch([pair.source_text, pair.target_text])
    return len(source) + len(target) + 2  # mark and end


def run(sources: Sequence[str], lengths: Sequence[int] = LENGTHS, sentences: int = SENTENCES) -> Measured:
    """The whole measurement of these models: plugin ids with shipped weights, or run folders.

    Raises:
        LookupError, ValueError: one cannot be loaded, or is no translator.
    """
    torch.set_num_threads(1)
    lines = [line(load(source), lengths, sentences) for source in sources]
    names = " ".join(each.model for each in lines)
    return Measured(tuple(lines), f"python -m zoo.compare.translation --models {names}", sentences)


def line(model: LoadedModel, lengths: Sequence[int] = LENGTHS, sentences: int = SENTENCES) -> Line:
    """One translator at these lengths.

    Raises:
        ValueError: it is no translator.
    """
    if model.task != "translate":
        raise ValueError(f"{model.title} is no translator: it was made for {model.task}")
    name = Path(model.id).name if Path(model.id).is_dir() else model.id
    parameters = sum(each.numel() for each in model.module.parameters())
    return Line(model.title, name, fingerprint(model.module), parameters, quality(model, lengths, sentences))


def _table(measured: Measured) -> str:
    lengths = sorted({each.length for line in measured.lines for each in line.buckets})
    rows = [f"{'exact / right words, % of … English words':44}" + "".join(f"{n:>12}" for n in lengths)]
    for line in measured.lines:
        cells = {each.length: f"{100 * each.exact_share:.0f} / {100 * each.right_share:.0f}" for each in line.buckets}
        rows.append(f"{line.title:44}" + "".join(f"{cells.get(n, '–'):>12}" for n in lengths))
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the top of this file."""
    parser = argparse.ArgumentParser(prog="python -m zoo.compare.translation", description="Translation by length.")
    parser.add_argument("--models", nargs="+", required=True, help="plugin ids or run folders")
    parser.add_argument("--sentences", type=int, default=SENTENCES, help=f"of each length, at most {MOST_SENTENCES}")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="English words")
    parser.add_argument("--out", type=Path, help="write the result to this file, as JSON")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    given = parser.parse_args(arguments)
    try:
        measured = run(given.models, given.lengths, min(max(given.sentences, 1), MOST_SENTENCES))
    except (LookupError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if given.out:
        measured.write(given.out)
    print(json.dumps(asdict(measured)) if given.json else _table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
