"""Training a tokenizer on a corpus: a ladder from single characters to merged pieces.

- `char`: each character of the corpus is a token; any other is written as its bytes.
- `byte`: each of the 256 bytes is a token; nothing is ever unknown.
- `word`: each frequent word is a token; the rest is unknown.
- `bpe`:  bytes, with the most frequent pairs merged again and again (Sennrich et al. 2016, GPT-2's way).
- `bpe-char`: the same from characters; one that the corpus lacks is unknown.
- `wordpiece`: BERT's way (Schuster and Nakajima 2012): lower case, no accents, the longest piece first.
- `unigram`: SentencePiece's way (Kudo 2018): every piece has a probability, the likeliest split wins.
"""

from __future__ import annotations

import io
import itertools
import json
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal, get_args

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from zoo.tokenizers.tokenizer import END_OF_TEXT, Tokenizer

Kind = Literal["char", "byte", "word", "bpe", "bpe-char", "wordpiece", "unigram"]
KINDS: tuple[Kind, ...] = get_args(Kind)
UNKNOWN = "<|unknown|>"
_PIECE = r" ?\w+| ?[^\w\s]|\s"
"""A word or a sign, with the space before it; any other blank by itself."""
_STAND_INS = 0xF0000
"""Where Unicode keeps 131,072 characters for private use."""


def train_tokenizer(kind: Kind, corpus: Iterable[str], vocab_size: int = 1024) -> Tokenizer:
    """A tokenizer of this kind with at most `vocab_size` entries (`byte` always has 257).

    Raises:
        ValueError: unknown kind, a vocabulary too small for it, or a text that it can learn nothing from.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown tokenizer kind {kind!r}; choose one of {', '.join(KINDS)}")
    if kind == "byte":
        return _byte_level(corpus, 257)
    return _TRAINERS[kind](corpus, vocab_size)


def kind_of(tokenizer: Tokenizer) -> str:
    """Which of `KINDS` a tokenizer that was trained here is, by all but what it learned; "" for one of others.

    BPE on bytes that learned no merge is the same as `byte`, and is called so.
    """
    frame, merges = _frame(tokenizer)
    found = next((kind for kind, ours in _frames().items() if ours == frame), "")
    return {"byte": "bpe", "bpe-char": "bpe-char"}.get(found, "") if merges else found


def _frame(tokenizer: Tokenizer) -> tuple[dict[str, Any], bool]:
    """A `tokenizer.json` without what was learned, and whether that has merges."""
    frame = json.loads(tokenizer.raw.to_str())
    merges = frame["model"].pop("merges", [])
    del frame["model"]["vocab"]
    for each in frame["added_tokens"]:
        each["id"] = min(each["id"], 2)  # ours come first, or behind all the pieces
    return frame, bool(merges)


@cache
def _frames() -> dict[str, dict[str, Any]]:
    return {kind: _frame(train_tokenizer(kind, ["a word"], 300))[0] for kind in KINDS}


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
    raw.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex(_PIECE), "isolated")
    raw.decoder = decoders.Fuse()
    trainer = trainers.WordLevelTrainer(
        vocab_size=vocab_size, special_tokens=[END_OF_TEXT, UNKNOWN], show_progress=False
    )
    raw.train_from_iterator(corpus, trainer)
    return Tokenizer(raw)


def _bpe_char(corpus: Iterable[str], vocab_size: int) -> Tokenizer:
    _check_room(vocab_size, "BPE on characters")
    raw = tokenizers.Tokenizer(models.BPE(unk_token=UNKNOWN))
    raw.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex(_PIECE), "isolated")
    raw.decoder = decoders.Fuse()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        limit_alphabet=vocab_size - 2,
        special_tokens=[END_OF_TEXT, UNKNOWN],
        show_progress=False,
    )
    raw.train_from_iterator(corpus, trainer)
    return Tokenizer(raw)


def _wordpiece(corpus: Iterable[str], vocab_size: int) -> Tokenizer:
    """Merges as in BPE, with a character inside a word told apart from one at its start.

    The library's own trainer does the same, but breaks ties by an order that changes from run to run. Here
    a stand-in character is taken for each one inside a word, so that its BPE trainer, which is exact, does it.
    """
    _check_room(vocab_size, "WordPiece")
    raw = tokenizers.Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    raw.normalizer = normalizers.BertNormalizer(lowercase=True)
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.decoder = decoders.WordPiece()
    counts = _words(raw, corpus)
    inside = {char: chr(_STAND_INS + n) for n, char in enumerate(sorted({char for word in counts for char in word}))}
    learner = tokenizers.Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size - 2, limit_alphabet=vocab_size - 2, show_progress=False)
    written = {word: word[0] + "".join(inside[char] for char in word[1:]) for word in counts}
    learner.train_from_iterator((" ".join([written[word]] * n) for word, n in counts.items()), trainer)
    original = {stand_in: char for char, stand_in in inside.items()}
    learned = sorted(learner.get_vocab().items(), key=lambda entry: entry[1])
    vocab = {END_OF_TEXT: 0, UNKNOWN: 1}
    for name, _ in learned:
        start = "" if name[0] not in original else "##"
        vocab.setdefault(start + "".join(original.get(char, char) for char in name), len(vocab))
    raw.model = models.WordPiece(vocab=vocab, unk_token=UNKNOWN)
    raw.add_special_tokens([END_OF_TEXT, UNKNOWN])
    return Tokenizer(raw)


def _words(raw: tokenizers.Tokenizer, corpus: Iterable[str]) -> Counter[str]:
    """How often each word stands in the corpus, as the tokenizer normalises and cuts it."""
    normalizer, pre_tokenizer = raw.normalizer, raw.pre_tokenizer
    assert normalizer is not None
    assert pre_tokenizer is not None
    return Counter(
        word for text in corpus for word, _ in pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(text))
    )


def _unigram(corpus: Iterable[str], vocab_size: int) -> Tokenizer:
    """Trained by the reference implementation, because the library's trainer gives other numbers from run to run."""
    _check_room(vocab_size, "Unigram")
    normalizer = normalizers.NFKC()
    pieces = _unigram_pieces((normalizer.normalize_str(text) for text in corpus), vocab_size - 1)
    raw = tokenizers.Tokenizer(models.Unigram([(UNKNOWN, 0.0), *pieces], unk_id=0))
    raw.normalizer = normalizer
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    raw.decoder = decoders.Metaspace(prepend_scheme="never")
    raw.add_special_tokens([END_OF_TEXT])  # behind the pieces: a piece would be found in a text
    return Tokenizer(raw)


def _unigram_pieces(texts: Iterable[str], size: int) -> list[tuple[str, float]]:
    """Pieces and the natural logarithms of their probabilities; `size` counts the unknown, which is left out."""
    import sentencepiece

    filled, model = (text for text in texts if text.strip()), io.BytesIO()
    if (first := next(filled, None)) is None:
        return []
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=itertools.chain([first], filled),
            model_writer=model,
            model_type="unigram",
            vocab_size=size,
            hard_vocab_limit=False,
            character_coverage=1.0,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            max_sentence_length=2**30,
            num_threads=1,
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            minloglevel=3,
        )
    except RuntimeError as error:
        if "required_chars_" in str(error):
            words = f"this text has too many different characters for {size + 1} entries of Unigram"
        else:  # it passes over a text that holds this sign
            words = "Unigram found nothing to learn in this text: write more, and different, words, and leave out “▅”"
        raise ValueError(words) from error
    learned = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return [(learned.id_to_piece(i), round(learned.get_score(i), 6)) for i in range(1, learned.get_piece_size())]


def _check_room(vocab_size: int, name: str) -> None:
    if vocab_size < 4:
        raise ValueError(f"{name} needs room for the separator, the unknown and two characters, not {vocab_size}")


_TRAINERS = {
    "char": _char,
    "word": _word,
    "bpe": _byte_level,
    "bpe-char": _bpe_char,
    "wordpiece": _wordpiece,
    "unigram": _unigram,
}
