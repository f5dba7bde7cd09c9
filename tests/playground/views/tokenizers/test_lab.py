"""How the parts of the page ask: at once, once, and what is kept of an answer that was refused."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from playground import guarded
from playground.views.tokenizers import choosing, lab, own
from playground.views.tokenizers.lab import Column, ask, ask_anew, ask_together
from zoo.pretrained.tokenizers import foreign as strange
from zoo.tokenizers import Tokenizer, train_tokenizer
from zoo.tokenizers.cut import cut
from zoo.tokenizers.listing import as_csv
from zoo.tokenizers.special import written_out
from zoo.tokenizers.table import speed
from zoo.tokenizers.unknown import unknown_id

CORPUS = ["The cat sat on the mat."] * 3
TRAINED = {kind: train_tokenizer(kind, CORPUS, 300) for kind in ("byte", "word")}
OURS = [Column(kind, kind, kind) for kind in TRAINED]
STRANGE = Column("file:1", "strange", "BPE", foreign=True, stamp="one")


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    lab._kept.clear()
    monkeypatch.setattr(choosing, "tokenizer", tokenizer)
    monkeypatch.setattr(own, "content_of", lambda key: b"content")


def tokenizer(column: Column) -> Tokenizer:
    if column.key not in TRAINED:
        raise LookupError(f"{column.key} is not here")
    return TRAINED[column.key]


class Worker:
    """Stands in for the process of a strange tokenizer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> None:
        self.answers, self.limits = list(answers), list[int]()
        monkeypatch.setattr(guarded, "ask_guarded", self.ask)

    def ask(self, content: bytes, question: str, arguments: dict[str, Any], largest: int) -> Any:
        self.limits.append(largest)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_asked_together_each_answers_for_itself_in_order():
    gone = Column("gone", "gone", "bpe")
    byte, error, word = ask_together([OURS[0], gone, OURS[1]], cut, text="cat sat", most=5)
    assert byte == cut(TRAINED["byte"], text="cat sat", most=5)
    assert word == cut(TRAINED["word"], text="cat sat", most=5)
    assert isinstance(error, ValueError)
    assert str(error) == "gone is not here"
    assert ask_together([], cut, text="a") == []


def test_asked_together_they_work_at_the_same_time(monkeypatch):
    both = threading.Barrier(2, timeout=10)
    monkeypatch.setattr(lab.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(lab, "_asked", lambda *args: both.wait() >= 0)
    assert ask_together(OURS, speed, text="cat") == [True, True]


def test_what_was_refused_is_not_asked_again_at_once(monkeypatch):
    worker = Worker(monkeypatch, ValueError("It took too long."), 2.5)
    now = [100.0]
    monkeypatch.setattr(lab.time, "monotonic", lambda: now[0])
    for _ in range(3):
        with pytest.raises(ValueError, match="It took too long"):
            ask(STRANGE, speed, text="cat")
    assert len(worker.answers) == 1, "asked once"
    now[0] += lab.AGAIN + 1
    assert ask(STRANGE, speed, text="cat") == 2.5


@pytest.mark.parametrize("error", [guarded.Busy("Others are asked."), LookupError("this session does not have it")])
def test_what_may_be_answered_in_a_moment_or_elsewhere_is_asked_again(monkeypatch, error):
    Worker(monkeypatch, error, 2.5)
    with pytest.raises(ValueError, match=str(error)):
        ask(STRANGE, speed, text="cat")
    assert ask(STRANGE, speed, text="cat") == 2.5


def test_another_file_under_the_same_key_is_asked_anew(monkeypatch):
    Worker(monkeypatch, 1.0, 2.0)
    assert ask(STRANGE, speed, text="cat") == 1.0
    assert ask(Column("file:1", "strange", "BPE", True, stamp="two"), speed, text="cat") == 2.0
    assert ask(STRANGE, speed, text="cat") == 1.0


def test_what_is_kept_of_a_strange_tokenizer_is_small_and_what_is_taken_along_may_be_larger(monkeypatch):
    worker = Worker(monkeypatch, 1.0, 2.0)
    ask(STRANGE, speed, text="cat")
    ask_anew(STRANGE, speed, text="cat")
    assert worker.limits == [lab.LARGEST, lab.LARGEST_ONCE]
    assert lab.LARGEST < lab.LARGEST_ONCE <= strange.LARGEST


def test_of_a_strange_one_the_page_learns_what_it_does_not_know_and_which_special_tokens_were_typed(monkeypatch):
    monkeypatch.setattr(own, "content_of", lambda key: TRAINED["word"].raw.to_str().encode())
    try:
        assert ask(STRANGE, unknown_id) == unknown_id(TRAINED["word"]) is not None
        assert ask(STRANGE, written_out, text="cat <|endoftext|>") == ["<|endoftext|>"]
    finally:
        guarded._POOL.close()


def test_an_answer_that_is_too_large_is_told_and_not_sent(monkeypatch):
    content = TRAINED["byte"].raw.to_str().encode()
    monkeypatch.setattr(own, "content_of", lambda key: content)
    monkeypatch.setattr(lab, "LARGEST_ONCE", 2000)
    try:
        assert ask_anew(STRANGE, as_csv, text="cat", key="k").startswith("position,")
        with pytest.raises(ValueError, match="which is too much to show: shorten the text"):
            ask_anew(STRANGE, as_csv, text="cat " * 100, key="k")
    finally:
        guarded._POOL.close()
