"""Texts and tokenizers: each check fails on the one thing that it is there for, and says what to do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.zoo.testing.fakes import Good, assert_fails, plugin
from zoo.plugin import ModelPlugin
from zoo.testing import CheckResult, run_check


class TestTexts:
    def test_a_context_that_is_not_kept(self) -> None:
        class Short(Good):
            def mix(self, x: Tensor) -> Tensor:
                return super().mix(x) + torch.zeros(20, 1)[torch.arange(x.shape[1])]

        assert_fails(plugin(Short), "texts", "a text of all 24 tokens of the context fails: IndexError")

    def test_a_tokenizer_that_makes_something_of_nothing(self) -> None:
        from zoo.tokenizers import Encoding, Tokenizer, train_tokenizer

        class Greedy(Tokenizer):
            def encode(self, text: str) -> Encoding:
                return super().encode(text or "?")

        def tokenizer(self: ModelPlugin, corpus: Any) -> Tokenizer:
            return Greedy(train_tokenizer("byte", corpus).raw)

        assert_fails(plugin(tokenizer=tokenizer), "texts", "an empty text is answered: ")

    def test_a_bare_error_beyond_the_context(self) -> None:
        class Bare(Good):
            def mix(self, x: Tensor) -> Tensor:
                return super().mix(x) + torch.zeros(24, 1)[torch.arange(x.shape[1])]

        words = "25 tokens, one more than the context, give a bare IndexError: raise a ValueError with a sentence"
        assert_fails(plugin(Bare), "texts", words)

    @pytest.mark.parametrize(("message", "ok"), [("too long", False), ("the text has more than 24 tokens", True)])
    def test_the_error_beyond_the_context_is_a_sentence(self, message: str, ok: bool) -> None:
        class Curt(Good):
            def mix(self, x: Tensor) -> Tensor:
                if x.shape[1] > 24:
                    raise ValueError(message)
                return super().mix(x)

        found = run_check(plugin(Curt), "texts")
        assert found.ok is ok
        assert ok or found.message.endswith("give the error 'too long': say in a sentence what to do")


class TestTokenizer:
    def made(self, **methods: Any) -> ModelPlugin:
        from zoo.tokenizers import Tokenizer, train_tokenizer

        kind = type("Changed", (Tokenizer,), methods)
        return plugin(tokenizer=lambda self, corpus: kind(train_tokenizer("byte", corpus).raw))

    def test_it_gives_a_text_back(self) -> None:
        assert run_check(self.made(), "tokenizer") == CheckResult(
            "tokenizer", True, "257 tokens write every text as it was"
        )

    def test_one_that_loses_capitals(self) -> None:
        from zoo.tokenizers import Tokenizer

        lower = self.made(encode=lambda self, text: Tokenizer.encode(self, text.lower()))
        assert_fails(lower, "tokenizer", "turns 'The cat sat on the mat.' into 'the cat sat on the mat.'")

    def test_one_that_counts_its_tokens_wrongly(self) -> None:
        found = run_check(self.made(vocab_size=50), "tokenizer")
        assert found.message == "the tokenizer gives ids outside of its own 50: correct its vocab_size"
