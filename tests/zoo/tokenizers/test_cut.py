"""What the page shows of each token, against the text's own bytes and the library's own encoding."""

from __future__ import annotations

from itertools import pairwise

import pydantic
import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import decoders, normalizers, processors

from zoo.tokenizers import KINDS, Tokenizer, train_tokenizer
from zoo.tokenizers.characters import Part, parts
from zoo.tokenizers.cut import Cut, cut
from zoo.tokenizers.train import UNKNOWN

CORPUS = ["The cat sat on the mat. The dog sat on the log.\n" * 3, "Café über 日本語!", "a < b | c > d"]
TRAINED = {kind: train_tokenizer(kind, CORPUS, 320) for kind in KINDS}
TEXTS = st.text(
    alphabet=st.one_of(st.sampled_from("the cat\n日é👍\u200d\0ﬁİ"), st.characters(exclude_categories=["Cs"]))
)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=60)
@given(text=TEXTS, most=st.integers(0, 30))
@example(text="", most=3)
@example(text="你👍🏽 a\0b", most=2)
@example(text="\ufeff<|unknown|> ##a ▁ <0x41>", most=30)
def test_a_cut_is_the_beginning_of_the_librarys_encoding(kind, text, most):
    tokenizer = TRAINED[kind]
    whole, found = tokenizer.encode(text), cut(tokenizer, text=text, most=most)
    assert (found.total, found.ids, found.pieces) == (len(whole.ids), whole.ids[:most], whole.pieces[:most])
    if tokenizer.raw.normalizer is None:
        assert found.spans == whole.offsets[:most]
    assert [start for start, _ in found.spans] == [start for start, _ in whole.offsets[:most]]
    assert found.names == [tokenizer.raw.id_to_token(i) for i in found.ids]
    assert found.length == len(text.encode())
    unknown = [i == tokenizer.raw.token_to_id(UNKNOWN) for i in whole.ids]
    assert (found.unknown, found.total_unknown) == (unknown[:most], sum(unknown))
    sizes = {len(each) for each in (found.ids, found.names, found.parts, found.bytes, found.edges, found.unknown)}
    assert sizes == {min(most, found.total)}


@pytest.mark.parametrize("kind", ["byte", "bpe", "char"])
@settings(deadline=None, max_examples=60)
@given(text=TEXTS, most=st.integers(1, 30))
@example(text="👩\u200d👧 né", most=3)
def test_where_nothing_is_rewritten_the_edges_tile_the_texts_bytes(kind, text, most):
    raw, found = text.encode(), cut(TRAINED[kind], text=text, most=most)
    assert all(end == start for (_, end), (start, _) in pairwise(found.edges))
    assert [raw[start:end].hex() for start, end in found.edges] == found.bytes
    assert found.reach == (len(raw) if len(found.ids) == found.total else found.edges[-1][1])


@pytest.mark.parametrize("kind", ["byte", "bpe", "char"])
@settings(deadline=None, max_examples=60)
@given(text=TEXTS)
def test_the_parts_of_a_character_make_it_up_again(kind, text):
    characters, bytes_so_far = "", b""
    for part in (part for token in cut(TRAINED[kind], text=text, most=10_000).parts for part in token):
        if part.text:
            assert not bytes_so_far
            characters += part.text
            continue
        assert part.first == len(bytes_so_far)
        assert len(part.bytes) < part.of == len(part.char.encode())
        bytes_so_far += bytes(part.bytes)
        if len(bytes_so_far) == part.of:
            assert bytes_so_far.decode() == part.char
            characters, bytes_so_far = characters + part.char, b""
    assert (characters, bytes_so_far) == (text, b"")


def test_a_character_that_the_shown_part_cuts_off_is_named_all_the_same():
    found = cut(TRAINED["byte"], text="a€b", most=2)
    assert found.parts == [[Part(text="a")], [Part(bytes=[0xE2], char="€", first=0, of=3)]]
    assert (found.edges, found.spans, found.reach) == ([(0, 1), (1, 2)], [(0, 1), (1, 2)], 2)


def test_bytes_that_make_no_character_belong_to_none():
    assert parts([b"a\xe4\xbd", b"b", None, b"\xff"], ["", "", "ü", ""]) == [
        [Part(text="a"), Part(bytes=[0xE4]), Part(bytes=[0xBD])],
        [Part(text="b")],
        [Part(text="ü")],
        [Part(bytes=[0xFF])],
    ]


def test_a_span_has_the_blanks_that_the_library_was_told_to_leave_out():
    trimming = Tokenizer(tokenizers.Tokenizer.from_str(TRAINED["bpe"].raw.to_str()))
    trimming.raw.post_processor = processors.ByteLevel(trim_offsets=True)
    text = "the cat  sat\n on  "
    assert trimming.encode(text).offsets != TRAINED["bpe"].encode(text).offsets
    assert cut(trimming, text=text).spans == cut(TRAINED["bpe"], text=text).spans


@pytest.mark.parametrize(
    ("kind", "text", "spans"),
    [
        ("unigram", "cafe\u0301s", [(0, 1), (1, 2), (2, 3), (3, 5), (5, 6)]),  # "e" and its accent became "é"
        ("unigram", "\u1112\u1161\u11ab s", [(0, 3), (3, 4), (4, 5)]),  # three letters: one syllable
        ("wordpiece", "cafe\u0301", [(0, 4)]),  # the accent was dropped: it is in no token
    ],
)
def test_what_was_joined_to_a_character_is_in_its_span_and_what_was_dropped_is_not(kind, text, spans):
    assert cut(TRAINED[kind], text=text).spans == spans


@pytest.mark.parametrize(
    ("text", "spans", "edges"),
    [
        ("日", [(0, 0), (0, 1)], [(0, 0), (0, 3)]),
        ("👍", [(0, 0), *[(0, 1)] * 4], [(0, 0), (0, 1), (1, 2), (2, 3), (3, 4)]),
        (" 日", [(0, 0), (0, 1), (1, 2)], [(0, 0), (0, 1), (1, 4)]),
    ],
)
def test_a_space_that_was_put_in_front_stands_for_nothing_in_the_text(text, spans, edges):
    raw = tokenizers.Tokenizer.from_str(TRAINED["char"].raw.to_str())
    vocab = {**raw.get_vocab(), "▁": raw.get_vocab_size()}
    raw.model = tokenizers.models.BPE(vocab=vocab, merges=[], byte_fallback=True)
    raw.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    raw.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    found = cut(Tokenizer(raw), text=text)
    assert (found.pieces[0], found.spans, found.edges) == (" ", spans, edges)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["The cat sat on the log\u00a0über 日本語. " * 1200, "a" * 30_000, "日本" * 15_000])
def test_of_a_long_text_the_same_is_shown_as_if_it_were_encoded_whole(kind, text, monkeypatch):
    quick = cut(TRAINED[kind], text=text, most=50)
    monkeypatch.setattr("zoo.tokenizers.cut._WHOLE", len(text))
    assert quick == cut(TRAINED[kind], text=text, most=50)


def test_what_cannot_be_encoded_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="not valid Unicode at character 1"):
        cut(TRAINED["bpe"], text="a\ud800")
    with pytest.raises(ValueError, match="cannot show -1 tokens"):
        cut(TRAINED["bpe"], text="a", most=-1)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=30)
@given(text=TEXTS, most=st.integers(0, 8))
def test_the_first_tokens_of_a_cut_are_a_shorter_cut(kind, text, most):
    assert cut(TRAINED[kind], text=text).first(most) == cut(TRAINED[kind], text=text, most=most)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_comes_through_json(kind):
    found, adapter = cut(TRAINED[kind], text="a日\0 the"), pydantic.TypeAdapter(Cut)
    assert adapter.validate_json(adapter.dump_json(found)) == found
