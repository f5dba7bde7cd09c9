"""Training a tokenizer on a corpus: a ladder from single characters to merged pieces.

- `char`: each character of the corpus is a token; any other is written as its bytes.
- `byte`: each of the 256 bytes is a token; nothing is ever unknown.
- `word`: each frequent word is a token; the rest is unknown.
- `bpe`:  bytes, with the most frequent pairs merged again and again (Sennrich et al. 2016).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, get_args

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from zoo.tokenizers.tokenizer import END_OF_TEXT, Tokenizer

Kind = Literal["char", "byte", "word", "bpe"]
KINDS: tuple[Kind, ...] = get_args(Kind)
UNKNOWN = "<|unknown|>"


def train_tokenizer(kind: Kind, corpus: Iterable[str], vocab_size: int = 1024) -> Tokenizer:
    """A tokenizer of this kind with at most `vocab_size` entries (`byte` always has 257).

    Raises:
        ValueError: unknown kind, or a vocabulary too small for it.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown tokenizer kind {kind!r}; choose one of {', '.join(KINDS)}")
    if kind == "char":
        return _char(corpus, vocab_size)
    if kind == "word":
        return _word(corpus, vocab_size)
    return _byte_level(corpus, 257 if kind == "byte" else vocab_size)


def _byte_level(corpus: Iterable[str], vocab_size: int) -> Tokenizer:
    if vocab_size < 257:
        raise ValueError(f"a byte-level tokenizer needs 257 entries (256 bytes and the separator), not {vocab_size}")
    raw = tokenizers.Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=[END_OF_TEXT],
        show_progress=False,
    )
    raw.train_from_iterator(corpus, trainer)
    return Tokenizer(raw)


def _char(corpus: Iterable[str], vocab_size: int) -> Tokenizer:
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    room = vocab_size - len(fallback) - 1
    if room < 1:
        raise ValueError(f"a character tokenizer needs room for 256 bytes and the separator, not {vocab_size} entries")
    counts = Counter(char for text in corpus for char in text)
    chars = sorted(char for char, _ in counts.most_common(room))
    vocab = {name: i for i, name in enumerate([END_OF_TEXT, *fallback, *chars])}
    raw = tokenizers.Tokenizer(models.BPE(vocab=vocab, merges=[], byte_fallback=True))
    raw.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    raw.add_special_tokens([END_OF_TEXT])
    return Tokenizer(raw)


def _word(corpus: Iterable[str], vocab_size: int) -> Tokenizer:
    if vocab_size < 3:
        raise ValueError(f"a word tokenizer needs room for the separator, the unknown and a word, not {vocab_size}")
    raw = tokenizers.Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    raw.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex(r" ?\w+| ?[^\w\s]|\s"), "isolated")
    raw.decoder = decoders.Fuse()
    trainer = trainers.WordLevelTrainer(
        vocab_size=vocab_size, special_tokens=[END_OF_TEXT, UNKNOWN], show_progress=False
    )
    raw.train_from_iterator(corpus, trainer)
    return Tokenizer(raw)
