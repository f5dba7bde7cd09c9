"""A strange `tokenizer.json`, checked before it is used: from a reader's disk, or from the Hub.

Everything in it is data, and still it can be made to take forever or all memory. What can be seen from outside
is refused here, in one sentence; what cannot (a pattern that never ends) is for whoever asks it, in a process
that can be ended (`playground.guarded`).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import tokenizers

from zoo.tokenizers import Tokenizer

LARGEST = 32 * 2**20
"""Bytes of the file."""
ENTRIES = 1_000_000
"""Of the vocabulary."""
DEEPEST = 32
LONGEST_NUMBER = 100
"""Digits of a number."""
STEPS = 64
"""In a sequence of normalisers, pre-tokenisers or decoders."""
ALLOWED = {
    "model": {"BPE", "Unigram", "WordLevel", "WordPiece"},
    "normalizer": set(
        "BertNormalizer ByteLevel Lowercase NFC NFD NFKC NFKD Nmt Precompiled Prepend Replace Sequence Strip "
        "StripAccents".split()
    ),
    "pre_tokenizer": set(
        "BertPreTokenizer ByteLevel CharDelimiterSplit Digits FixedLength Metaspace Punctuation Sequence Split "
        "UnicodeScripts Whitespace WhitespaceSplit".split()
    ),
    "post_processor": {"BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing"},
    "decoder": set("BPEDecoder ByteFallback ByteLevel CTC Fuse Metaspace Replace Sequence Strip WordPiece".split()),
}
"""Part of the file -> the types that the library has for it."""
_WAY_OUT = "Choose the file tokenizer.json from a model's folder."


def read_foreign(content: bytes) -> Tokenizer:
    """The tokenizer of a strange `tokenizer.json`, without truncation, padding and dropout.

    Raises:
        ValueError: it is none, or not a sound one; the message is one or two sentences for the reader.
    """
    if len(content) > LARGEST:
        raise ValueError(
            f"A tokenizer.json of at most {LARGEST // 2**20} MB can be read, and this has more. {_WAY_OUT}"
        )
    data = _parsed(content)
    if not isinstance(data, dict) or not isinstance(data.get("model"), dict):
        raise ValueError(f"This file is JSON, but no tokenizer: it has no part named model. {_WAY_OUT}")
    _check_depth({name: part for name, part in data.items() if name != "model"})
    _check_types(data)
    entries = _check_vocabulary(data["model"])
    _check_added(data.get("added_tokens") or [], entries)
    if "dropout" in data["model"]:
        data["model"]["dropout"] = None  # it is for training, and would give other tokens each time
    return _built(data)


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_no_number, parse_int=_whole_number
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"This file is not UTF-8 text (byte {error.start:,}). {_WAY_OUT}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"This file is not JSON (line {error.lineno:,}: {error.msg}). {_WAY_OUT}") from error
    except RecursionError as error:
        raise _too_deep() from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"The name {_short(twice)} stands twice in this file, so one of the two would be lost.")
    return made


def _no_number(name: str) -> Any:
    raise ValueError(f"This file holds {name}, which is no number in JSON. {_WAY_OUT}")


def _whole_number(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"A number in this file has {len(digits):,} digits. {_WAY_OUT}")
    return int(digits)


def _check_depth(part: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise _too_deep()
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for each in inner:
        if isinstance(each, dict | list):
            _check_depth(each, depth + 1)


def _too_deep() -> ValueError:
    return ValueError(f"The parts of this file lie in each other more than {DEEPEST} deep. {_WAY_OUT}")


def _check_types(data: dict[str, Any]) -> None:
    data["model"].setdefault("type", _model_type(data["model"]))
    for name, allowed in ALLOWED.items():
        part = data.get(name)
        if part is None:
            continue
        for kind in _types(name, part):
            if kind not in allowed:
                raise ValueError(
                    f"The {name.replace('_', '-')} of this file is of a type {_short(kind)}, which is unknown here; "
                    f"known are {', '.join(sorted(allowed))}."
                )


def _model_type(model: dict[str, Any]) -> str:
    """Files of before 2020 leave it out."""
    if "merges" in model:
        return "BPE"
    if isinstance(model.get("vocab"), list):
        return "Unigram"
    return "WordPiece" if "continuing_subword_prefix" in model else "WordLevel"


def _types(name: str, part: Any) -> Iterable[Any]:
    """The types of a part and of all that it consists of."""
    if not isinstance(part, dict):
        raise ValueError(f"The {name.replace('_', '-')} of this file is no object with a type. {_WAY_OUT}")
    yield part.get("type")
    inner = [each for key in _SEQUENCES for each in part.get(key) or [] if part.get("type") == "Sequence"]
    if len(inner) > STEPS:
        raise ValueError(f"The {name.replace('_', '-')} of this file has more than {STEPS} steps. {_WAY_OUT}")
    for each in inner:
        yield from _types(name, each)


_SEQUENCES = ("normalizers", "pretokenizers", "decoders", "processors")


def _check_vocabulary(model: dict[str, Any]) -> int:
    """How many entries the vocabulary has."""
    vocab = model.get("vocab")
    if not isinstance(vocab, list if model["type"] == "Unigram" else dict):
        raise ValueError(f"The vocabulary of this file is missing, or not of the form that its model needs. {_WAY_OUT}")
    merges = model.get("merges") or []
    if max(len(vocab), len(merges) if isinstance(merges, list) else 0) > ENTRIES:
        raise ValueError(f"A vocabulary of at most {ENTRIES:,} entries can be read, and this has {len(vocab):,}.")
    if isinstance(vocab, list):
        _check_pieces(vocab)
    else:
        _check_ids(vocab)
    return len(vocab)


def _check_pieces(vocab: list[Any]) -> None:
    """Of Unigram: pairs of a piece and the logarithm of its probability."""
    seen: set[str] = set()
    for place, entry in enumerate(vocab):
        match entry:
            case [str(piece), int() | float() as score] if math.isfinite(score):
                if piece in seen:
                    raise ValueError(f"The piece {_short(piece)} stands twice in the vocabulary of this file.")
                seen.add(piece)
            case _:
                raise ValueError(f"Entry {place:,} of the vocabulary is not a piece with a score. {_WAY_OUT}")


def _check_ids(vocab: dict[str, Any]) -> None:
    if not all(type(i) is int and i >= 0 for i in vocab.values()):
        raise ValueError(f"An id in the vocabulary of this file is no whole number from 0 on. {_WAY_OUT}")
    if len(set(vocab.values())) < len(vocab):
        raise ValueError(
            "Two entries in the vocabulary of this file have the same id, so one could never be read back."
        )
    if vocab and max(vocab.values()) > 2 * len(vocab) + 1000:
        raise ValueError(
            f"The ids of this file go up to {max(vocab.values()):,}, but it has only {len(vocab):,} entries: "
            "a sound vocabulary counts them one after another."
        )


def _check_added(added: Any, entries: int) -> None:
    sound = isinstance(added, list) and len(added) <= ENTRIES
    for each in added if sound else ():
        sound = sound and isinstance(each, dict) and isinstance(each.get("content"), str) and bool(each["content"])
        sound = sound and type(each.get("id")) is int and 0 <= each["id"] <= 2 * (entries + len(added)) + 1000
    if not sound:
        raise ValueError(f"The added tokens of this file are no list of tokens with an id and a content. {_WAY_OUT}")


def _built(data: dict[str, Any]) -> Tokenizer:
    """What the library makes of it, tried on a short text."""
    try:
        made = Tokenizer(tokenizers.Tokenizer.from_str(json.dumps(data)))
    except BaseException as error:  # a panic of the library is no Exception
        raise _failed(error, "The tokenizers library cannot read this file") from error
    for each in data.get("added_tokens") or []:
        if (got := made.raw.token_to_id(each["content"])) != each["id"]:
            raise ValueError(
                f"The added token {_short(each['content'])} should have the id {each['id']:,} and would get {got:,}: "
                "the ids of this file have a gap."
            )
    try:
        made.decode(made.encode("A text, to try.").ids)
    except BaseException as error:
        raise _failed(error, "This tokenizer cannot cut a plain English text") from error
    return made


def _failed(error: BaseException, what: str) -> ValueError:
    if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
        raise error
    return ValueError(f"{what}: {_short(str(error), 200)}. {_WAY_OUT}")


def _short(name: object, most: int = 40) -> str:
    """User data in a sentence: on one line, and not too long."""
    text = " ".join(str(name).split())
    return text if len(text) <= most else text[: most - 1] + "…"
