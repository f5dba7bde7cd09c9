"""Texts larger than memory: held out by position, checked to the last byte, and never held as a whole."""

from __future__ import annotations

import json
import lzma
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data import pieces, read_corpus, stream

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of more than 300 bytes are large, and are read by 64."""
    monkeypatch.setattr(stream, "LARGE", 300)
    monkeypatch.setattr(stream, "BLOCK", 64)
    monkeypatch.setattr("zoo.data.text.BLOCK", 64)
    monkeypatch.setattr(pieces, "PIECE", 100)


@pytest.mark.parametrize("suffix", ["", ".xz"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_of_a_text_the_last_tenth_is_held_out_from_the_end_of_a_word_on(
    tmp_path: Path, suffix: str, mark: bytes
) -> None:
    text = "The cat w\u00e4s very happy \u732b and sat. " * 40
    raw = mark + text.encode()
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(lzma.compress(raw) if suffix else raw)
    corpus = read_corpus(path)
    train, valid = "".join(corpus.train), "".join(corpus.valid)
    assert train + valid == text
    assert len(valid.encode()) == pytest.approx(len(raw) / 10, abs=12)
    assert valid[0].isspace()
    assert (len(corpus.train), len(corpus.valid)) == (1, 1)
    assert all(len(piece) <= 100 for piece in corpus.train)
    assert list(corpus.train) == list(corpus.train)
    assert corpus.source == {"open": str(path)}


@given(text=st.text(st.sampled_from("ab \u00e9\u732b\U0001f408\n"), min_size=301, max_size=600))
def test_any_text_comes_back_whole(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("text") / "a.txt"
    path.write_bytes(text.encode())
    corpus = read_corpus(path)
    assert "".join([*corpus.train, *corpus.valid]) == text
    assert [ends for _, ends in pieces.pieces(corpus.train)].count(True) == 1


@pytest.mark.parametrize("marked", [True, False])
def test_lines_are_held_out_as_in_a_small_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marked: bool) -> None:
    rows = [{"text": f"text {i} \u00e9" * (1 + i % 3)} | ({"split": "valid"} if marked and i % 7 == 0 else {})
            for i in range(50)]  # fmt: skip
    path = tmp_path / "a.jsonl"
    path.write_text("\ufeff" + "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n")
    large = read_corpus(path)
    monkeypatch.setattr(stream, "LARGE", 10**6)
    small = read_corpus(path)
    assert isinstance(large.train, stream.LargeLines)
    assert isinstance(small.train, list)
    assert (list(large.train), list(large.valid)) == (small.train, small.valid)
    assert (len(large.train), len(large.valid)) == (len(small.train), len(small.valid))
    assert large.sha256 == small.sha256
    assert small.train[3] in large.train
    assert "another" not in large.train


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        ("a.txt", b"ab " * 200 + b"\xff" + b"cd " * 50, "a.txt is not UTF-8 text: byte 600 cannot be decoded"),
        ("a.txt", b"ab " * 200 + "\u732b".encode()[:2], "its last character is cut short"),
        ("a.jsonl", b'{"text": "a"}\n' * 50 + b'{"text": "\xff"}\n', "is not UTF-8 text: byte 710 cannot"),
        ("a.jsonl", b'{"text": "a"}\n' * 50 + b'{"words": "a"}\n', 'is not JSON lines with a "text" in each'),
        ("a.jsonl", b'{"text": "a", "split": "valid"}\n' * 50, "holds too little text"),
        ("a.txt.xz", lzma.compress(bytes(range(32, 127)) * 50)[:-9], "is not an xz file"),
    ],
)
def test_a_fault_anywhere_is_told_before_training(tmp_path: Path, name: str, raw: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=words) as caught:
        read_corpus(path)
    assert "\n" not in str(caught.value)


MEMORY = """
import resource, sys
from zoo.data import read_corpus, stream
from zoo.tasks import streams
from zoo.tokenizers import train_tokenizer

stream.LARGE = 2**20
tokenizer = train_tokenizer("byte", ["a"])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
corpus = read_corpus(sys.argv[1])
tokens = streams.tokens(corpus, "train", tokenizer)
rows = tokens.ids[:: len(tokens.ids) // 100]
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(tokens.ids), (after - before) // 1024)
"""


def test_memory_does_not_grow_with_the_text(tmp_path: Path) -> None:
    """12 MB of text, whose tokens take 44 MB on disk and, as a list of numbers, 88 MB in memory at the least."""
    path = tmp_path / "a.txt"
    path.write_text("the quick brown fox jumps over the lazy dog \u00e9\n" * 260_000)
    found = subprocess.run([sys.executable, "-c", MEMORY, str(path)], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    tokens, megabytes = map(int, found.stdout.split())
    assert tokens == pytest.approx(path.stat().st_size * 0.9, abs=100)
    assert megabytes < 100
