"""Explaining ends in the library's own tokens: for all our kinds, for those of others, and for any text."""

from __future__ import annotations

import gc
import json
import weakref
from functools import cache
from pathlib import Path

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers

from zoo.tokenizers import KINDS, Tokenizer, train_tokenizer
from zoo.tokenizers.explain import Explanation, explain, replay
from zoo.tokenizers.explain.state import _STATES, state_of

CORPUS = [
    "The cat sat on the mat. The dog sat on the log.\n",
    "Caf\u00e9 \u00fcber \u65e5\u672c\u8a9e!",
    "a < b | c > d",
]
NASTY = (
    "",
    "\x00",
    "e\u0301 and \u0301",
    "\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f1e9\U0001f1ea",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 the \u200fcat",
    "<0x41><unk> ##a </w> <|endoftext|>b",
    "\u2581 \u0120\u0100 \u00a0\u3000",
    "one\r\ntwo\rthree\n\n \t  \u2028",
    " leading and trailing ",
    "\ufeff\uffff\U0010ffff",
    "\ufb01 \uff21 \u00b2 \u212b \u0130",
    "The cat\u00e9gory " * 40,
    "a" * 300,
)


def nasty(test):
    for text in NASTY:
        test = example(text=text)(test)
    return test


def check(tokenizer: Tokenizer, text: str) -> Explanation:
    """The replay and the explanation end in the tokens of the library."""
    encoded = tokenizer.encode(text)
    assert replay(tokenizer, text) == encoded.ids
    whole = explain(tokenizer, text, most=10**6)
    assert [i for word in whole.words for i in word.ids] == encoded.ids
    assert [piece for word in whole.words for piece in word.pieces] == encoded.pieces
    assert len(whole.words) == whole.total_words
    for stage in whole.stages:
        assert len(stage.pieces) == len(stage.spans) == stage.total
        assert stage.title
        assert stage.sentence.endswith(".")
    for start, end in [*(span for stage in whole.stages for span in stage.spans), *(word.span for word in whole.words)]:
        assert 0 <= start <= end <= len(text)
    return whole


# --- ours ---

TRAINED = {kind: train_tokenizer(kind, CORPUS, 320) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@nasty
@settings(max_examples=60)
@given(text=st.text())
def test_any_text(kind, text):
    check(TRAINED[kind], text)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(text=st.text("Thecatsond. \n\u00e9\u65e5|<", max_size=60))
def test_texts_that_the_tokenizer_half_knows(kind, text):
    check(TRAINED[kind], text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("char", ["a", "\u00e9", " "])
def test_a_megabyte_of_one_character(kind, char):
    text = char * (1_000_000 // len(char.encode()))
    expected = TRAINED[kind].encode_batch([text])[0]
    assert replay(TRAINED[kind], text) == expected
    beginning = explain(TRAINED[kind], text, most=20)
    ids = [i for word in beginning.words for i in word.ids]
    assert ids == expected[: len(ids)]
    assert len(beginning.words) == min(20, beginning.total_words)


@settings(max_examples=60)
@nasty
@given(text=st.text())
def test_a_tokenizer_of_the_llama_family(stories260k, text):
    check(_cached(stories260k / "tokenizer.json"), text)


@cache
def _cached(path: Path) -> Tokenizer:
    return Tokenizer.load(path)


# --- of others ---


def bpe(merges: str, decoder=None, pre=None, normalizer=None, more=(), added=(), **options) -> Tokenizer:
    """A BPE tokenizer with these merges, such as "t h, th e", and the characters that they need."""
    inside = options.get("continuing_subword_prefix", "")
    pairs = [(left, right) for left, right in (entry.split(" ") for entry in merges.split(", "))]
    names = [*more, *(each for pair in pairs for each in pair), *(a + b[len(inside) :] for a, b in pairs)]
    vocab = {name: i for i, name in enumerate(dict.fromkeys(names))}
    raw = tokenizers.Tokenizer(models.BPE(vocab=vocab, merges=pairs, **options))
    for part, value in (("decoder", decoder), ("pre_tokenizer", pre), ("normalizer", normalizer)):
        if value is not None:
            setattr(raw, part, value)
    raw.add_tokens(list(added))
    return Tokenizer(raw)


BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
ALPHABET = sorted(pre_tokenizers.ByteLevel.alphabet())
OTHERS = {
    "gpt2": bpe(
        "t h, th e, \u0120 the, a t, \u0120 t, \u0120t he, c at, \u00c3 \u00a9",
        decoders.ByteLevel(),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        more=ALPHABET,
    ),
    "deepseek": bpe(
        "t h, th e, \u0120 the, a t, 1 2, \u00e6 \u0139",
        decoders.ByteLevel(),
        pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), "isolated"),
                pre_tokenizers.Split(Regex("[\u4e00-\u9fa5]+"), "isolated"),
                pre_tokenizers.Sequence([pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
            ]
        ),
        more=ALPHABET,
        added=[AddedToken("<think>", normalized=True), AddedToken("<a>", normalized=False, rstrip=True)],
    ),
    "llama": bpe(
        "\u2581 t, h e, \u2581t he, a t, e \u2581",
        decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]),
        normalizer=normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]),
        more=["<unk>", *BYTES],
        byte_fallback=True,
        fuse_unk=True,
        unk_token="<unk>",
    ),
    "half the bytes": bpe("t h, th e", more=["<unk>", *BYTES[:140]], byte_fallback=True, unk_token="<unk>"),
    "half the bytes, fused": bpe(
        "t h, th e", more=["<unk>", *BYTES[:140]], byte_fallback=True, unk_token="<unk>", fuse_unk=True
    ),
    "whole words first": bpe("t h", pre=pre_tokenizers.Whitespace(), more=["the", "cat", "e"], ignore_merges=True),
    "no unknown": bpe("t h, th e, a t"),
    "unknown fused": bpe("t h, th e, <unk> e", more=["<unk>"], unk_token="<unk>", fuse_unk=True),
    "prefix": bpe(
        "t ##h, th ##e, ##a ##t",
        pre=pre_tokenizers.BertPreTokenizer(),
        more=["c", "##c", "[UNK]"],
        continuing_subword_prefix="##",
        unk_token="[UNK]",
    ),
    "suffix": bpe(
        "t h, th e</w>, a t</w>, c at</w>",
        decoders.BPEDecoder(),
        pre_tokenizers.WhitespaceSplit(),
        normalizers.Lowercase(),
        more=["e", "t", "a</w>"],
        end_of_word_suffix="</w>",
    ),
    "a later merge makes the same": bpe("a b, b c, ab c, a bc, c d, abc d, ab cd"),
}


@pytest.mark.parametrize("name", OTHERS)
@nasty
@settings(max_examples=40)
@given(text=st.text() | st.text("thecat abcd12\u00e9\u65e5\u2581<>ink\n", max_size=60))
def test_tokenizers_of_others(name, text):
    check(OTHERS[name], text)


# --- a tokenizer of any parts ---

NORMALIZERS = [
    normalizers.NFC(),
    normalizers.NFD(),
    normalizers.NFKD(),
    normalizers.Lowercase(),
    normalizers.StripAccents(),
    normalizers.Strip(),
    normalizers.Strip(left=True, right=False),
    normalizers.Replace(" ", "\u2581"),
    normalizers.Replace(Regex(r"\s+"), " "),
    normalizers.Replace("a", "bb"),
    normalizers.Prepend("\u2581"),
    normalizers.BertNormalizer(),
    normalizers.ByteLevel(),
]
PRE_TOKENIZERS = [
    pre_tokenizers.BertPreTokenizer(),
    pre_tokenizers.ByteLevel(add_prefix_space=True),
    pre_tokenizers.CharDelimiterSplit("b"),
    pre_tokenizers.Digits(individual_digits=True),
    pre_tokenizers.Metaspace(prepend_scheme="always"),
    pre_tokenizers.Metaspace(prepend_scheme="first", split=False),
    pre_tokenizers.Punctuation("merged_with_previous"),
    pre_tokenizers.Split(Regex(r"\w+|[^\w\s]+"), "removed", invert=True),
    pre_tokenizers.Split("a", "contiguous"),
    pre_tokenizers.FixedLength(length=3),
]
LETTERS = "aabbcAB  \t\n.,1\u00e9\u0301\ufb01\u65e5\u200d_\u2581\x1c\u0345\u2167<>t"
WORDS = st.text(LETTERS, min_size=1, max_size=4)


@st.composite
def bpe_models(draw):
    chars = draw(st.sets(st.sampled_from(LETTERS), min_size=3))
    names = [*sorted(chars), "<unk>", *(BYTES if draw(st.booleans()) else BYTES[:100])]
    merges = []
    for left, right in draw(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=25)):
        symbols = [name for name in names if not name.startswith("<0x")]
        pair = symbols[left % len(symbols)], symbols[right % len(symbols)]
        if pair not in merges:
            merges.append(pair)
            names += ["".join(pair)] if "".join(pair) not in names else []
    flags = {name: draw(st.booleans()) for name in ("byte_fallback", "fuse_unk", "ignore_merges")}
    unknown = {"unk_token": "<unk>"} if draw(st.booleans()) else {}
    return models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=merges, **flags, **unknown)


@st.composite
def unigram_models(draw):
    scores = st.sampled_from([-1.0, -2.0, -2.0, -3.0, -4.5, -7.25, -40.0])
    pieces = draw(st.dictionaries(WORDS, scores, min_size=1, max_size=60))
    in_bytes = {name: -9.0 for name in (BYTES if draw(st.booleans()) else [])}
    vocab = {"<unk>": 0.0} | pieces | in_bytes
    return models.Unigram(list(vocab.items()), 0, draw(st.booleans()))


@st.composite
def other_models(draw):
    names = dict.fromkeys(["<unk>", *draw(st.lists(WORDS, max_size=60)), *LETTERS, *(f"##{char}" for char in LETTERS)])
    vocab = {name: i for i, name in enumerate(names)}
    if draw(st.booleans()):
        return models.WordLevel(vocab=vocab, unk_token="<unk>")
    return models.WordPiece(vocab=vocab, unk_token="<unk>", max_input_chars_per_word=draw(st.sampled_from([5, 100])))


ADDED = st.builds(
    AddedToken,
    st.sampled_from(["<t>", "<t", "ab", "a", " b", "  ", " ", "B", "aB", "fi", "\u2581", "\u00e9", "\n"]),
    single_word=st.booleans(),
    lstrip=st.booleans(),
    rstrip=st.booleans(),
    normalized=st.booleans(),
    special=st.booleans(),
)


@st.composite
def any_tokenizers(draw):
    raw = tokenizers.Tokenizer(draw(bpe_models() | unigram_models() | other_models()))
    if chosen := draw(st.lists(st.sampled_from(NORMALIZERS), max_size=3)):
        raw.normalizer = normalizers.Sequence(chosen)
    if cut := draw(st.lists(st.sampled_from(PRE_TOKENIZERS), max_size=3)):
        raw.pre_tokenizer = pre_tokenizers.Sequence(cut)
    for token in draw(st.lists(ADDED, max_size=4, unique_by=lambda token: token.content)):
        (raw.add_special_tokens if token.special else raw.add_tokens)([token])
    tokenizer = Tokenizer(tokenizers.Tokenizer.from_str(raw.to_str()))
    tokenizer.raw.encode_special_tokens = draw(st.booleans())
    return tokenizer


def complaint(question, *asked) -> str:
    """What is said instead of an answer; a panic of the library is no Exception."""
    try:
        question(*asked)
    except BaseException as error:
        return str(error)
    return ""


@settings(max_examples=400)
@given(tokenizer=any_tokenizers(), texts=st.lists(st.text(LETTERS, max_size=80), min_size=1, max_size=5))
def test_tokenizers_of_any_parts(tokenizer, texts):
    if words := complaint(state_of, tokenizer):
        assert "the normaliser" in words  # erases an added token, or makes two the same
        return
    for text in texts:
        if words := complaint(tokenizer.encode, text):
            assert "bad split" in words  # the library stops where two added tokens swallow the same blanks
        else:
            check(tokenizer, text)


# --- the explanation itself ---


@pytest.mark.parametrize("name", ["bpe", "wordpiece", "unigram", "word"])
def test_an_explanation_travels_as_json(name):
    adapter = TypeAdapter(Explanation)
    for text in NASTY:
        whole = explain(TRAINED[name], text)
        assert adapter.validate_json(adapter.dump_json(whole)) == whole
        assert adapter.validate_python(json.loads(json.dumps(adapter.dump_python(whole)))) == whole


def test_only_the_beginning_is_kept():
    text = "The cat sat on the mat. " * 50
    whole, beginning = (explain(TRAINED["bpe"], text, most=most) for most in (10**6, 7))
    assert beginning.words == whole.words[:7]
    assert beginning.total_words == whole.total_words > 300
    assert [stage.pieces for stage in beginning.stages] == [stage.pieces[:7] for stage in whole.stages]
    assert [stage.total for stage in beginning.stages] == [stage.total for stage in whole.stages]


# --- keeping ---


def test_a_tokenizer_is_taken_apart_once_and_let_go_with_it():
    tokenizer = train_tokenizer("byte", [], 257)
    assert state_of(tokenizer) is state_of(tokenizer)
    gone = weakref.ref(tokenizer)
    kept = len(_STATES)
    del tokenizer
    gc.collect()
    assert gone() is None
    assert len(_STATES) == kept - 1
