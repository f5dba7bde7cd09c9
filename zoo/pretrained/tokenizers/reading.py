"""From the files in which others keep their trained tokenizers to the `tokenizers` library's own.

Used by `zoo.pretrained.tokenizers.packaged`, which knows where the files lie and what they are called.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers

from zoo.pretrained.tokenizers.ranks import merges_of
from zoo.tokenizers.spelling import BYTES
from zoo.tokenizers.tokenizer import END_OF_TEXT

_BYTE_NAMES = {byte: char for char, byte in BYTES.items()}
_SPACE = "\u2581"
"""How SentencePiece writes a space."""


def gpt2(vocab: Path, merges: Path) -> tokenizers.Tokenizer:
    """`encoder.json` and `vocab.bpe`, as GPT-2 was published."""
    names = json.loads(vocab.read_bytes())
    special = names.pop(END_OF_TEXT)
    lines = merges.read_text(encoding="utf-8").split("\n")[1:]  # the first is a comment
    pairs = [(left, right) for left, _, right in (line.partition(" ") for line in lines if line)]
    raw = tokenizers.Tokenizer(models.BPE(vocab=names, merges=pairs))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    return _with_special(raw, {END_OF_TEXT: special})


def tokenizer_json(file: Path) -> tokenizers.Tokenizer:
    """The library's own format."""
    return tokenizers.Tokenizer.from_file(str(file))


def tiktoken(pattern: str, special: Sequence[str]) -> Callable[[Path], tokenizers.Tokenizer]:
    """A reader of tiktoken's format: a line for each token, with its bytes and its rank; NFC first, as Qwen has it.

    `pattern` cuts a text into words; the `special` tokens get the ids behind the ranks.
    """

    def read(file: Path) -> tokenizers.Tokenizer:
        entries = (line.split() for line in file.read_bytes().splitlines() if line)
        raw = _ranked({base64.b64decode(token): int(rank) for token, rank in entries}, 0, pattern)
        raw.normalizer = normalizers.NFC()
        first = raw.get_vocab_size()
        return _with_special(raw, {name: first + n for n, name in enumerate(special)})

    return read


def tekken(file: Path) -> tokenizers.Tokenizer:
    """Mistral's format: ranks and pattern in one JSON file; the special tokens come first."""
    data = json.loads(file.read_bytes())
    settings = data["config"]
    first, size = settings["default_num_special_tokens"], settings["default_vocab_size"]
    ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in data["vocab"][: size - first]}
    names = {name: i for i, name in enumerate(TEKKEN_SPECIAL)}
    return _with_special(_ranked(ranks, first, settings["pattern"], names), names)


def sentencepiece_bpe(file: Path) -> tokenizers.Tokenizer:
    """A SentencePiece model (Kudo and Richardson 2018): BPE on characters, with bytes for those that it lacks."""
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=str(file))
    ids = range(model.get_piece_size())
    vocab = {model.id_to_piece(i): i for i in ids}
    special = [i for i in ids if model.is_unknown(i) or model.is_control(i)]
    apart = {*special, *(i for i in ids if model.is_byte(i) or model.is_unused(i))}
    merges, _ = merges_of({name: -model.get_score(i) for name, i in vocab.items() if i not in apart})
    unknown = model.id_to_piece(model.unk_id())
    raw = tokenizers.Tokenizer(
        models.BPE(vocab=vocab, merges=merges, unk_token=unknown, fuse_unk=True, byte_fallback=True)
    )
    raw.normalizer = normalizers.Sequence([normalizers.Prepend(_SPACE), normalizers.Replace(" ", _SPACE)])
    steps = [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    raw.decoder = decoders.Sequence(steps)
    return _with_special(raw, {model.id_to_piece(i): i for i in special})


def _ranked(
    ranks: Mapping[bytes, int], first: int, pattern: str, more: Mapping[str, int] | None = None
) -> tokenizers.Tokenizer:
    """Byte-level BPE from ranked bytes, whose ids begin at `first`; `more` are further entries of the vocabulary.

    A token that no merge makes is only found where it is a whole word: tiktoken looks for those before it merges.
    """
    names = {token.decode("latin-1").translate(_BYTE_NAMES): rank for token, rank in ranks.items()}
    merges, unmade = merges_of(names)
    vocab = {**(more or {}), **{name: first + rank for name, rank in names.items()}}
    raw = tokenizers.Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=bool(unmade)))
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    raw.decoder = decoders.ByteLevel()
    return raw


def _with_special(raw: tokenizers.Tokenizer, special: Mapping[str, int]) -> tokenizers.Tokenizer:
    """The same with special tokens, each of which must get its own id."""
    ordered = sorted(special, key=special.__getitem__)
    raw.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in ordered])
    if any(raw.token_to_id(name) != i for name, i in special.items()):
        raise ValueError("the special tokens have other ids")
    return raw


def _qwen_pattern(letter: str, word: str) -> str:
    """How Qwen cuts a text: `letter` is what a word consists of, `word` also what a number does."""
    first = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?"
    return first + letter + r"+|\p{N}| ?[^\s" + word + r"]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


QWEN2_PATTERN = _qwen_pattern(r"\p{L}", r"\p{L}\p{N}")
QWEN2_SPECIAL = [END_OF_TEXT, "<|im_start|>", "<|im_end|>", *(f"<|extra_{n}|>" for n in range(205))]
QWEN_PATTERN = _qwen_pattern(r"[\p{L}\p{M}]", r"\p{L}\p{M}\p{N}")
QWEN_SPECIAL = [
    *(END_OF_TEXT, "<|im_start|>", "<|im_end|>"),
    *(f"<|{what}_{end}|>" for what in ("object_ref", "box", "quad", "vision") for end in ("start", "end")),
    *"<|vision_pad|> <|image_pad|> <|video_pad|> <tool_call> </tool_call> <|fim_prefix|> <|fim_middle|>".split(),
    *"<|fim_suffix|> <|fim_pad|> <|repo_name|> <|file_sep|> <tool_response> </tool_response> <think> </think>".split(),
    *"<|audio_start|> <|audio_end|> <tts_pad> <tts_text_bos> <tts_text_eod> <tts_text_bos_single>".split(),
    "<|audio_pad|>",
]
TEKKEN_SPECIAL = [
    *"<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS]".split(),
    *"[TOOL_CALLS] [IMG] <pad> [IMG_BREAK] [IMG_END] [PREFIX] [MIDDLE] [SUFFIX] [SYSTEM_PROMPT]".split(),
    *"[/SYSTEM_PROMPT] [TOOL_CONTENT]".split(),
]
TEKKEN_SPECIAL += [f"<SPECIAL_{n}>" for n in range(len(TEKKEN_SPECIAL), 1000)]
"""Ids 0 to 999 of Tekken, most of them for later use. The files name the special tokens of neither."""
