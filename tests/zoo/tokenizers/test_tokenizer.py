"""Tokenizers: any text comes back, pieces are what the ids write, and a file is the tokenizer."""

from __future__ import annotations

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers
from transformers.convert_slow_tokenizer import bytes_to_unicode

from zoo.tokenizers import KINDS, Tokenizer, kind_of, train_tokenizer
from zoo.tokenizers.spelling import BYTES
from zoo.tokenizers.tokenizer import END_OF_TEXT
from zoo.tokenizers.train import UNKNOWN

CORPUS = [
    "The cat sat on the mat. The dog sat on the log.\n",
    "Caf\u00e9 \u00fcber \u65e5\u672c\u8a9e!",
    "a < b | c > d",
]
LOSSLESS = ("byte", "bpe", "char")
WHOLE = tuple(kind for kind in KINDS if kind not in ("wordpiece", "unigram"))
"""Those whose tokens cover the text: WordPiece drops blanks, and both rewrite characters first."""
TRAINED = {kind: train_tokenizer(kind, CORPUS, 320) for kind in KINDS}
ODD = (
    "\x00",
    "e\u0301 and \u0301",
    "\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f1e9\U0001f1ea",
    "<0x41>",
    END_OF_TEXT,
    f"a{END_OF_TEXT}b{UNKNOWN}",
    "\u2581 \u0120\u0100 \u00a0\u3000",
    "\r\n \t  \u2028",
    " leading and trailing ",
    "\ufeff\uffff\U0010ffff",
    "",
)


def odd(test):
    for text in ODD:
        test = example(text=text)(test)
    return test


# --- any text comes back ---


@pytest.mark.parametrize("kind", LOSSLESS)
@odd
@settings(max_examples=150)
@given(text=st.text())
def test_any_text_comes_back(kind, text):
    tokenizer = TRAINED[kind]
    encoding = tokenizer.encode(text)
    assert tokenizer.decode(encoding.ids) == text
    assert tokenizer.encode_batch([text]) == [encoding.ids]
    assert all(0 <= i < tokenizer.vocab_size for i in encoding.ids)


@odd
@settings(max_examples=100)
@given(text=st.text())
def test_known_words_come_back_and_nothing_is_lost(text):
    knows_it = train_tokenizer("word", [text], 1000)
    assert "".join(knows_it.encode(text).pieces) == text
    assert knows_it.decode(knows_it.encode(text).ids) == text


@pytest.mark.parametrize("kind", KINDS)
@odd
@settings(max_examples=60)
@given(text=st.text())
def test_a_typed_text_never_becomes_a_special_token(kind, text):
    tokenizer = TRAINED[kind]
    assert tokenizer.end_of_text not in tokenizer.encode(text).ids
    assert tokenizer.end_of_text not in tokenizer.encode_batch([text])[0]


def test_unknown_words_are_shown_as_unknown():
    encoding = TRAINED["word"].encode("The zebra sat")
    assert encoding.pieces == ["The", UNKNOWN, " sat"]
    assert TRAINED["word"].decode(encoding.ids) == f"The{UNKNOWN} sat"


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_character_is_refused(kind):
    with pytest.raises(ValueError, match="the text is not valid Unicode at character 2"):
        TRAINED[kind].encode("ab\ud800")
    with pytest.raises(ValueError, match="not valid Unicode at character 0"):
        TRAINED[kind].encode_batch(["fine", "\udfff"])


# --- pieces ---


@pytest.mark.parametrize("kind", KINDS)
@odd
@settings(max_examples=60)
@given(text=st.text())
def test_pieces_belong_to_the_ids(kind, text):
    tokenizer = TRAINED[kind]
    encoding = tokenizer.encode(text)
    assert encoding.pieces == [tokenizer.piece(i) for i in encoding.ids]
    assert len(encoding.offsets) == len(encoding.ids)
    assert all(0 <= start <= end <= len(text) for start, end in encoding.offsets)


@pytest.mark.parametrize("kind", WHOLE)
@odd
@settings(max_examples=80)
@given(text=st.text())
def test_offsets_cover_the_text(kind, text):
    encoding = TRAINED[kind].encode(text)
    assert {at for start, end in encoding.offsets for at in range(start, end)} == set(range(len(text)))


@pytest.mark.parametrize("kind", LOSSLESS)
@settings(max_examples=80)
@given(text=st.text(st.characters(max_codepoint=127)))
def test_pieces_of_whole_characters_join_to_the_text(kind, text):
    assert "".join(TRAINED[kind].encode(text).pieces) == text  # of ASCII every byte is a whole character


@pytest.mark.parametrize("kind", LOSSLESS)
@odd
@settings(max_examples=80)
@given(text=st.text())
def test_pieces_with_their_bytes_read_back_join_to_the_text(kind, text):
    tokenizer = TRAINED[kind]
    encoding = tokenizer.encode(text)
    raw = b"".join(_bytes(tokenizer, i) for i in encoding.ids)
    assert raw.decode() == text


def _bytes(tokenizer: Tokenizer, token_id: int) -> bytes:
    """The bytes of one piece: a stand-in such as <0xE2> is one byte, anything else is itself."""
    piece = tokenizer.piece(token_id)
    alone = tokenizer.decode([token_id])
    if "\ufffd" not in alone or "\ufffd" in piece:
        return piece.encode()
    raw = b""
    while piece:
        head, piece = (piece[:6], piece[6:]) if piece.startswith("<0x") else (piece[0], piece[1:])
        raw += bytes([int(head[3:5], 16)]) if len(head) == 6 else head.encode()
    return raw


def test_part_of_a_character_is_shown_as_its_byte():
    assert TRAINED["byte"].encode("\u00e9a").pieces == ["<0xC3>", "<0xA9>", "a"]
    assert TRAINED["char"].encode("\u00e9\u00eaZ").pieces == ["\u00e9", "<0xC3>", "<0xAA>", "Z"]


def test_a_piece_that_ends_inside_a_character_shows_what_is_whole():
    vocab = {name: i for i, name in enumerate([*pre_tokenizers.ByteLevel.alphabet(), "\u0120\u00e2"])}
    raw = tokenizers.Tokenizer(models.BPE(vocab=vocab, merges=[("\u0120", "\u00e2")]))
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    assert Tokenizer(raw).encode(" \u2014").pieces == [" <0xE2>", "<0x80>", "<0x94>"]


def test_an_id_out_of_the_vocabulary_is_shown_as_a_number():
    assert TRAINED["byte"].piece(99_999) == "<99999>"
    assert TRAINED["byte"].piece(-1) == "<-1>"


def test_the_space_mark_of_sentencepiece_is_a_space_only_where_the_tokenizer_says_so(stories260k):
    llama = Tokenizer.load(stories260k / "tokenizer.json")
    assert "".join(llama.encode("Once upon a time").pieces) == " Once upon a time"
    assert "\n" in llama.encode("a\nb").pieces
    assert train_tokenizer("char", ["\u2581"], 300).encode("\u2581").pieces == ["\u2581"]


def test_the_byte_table_is_gpt2s_and_the_librarys():
    assert {byte: char for char, byte in BYTES.items()} == bytes_to_unicode()
    assert set(BYTES) == set(pre_tokenizers.ByteLevel.alphabet())
    assert sorted(BYTES.values()) == list(range(256))


# --- training ---


def test_vocabulary_sizes():
    assert TRAINED["byte"].vocab_size == 257
    assert train_tokenizer("byte", CORPUS, 4000).vocab_size == 257
    assert train_tokenizer("bpe", CORPUS, 257).vocab_size == 257
    assert 257 < TRAINED["bpe"].vocab_size <= 320
    assert train_tokenizer("bpe", CORPUS, 290).vocab_size == 290
    assert 257 < TRAINED["char"].vocab_size <= 320
    assert train_tokenizer("char", CORPUS, 260).vocab_size == 260
    assert train_tokenizer("word", CORPUS, 6).vocab_size == 6


def test_merges_shorten_the_text():
    text = CORPUS[0]
    lengths = [len(TRAINED[kind].encode(text).ids) for kind in ("byte", "bpe", "word")]
    assert lengths[0] == len(text)
    assert lengths[0] > 2 * lengths[1] >= 2 * lengths[2]


def test_the_first_merge_is_the_most_frequent_pair():
    tokenizer = train_tokenizer("bpe", ["abab abab cd"], 258)
    assert tokenizer.piece(257) == "ab"


def test_a_character_tokenizer_keeps_the_most_frequent():
    tokenizer = train_tokenizer("char", ["aaabbc"], 257 + 2)
    assert tokenizer.encode("abc").pieces == ["a", "b", "c"]
    assert tokenizer.raw.token_to_id("b") is not None
    assert tokenizer.raw.token_to_id("c") is None  # written as its byte


@pytest.mark.parametrize(
    ("kind", "size", "words"),
    [
        ("bpe", 256, "a byte-level tokenizer needs 257 entries"),
        ("char", 257, "a character tokenizer needs room for 256 bytes"),
        ("word", 2, "a word tokenizer needs room for"),
        ("syllable", 300, "unknown tokenizer kind 'syllable'; choose one of char, byte, word, bpe"),
    ],
)
def test_a_kind_or_a_size_that_cannot_be_is_refused(kind, size, words):
    with pytest.raises(ValueError, match=words):
        train_tokenizer(kind, CORPUS, size)


@pytest.mark.parametrize("text", ["a" * 30, "the \u2585 cat sat on the mat"])
def test_a_text_that_unigram_can_learn_nothing_from_is_told(text):
    with pytest.raises(ValueError, match="found nothing to learn in this text: write more, and different, words"):
        train_tokenizer("unigram", [text], 300)


def test_too_many_characters_for_unigram_are_told():
    with pytest.raises(ValueError, match="too many different characters for 300 entries"):
        train_tokenizer("unigram", ["".join(chr(0x4E00 + n) for n in range(900))], 300)


def test_what_unigram_asks_for_helps():
    assert train_tokenizer("unigram", ["a" * 30, "and the cat"], 300).encode("a cat").ids
    assert train_tokenizer("unigram", ["the cat sat on the mat"], 300).encode("a cat").ids


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_corpus_still_gives_a_tokenizer(kind):
    tokenizer = train_tokenizer(kind, [], 300)
    assert tokenizer.end_of_text is not None
    assert tokenizer.encode("ab").ids


# --- files ---


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_tokenizer_is_the_same(kind, tmp_path):
    before = TRAINED[kind]
    before.save(tmp_path / "tokenizer.json")
    after = Tokenizer.load(tmp_path / "tokenizer.json")
    assert after.hash == before.hash
    assert [after.encode(text) for text in (*CORPUS, *ODD)] == [before.encode(text) for text in (*CORPUS, *ODD)]


@pytest.mark.parametrize("kind", KINDS)
def test_training_twice_gives_one_hash(kind):
    assert train_tokenizer(kind, CORPUS, 320).hash == TRAINED[kind].hash


def test_the_separator_is_a_single_id():
    for kind in KINDS:
        separator = TRAINED[kind].end_of_text
        assert separator is not None
        assert TRAINED[kind].piece(separator) == END_OF_TEXT
        assert TRAINED[kind].decode([separator]) == END_OF_TEXT


def test_different_tokenizers_have_different_hashes():
    assert len({tokenizer.hash for tokenizer in TRAINED.values()}) == len(KINDS)


def test_no_text_is_cut_off_or_filled_up(tmp_path):
    raw = tokenizers.Tokenizer.from_str(TRAINED["byte"].raw.to_str())
    raw.enable_truncation(5)
    raw.enable_padding(length=8)
    raw.save(str(tmp_path / "tokenizer.json"))
    assert len(raw.encode("abcdef").ids) == 8
    for tokenizer in (Tokenizer.load(tmp_path / "tokenizer.json"), Tokenizer(raw)):
        for text in ("a" * 640, "ab"):
            assert tokenizer.decode(tokenizer.encode(text).ids) == text
            assert tokenizer.encode_batch([text, "abc"]) == [tokenizer.encode(each).ids for each in (text, "abc")]
        assert tokenizer.hash == TRAINED["byte"].hash


# --- which kind ---


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_recognised_by_its_tokenizer(kind, tmp_path):
    for corpus, size in ((CORPUS, 320), (["the cat sat on the mat " * 30], 300)):
        tokenizer = train_tokenizer(kind, corpus, size)
        tokenizer.save(tmp_path / "tokenizer.json")
        assert kind_of(tokenizer) == kind_of(Tokenizer.load(tmp_path / "tokenizer.json")) == kind


def test_bytes_without_a_merge_are_bytes():
    assert kind_of(train_tokenizer("bpe", CORPUS, 257)) == "byte"


def test_tokenizers_of_others_are_of_none_of_our_kinds():
    changed = tokenizers.Tokenizer.from_str(TRAINED["bpe"].raw.to_str())
    changed.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    names = [END_OF_TEXT, *(f"<0x{byte:02X}>" for byte in range(256)), "a", "b", "ab"]
    merged = tokenizers.Tokenizer.from_str(TRAINED["char"].raw.to_str())
    vocab = {name: i for i, name in enumerate(names)}
    merged.model = models.BPE(vocab=vocab, merges=[("a", "b")], byte_fallback=True)  # in the way of Llama
    later = tokenizers.Tokenizer(models.BPE(vocab={name: i for i, name in enumerate(BYTES)}, merges=[]))
    later.pre_tokenizer, later.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    later.add_special_tokens([END_OF_TEXT])  # in the way of GPT-2: behind the rest
    assert [kind_of(Tokenizer(raw)) for raw in (changed, merged, later)] == ["", "", ""]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"model": 3}', b"\xff\xfe"])
def test_another_file_is_refused(content, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"tokenizer\.json is not a tokenizer\.json"):
        Tokenizer.load(path)
    with pytest.raises(ValueError, match="gone is not a tokenizer"):
        Tokenizer.load(tmp_path / "gone")
