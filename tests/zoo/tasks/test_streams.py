"""Texts as rows of ids: long ones in pieces, streamed ones on disk, with the very ids of the whole."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zoo.data import Corpus, pieces, read_corpus, stream
from zoo.tasks import streams
from zoo.tokenizers import KINDS, Kind, train_tokenizer

TEXTS = ["one two, three!", "four", "five six\n\nseven  eight"]
TOKENIZERS = {kind: train_tokenizer(kind, TEXTS, 300) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text(st.sampled_from("one two,\n é"), max_size=60), most=st.integers(1, 9))
def test_pieces_tokenize_as_the_whole_does(kind: Kind, text: str, most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", most)
        parts = list(pieces.pieces([text]))
    assert "".join(part for part, _ in parts) == text
    assert [ends for _, ends in parts] == [False] * (len(parts) - 1) + [True]
    tokenizer = TOKENIZERS[kind]
    at_word_ends = all(later[:1].isspace() and not part[-1:].isspace() for (part, _), (later, _) in pairwise(parts))
    if kind in ("char", "byte") or at_word_ends:  # a word longer than a piece is cut: that shows, but for characters
        whole = tokenizer.encode(text).ids
        assert [i for part, _ in parts for i in tokenizer.encode(part).ids] == whole


def test_starts_are_where_texts_begin() -> None:
    tokenizer = TOKENIZERS["word"]
    found = streams.tokenize(tokenizer, TEXTS)
    assert found.ids.dtype == torch.int32
    assert [int(found.ids[start]) for start in found.starts] == [tokenizer.encode(text).ids[0] for text in TEXTS]
    ends = (found.ids == tokenizer.end_of_text).nonzero().flatten().tolist()
    assert ends == [*(start - 1 for start in found.starts[1:].tolist()), len(found.ids) - 1]
    assert len(streams.tokenize(tokenizer, []).ids) == len(streams.tokenize(tokenizer, []).starts) == 0


def test_no_more_is_read_than_is_asked_for() -> None:
    def texts():
        yield from ["x" * 10] * streams.CHUNK
        raise AssertionError("read too far")

    found = streams.tokenize(TOKENIZERS["byte"], texts(), at_least=50)
    assert len(found.ids) == 55  # five texts of ten bytes and an end


def test_tokens_are_worked_out_once_for_each_corpus_and_tokenizer() -> None:
    corpus = Corpus("tiny", TEXTS, TEXTS[:1], "0")
    first = streams.tokens(corpus, "train", TOKENIZERS["word"])
    assert streams.tokens(corpus, "train", TOKENIZERS["word"]) is first
    assert streams.tokens(corpus, "valid", TOKENIZERS["word"]) is not first
    assert streams.tokens(corpus, "train", TOKENIZERS["byte"]) is not first
    assert streams.tokens(Corpus("tiny", TEXTS, TEXTS[:1], "0"), "train", TOKENIZERS["word"]) is not first


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
def test_a_streamed_text_has_the_ids_of_one_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind, name: str
) -> None:
    lines = [f'{{"text": "{word} and {word} again."}}\n' for word in ("sun", "moon", "star")] * 40
    path = tmp_path / name
    path.write_text("".join(lines) if name.endswith("l") else "the sun and the moon, the stars. " * 200)
    monkeypatch.setattr(pieces, "PIECE", 90)
    kept = read_corpus(path)
    monkeypatch.setattr(stream, "LARGE", 1000)
    monkeypatch.setattr(stream, "BLOCK", 70)
    streamed = read_corpus(path)
    assert isinstance(streamed.train, pieces.InPieces)
    tokenizer = train_tokenizer(kind, streamed.train, 300)
    assert tokenizer.hash == train_tokenizer(kind, kept.train, 300).hash or name == "a.txt"
    found = streams.tokens(streamed, "train", tokenizer, folder=tmp_path)
    if name.endswith("l"):
        assert torch.equal(found.ids, streams.tokens(kept, "train", tokenizer).ids)
        assert found.starts.tolist() == streams.tokens(kept, "train", tokenizer).starts.tolist()
    else:
        text = "".join(streamed.train)
        assert found.ids.tolist() == [*tokenizer.encode(text).ids, tokenizer.end_of_text]
        assert "".join([*streamed.train, *streamed.valid]) == path.read_text()
    assert [each.name for each in tmp_path.iterdir()] == [name]  # the file with the ids has no name


def test_too_little_text_is_refused_by_name() -> None:
    tokenizer = TOKENIZERS["byte"]
    streams.check_room(Corpus("", ["abcde"], ["abcde"], ""), tokenizer, 5)
    for train, valid, words in (("abcd", "abcde", "the text has 5 tokens"), ("abcde", "", "the held-out text has 1 ")):
        with pytest.raises(ValueError, match=f"{words}.*context of 5 asks for at least 6"):
            streams.check_room(Corpus("", [train], [valid], ""), tokenizer, 5)
