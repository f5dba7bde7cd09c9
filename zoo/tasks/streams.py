"""Texts as one row of token ids. Used by `next_token`, training and the model card.

Short texts make a row in memory; texts that are read in pieces (`zoo.data.stream`) make one in a
nameless file beside the run, of which only the pages in use are in memory.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data import Corpus
from zoo.data.pieces import InPieces, pieces
from zoo.tokenizers import Tokenizer

CHUNK = 100
"""Texts that are tokenized at a time: the library needs about a hundred bytes a token while it works."""
CHARACTERS = 200_000
"""Characters that are tokenized at a time."""

Part = Literal["train", "valid"]
NAMES: dict[Part, str] = {"train": "text", "valid": "held-out text"}


@dataclass(frozen=True)
class Tokens:
    """A corpus's part as ids."""

    ids: Tensor
    """(tokens,) int32, each text followed by the end-of-text id."""
    starts: NDArray[np.int64]
    """(texts,) where in `ids` each text begins."""


def token_stream(tokenizer: Tokenizer, texts: Iterable[str]) -> Tensor:
    """All texts as one row of ids (tokens,) int32, each followed by the end-of-text id."""
    return tokenize(tokenizer, texts).ids


def tokens(
    corpus: Corpus, part: Part, tokenizer: Tokenizer, *, at_least: int | None = None, folder: Path | None = None
) -> Tokens:
    """A corpus's part as ids, worked out once; all of it, or its beginning of `at_least` tokens.

    A text that is streamed is laid down in a file in `folder`, which is gone when the process is.
    """
    key = f"{part} {tokenizer.hash} {at_least}"
    if key not in corpus.memo:
        corpus.memo[key] = tokenize(tokenizer, getattr(corpus, part), at_least=at_least, folder=folder)
    found: Tokens = corpus.memo[key]
    return found


def tokenize(
    tokenizer: Tokenizer, texts: Iterable[str], *, at_least: int | None = None, folder: Path | None = None
) -> Tokens:
    """The ids of all texts, or of the first so many that there are `at_least` tokens."""
    if not isinstance(texts, InPieces) or at_least is not None:
        parts = [np.empty(0, dtype=np.int32)]
        starts = _gather(tokenizer, texts, at_least, parts.append)
        return Tokens(torch.from_numpy(np.concatenate(parts)), starts)
    with tempfile.TemporaryFile(dir=folder) as file:
        starts = _gather(tokenizer, texts, None, lambda ids: ids.tofile(file))
        file.flush()
        return Tokens(torch.from_numpy(np.memmap(file, dtype=np.int32, mode="r+")), starts)


def check_room(corpus: Corpus, tokenizer: Tokenizer, time: int) -> None:
    """Whether both parts of the corpus fill a window of `time` tokens; looks no further than it must.

    Raises:
        ValueError: one does not.
    """
    for part, name in NAMES.items():
        count = 0
        for ids, _ in _encoded(tokenizer, getattr(corpus, part)):
            count += len(ids)
            if count > time:
                break
        else:
            raise too_short(name, count, time)


def too_short(name: str, count: int, time: int) -> ValueError:
    """What a text gets that has no room for one window and its target."""
    return ValueError(
        f"the {name} has {count} tokens; the model's context of {time} asks for at least {time + 1}:"
        " take a longer text or a shorter context"
    )


def _gather(
    tokenizer: Tokenizer, texts: Iterable[str], at_least: int | None, put: Callable[[NDArray[np.int32]], object]
) -> NDArray[np.int64]:
    """Give the ids to `put`, piece by piece; returns where each text begins."""
    starts, count, begins = array("q"), 0, True
    for ids, ends in _encoded(tokenizer, texts):
        if begins:
            starts.append(count)
        put(ids)
        count, begins = count + len(ids), ends
        if at_least is not None and count >= at_least:
            break
    return np.frombuffer(starts, dtype=np.int64) if starts else np.empty(0, dtype=np.int64)


def _encoded(tokenizer: Tokenizer, texts: Iterable[str]) -> Iterator[tuple[NDArray[np.int32], bool]]:
    """The ids of each piece, behind the last of a text the end-of-text id; and whether it was the last."""
    separator = [] if tokenizer.end_of_text is None else [tokenizer.end_of_text]
    for batch in _batches(pieces(texts)):
        for ids, (_, ends) in zip(tokenizer.encode_batch([text for text, _ in batch]), batch, strict=True):
            yield np.asarray(ids + separator if ends else ids, dtype=np.int32), ends


def _batches(stream: Iterator[tuple[str, bool]]) -> Iterator[list[tuple[str, bool]]]:
    batch: list[tuple[str, bool]] = []
    characters = 0
    for piece in stream:
        batch.append(piece)
        characters += len(piece[0])
        if len(batch) == CHUNK or characters >= CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
