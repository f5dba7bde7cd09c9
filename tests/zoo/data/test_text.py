"""Reading a user's text: what is learned from, what is held out, and a clear sentence for each bad file."""

from __future__ import annotations

import hashlib
import json
import lzma
from pathlib import Path

import pytest

from zoo.data import read_corpus


def lines(*rows: object) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def test_of_a_text_the_last_tenth_is_held_out(tmp_path):
    path = tmp_path / "story.txt"
    path.write_bytes("0123456789\u00e9\u00e8".encode() * 10)
    corpus = read_corpus(path)
    assert corpus.train[0] + corpus.valid[0] == "0123456789\u00e9\u00e8" * 10
    assert (len(corpus.train[0]), len(corpus.valid[0])) == (108, 12)
    assert corpus.name == "story.txt"
    assert corpus.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_of_lines_those_marked_are_held_out(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines({"text": "a"}, {"text": "b", "split": "valid"}, {"text": "c", "split": "train"}) + b"\n\n")
    corpus = read_corpus(path)
    assert (corpus.train, corpus.valid) == (["a", "c"], ["b"])


def test_of_unmarked_lines_the_last_tenth_is_held_out(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(*({"text": str(n)} for n in range(20))))
    assert read_corpus(path).valid == ["18", "19"]


def test_packed_files_hold_the_same_texts(tmp_path):
    raw = lines({"text": "a"}, {"text": "b", "split": "valid"})
    (tmp_path / "a.jsonl.xz").write_bytes(lzma.compress(raw))
    corpus = read_corpus(tmp_path / "a.jsonl.xz")
    assert (corpus.train, corpus.valid) == (["a"], ["b"])


def test_only_a_newline_ends_a_line_of_json(tmp_path):
    """Other separators may stand inside a JSON string as they are."""
    text = "one\u2028two\u0085three"
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": text}, ensure_ascii=False) + '\r\n{"text": "b", "split": "valid"}\r\n')
    assert read_corpus(path).train == [text]


def test_a_byte_order_mark_is_not_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + b"hello world, hello")
    assert read_corpus(tmp_path / "a.txt").train[0].startswith("hello")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.txt", None, r"cannot read the corpus .*gone\.txt: No such file"),
        ("bytes.txt", b"ab\xff\xfecd", r"bytes\.txt is not UTF-8 text: byte 2 cannot be decoded"),
        ("a.txt.xz", b"not packed", r"a\.txt\.xz is not an xz file"),
        ("cut.txt.xz", lzma.compress(b"hello" * 100)[:-20], r"cut\.txt\.xz is not an xz file"),
        ("bytes.txt.xz", lzma.compress(b"\xff"), r"is not UTF-8 text: byte 0"),
        ("empty.txt", b"", "holds too little text to train on and to hold out"),
        ("one.txt", b"a", "holds too little text"),
        ("empty.jsonl", b"\n\n", "holds too little text"),
        ("one.jsonl", lines({"text": "a"}), "holds too little text"),
        ("held.jsonl", lines({"text": "a", "split": "valid"}), "holds too little text"),
        ("plain.jsonl", b"once upon a time", 'is not JSON lines with a "text" in each'),
        ("key.jsonl", lines({"words": "a"}), "is not JSON lines with a \"text\" in each: 'text'"),
        ("list.jsonl", lines(["text"]), "is not JSON lines"),
        ("number.jsonl", lines(3), "is not JSON lines"),
        ("null.jsonl", lines({"text": None}), "the text None is not a string"),
        ("half.jsonl", b'{"text": "\\ud800"}', "is not JSON lines .* surrogates not allowed"),
        ("deep.jsonl", b"[" * 100_000, "is not JSON lines"),
    ],
)
def test_a_bad_file_gets_one_clear_sentence(tmp_path: Path, name: str, content: bytes | None, words: str):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=words) as caught:
        read_corpus(tmp_path / name)
    assert type(caught.value) is ValueError
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_corpus(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read the corpus .*: Is a directory"):
        read_corpus(tmp_path)
