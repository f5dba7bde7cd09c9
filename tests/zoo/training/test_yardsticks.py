"""Yardsticks on the very tokens that `valid_loss` scores, against hand-worked numbers and a known language."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from zoo.data import Corpus, open_corpus
from zoo.data.glass_box import DEFAULT
from zoo.models.gpt import Config, GPTPlugin
from zoo.tasks import streams
from zoo.tasks.next_token import NextToken, Windows
from zoo.tokenizers import train_tokenizer
from zoo.training import Recipe, Run, train, yardsticks
from zoo.training.vocabulary import words

SURPRISE = {"a": 0.25, "b": 1.5}


@dataclass(frozen=True)
class Letters:
    """A language that knows what each letter costs, and that a story's end costs 3 nats."""

    vocabulary: tuple[str, ...] = ("a", "b")

    def split(self, text: str) -> list[str]:
        return text.split()

    def surprisals(self, words: Sequence[str]) -> NDArray[np.float64]:
        if "c" in words:
            raise ValueError("the language has no word c")
        return np.array([*(SURPRISE[word] for word in words), 3.0])

    def example(self) -> str:
        return "a b"


def box(valid: list[str], train: list[str] | None = None) -> Corpus:
    return Corpus("box", train or ["a b a", "b a b b"] * 20, valid, "0", {}, Letters())  # type: ignore[arg-type]


def held_out(corpus: Corpus, kind: str = "word", time: int = 3) -> tuple[yardsticks.Yardsticks, Windows]:
    tokenizer = train_tokenizer(kind, corpus.train, 300)  # type: ignore[arg-type]
    stream, valid = (streams.tokens(corpus, part, tokenizer) for part in streams.NAMES)
    windows = Windows(valid.ids, time, starts=None if corpus.language is None else valid.starts)
    return yardsticks.measure(NextToken(), corpus, tokenizer, Windows(stream.ids, time), windows, 64), windows


def test_the_floor_worked_by_hand() -> None:
    # a b b END | a END b a END: windows of 3 begin at each free start, and score the 3 tokens after their first.
    found, windows = held_out(box(["a b b", "a", "b a"]))
    assert windows.apart(64).tolist() == [0, 4]
    scored = [1.5, 1.5, 3.0, 3.0, 1.5, 0.25]  # b b END, END b a
    assert found.tokens == 6
    assert found.floor == pytest.approx(sum(scored) / 6)
    assert "these very tokens" in found.about["floor"]


def test_where_tokens_are_no_words_the_floor_is_not_known() -> None:
    found, _ = held_out(box(["a b b", "a", "b a"]), kind="byte")
    assert found.floor is None
    assert "take the word tokenizer" in found.about["floor"]


def test_a_word_that_no_training_story_holds_is_a_token_all_the_same() -> None:
    corpus = open_corpus("glass-box:stories=3")
    tokenizer = words(corpus)
    for text in list(corpus.valid)[:300]:
        pieces = [tokenizer.piece(i).strip() for i in tokenizer.encode(text).ids]
        assert pieces == DEFAULT.split(text)


def test_a_text_that_the_language_cannot_say_has_no_floor() -> None:
    corpus = box(["a b b c", "a", "b a"], ["a b a c", "b a b b"] * 20)
    found, _ = held_out(corpus)
    assert found.floor is None
    assert found.about["floor"] == "Not known: the language has no word c."


def test_own_text_has_no_floor() -> None:
    found, _ = held_out(replace(box(["a b b a b"]), language=None))
    assert found.floor is None
    assert found.bigram < found.ceiling


def test_counted_models_score_the_tokens_of_the_windows() -> None:
    corpus = box(["a b b", "a", "b a"])
    found, windows = held_out(corpus)
    tokenizer = train_tokenizer("word", corpus.train, 300)
    ids = [i for text in corpus.train for i in (*tokenizer.encode(text).ids, tokenizer.end_of_text)]
    targets = windows.rows(windows.apart(64))[:, 1:].flatten().tolist()
    shares = [ids.count(i) / len(ids) for i in targets]
    assert found.unigram == pytest.approx(-float(np.mean(np.log(shares))), abs=0.02)  # discounted a little
    assert found.ceiling == math.log(tokenizer.vocab_size)
    assert found.bigram < found.unigram < found.ceiling
    assert f"the {len(ids)} tokens" in found.about["unigram"]


def test_what_is_counted_is_capped_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yardsticks, "COUNTED", 30)
    assert "the first 30 tokens" in held_out(box(["a b b", "a", "b a"]))[0].about["bigram"]


class TestGlassBox:
    def test_no_model_is_below_the_floor_and_the_exact_one_is_at_it(self) -> None:
        """The language's own next words, made into logits, score the floor on the very windows."""
        corpus = open_corpus("glass-box:stories=200")
        tokenizer = train_tokenizer("word", corpus.train, 4000)
        language = corpus.language
        assert language is not None
        stream, valid = (streams.tokens(corpus, part, tokenizer) for part in streams.NAMES)
        windows = Windows(valid.ids, 24, starts=valid.starts)
        found = yardsticks.measure(NextToken(), corpus, tokenizer, Windows(stream.ids, windows.time), windows, 2)
        assert found.floor is not None
        pieces = [tokenizer.piece(i).strip() for i in range(tokenizer.vocab_size)]
        nats = []
        for row in windows.rows(windows.apart(2)).tolist():
            words = ["" if i == tokenizer.end_of_text else pieces[i] for i in row]
            end = language.vocabulary[-1]
            words = [word or end for word in words]
            nats += [-math.log(language.next_words(words[:i])[words[i]]) for i in range(1, len(words))]
        assert found.floor == pytest.approx(float(np.mean(nats)), rel=1e-9)
        assert found.floor < found.bigram < found.unigram < found.ceiling

    def test_training_writes_them_after_the_first_event(self, tmp_path: Path) -> None:
        corpus = open_corpus("glass-box:stories=200")
        tokenizer = train_tokenizer("word", corpus.train, 4000)
        run = Run.create(
            tmp_path / "run",
            model="zoo/gpt",
            config=Config(blocks=1, heads=2, width=16, context=24),
            tokenizer=tokenizer,
            corpus={},
            recipe=Recipe(steps=3, batch=2, held_out_windows=4),
            parameters=0,
        )
        events = train(run, GPTPlugin(), corpus)
        first = next(events)
        assert run.yardsticks is None
        next(events)
        known = run.yardsticks
        assert known is not None
        assert known.floor is not None
        assert known.floor < known.ceiling
        assert first["valid_loss"] == pytest.approx(known.ceiling, abs=0.1)
        events.close()


def test_the_windows_are_those_that_valid_loss_scores(make_run: Callable[..., Run], corpus: Corpus) -> None:
    """An even guess costs the ceiling on each of `tokens` tokens."""
    run = make_run(steps=1, held_out_windows=3)
    list(train(run, GPTPlugin(), corpus))
    known = run.yardsticks
    assert known is not None
    stream = streams.token_stream(run.tokenizer, corpus.valid)
    even = torch.nn.Embedding(257, 257)
    torch.nn.init.zeros_(even.weight)
    score = NextToken().evaluate(even, Windows(stream, 16), run.tokenizer, limit=3)
    assert (score.tokens, score.nats_per_token) == (known.tokens, pytest.approx(known.ceiling, rel=1e-6))
