"""What a model answers: each check fails on the one thing that it is there for, and says what to do."""

from __future__ import annotations

import random
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tests.zoo.testing.fakes import (
    Alone,
    Around,
    Blanks,
    Config,
    Good,
    LastWord,
    Translator,
    assert_fails,
    plugin,
    results_of,
)
from zoo.testing import CheckResult, check_plugin, run_check
from zoo.trace.record import record


class TestLogits:
    def test_no_tensor(self) -> None:
        class Pair(Good):
            def forward(self, ids: Tensor) -> Any:
                return super().forward(ids), None

        first = check_plugin(plugin(Pair))[0]
        assert first == CheckResult("builds", False, "forward returned a tuple; return logits (batch, time, vocab)")

    def test_a_wrong_shape(self) -> None:
        class Wide(Good):
            def forward(self, ids: Tensor) -> Tensor:
                return torch.cat([super().forward(ids)] * 2, dim=-1)

        found = run_check(plugin(Wide), "shapes")
        assert found.ok is False
        assert found.message == "ids (1, 12) give logits (1, 12, 514); return (1, 12, 257)"

    def test_not_finite(self) -> None:
        class Zero(Good):
            def forward(self, ids: Tensor) -> Tensor:
                return super().forward(ids) / torch.tensor(ids.shape[1] - 1)

        assert_fails(plugin(Zero), "shapes", "not finite numbers: look for a division by 0")

    def test_mixing_the_batch(self) -> None:
        class Mixes(Good):
            def mix(self, x: Tensor) -> Tensor:
                return super().mix(x) + x.mean(0, keepdim=True)

        assert_fails(plugin(Mixes), "batches", r"with its neighbours in the batch: don't mix along dimension 0")


class TestDeterminism:
    def test_a_random_start_outside_torchs_generator(self) -> None:
        class Wild(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                nn.init.constant_(self.inner.bias, random.random())

        assert_fails(plugin(Wild), "determinism", "inner.bias differs between two builds of one seed")

    def test_dropout_that_is_never_off(self) -> None:
        class Noisy(Good):
            def mix(self, x: Tensor) -> Tensor:
                return nn.functional.dropout(super().mix(x), 0.5, training=True)

        also = ("batches", "causality", "save and load", "tracing changes nothing", "interventions")
        assert_fails(plugin(Noisy), "determinism", "in eval mode draw nothing", *also)


class TestCausality:
    class Sees(Good):
        def mix(self, x: Tensor) -> Tensor:
            return x.mean(1, keepdim=True).expand_as(x)

    def test_a_model_that_sees_the_future(self) -> None:
        assert_fails(
            plugin(self.Sees), "causality", "changing token 1 moves the logits of token 0: mask what lies ahead"
        )

    def test_one_place_further_is_enough(self) -> None:
        class Peeks(Good):
            def mix(self, x: Tensor) -> Tensor:
                return super().mix(x) + 0.01 * x.roll(-1, 1) * (torch.arange(x.shape[1]) == 4)[:, None]

        assert_fails(plugin(Peeks), "causality", "changing token 5 moves the logits of token 4")

    def test_a_row_that_does_not_see_its_own_token(self) -> None:
        """One place too far back: what follows a token is asked without that token."""

        class Late(Good):
            def mix(self, x: Tensor) -> Tensor:
                return F.pad(super().mix(x)[:, :-1], (0, 0, 1, 0))

        words = "changing token 0 leaves its own row's logits as they are: read the token of the row"
        assert_fails(plugin(Late), "causality", words)

    def test_how_far_back_it_sees_is_its_own_affair(self) -> None:
        class Two(Good):
            def mix(self, x: Tensor) -> Tensor:
                return x + F.pad(x[:, :-1], (0, 0, 1, 0))

        class Nothing(Good):
            def mix(self, x: Tensor) -> Tensor:
                return 0 * x

        assert run_check(plugin(Two), "causality").message.endswith("here one still counts 1 place further on")
        assert run_check(plugin(Good), "causality").message.endswith("here one still counts 11 places further on")
        assert run_check(plugin(Nothing), "causality").ok

    def test_room_for_two_tokens_says_nothing(self) -> None:
        class Tiny(Config):
            context: int = Field(2, ge=2, le=2)

        assert run_check(plugin(config=Tiny), "causality").ok is None


class TestBlanks:
    def test_a_blank_that_sees_its_left_alone(self) -> None:
        class Left(Blanks):
            def mix(self, x: Tensor) -> Tensor:
                return x + x.cumsum(1)

        words = "what stands to the right of a blank changes nothing in its answer: let it see both sides"
        assert_fails(plugin(Left, task="masked-token"), "causality", words)

    def test_a_blank_that_sees_its_right_alone(self) -> None:
        class Right(Blanks):
            def mix(self, x: Tensor) -> Tensor:
                return x + x.flip(1).cumsum(1).flip(1)

        assert_fails(plugin(Right, task="masked-token"), "causality", "to the left of a blank changes nothing")

    def test_a_cbow_model_that_peeks_at_the_word_itself(self) -> None:
        class Peeks(Around):
            def mix(self, x: Tensor) -> Tensor:
                return x.sum(1, keepdim=True).expand_as(x)

        words = "a word changes what is said about its own place"
        assert_fails(plugin(Peeks, task="cbow"), "causality", words)

    def test_a_model_of_masked_words_may_look_at_the_word_itself(self) -> None:
        """One in ten of those asked for stands as it was."""
        assert run_check(plugin(Blanks, task="masked-token"), "causality").message == "a blank sees both sides"

    def test_a_skip_gram_model_that_sees_the_neighbours(self) -> None:
        class Sees(Alone):
            def forward(self, ids: Tensor) -> Tensor:
                x = self.embed(ids)
                return self.unembed(record("mixed", x + x.roll(1, 1)))

        words = r"changing token 0 moves the logits of token 1: a word's neighbours are asked for"
        assert_fails(plugin(Sees, task="skip-gram"), "causality", words)

    def test_a_skip_gram_model_that_overlooks_a_word(self) -> None:
        class Overlooks(Alone):
            def forward(self, ids: Tensor) -> Tensor:
                return self.unembed(record("mixed", self.embed(ids) * (torch.arange(ids.shape[1]) != 3)[:, None]))

        words = "changing token 3 leaves its own row's logits as they are"
        assert_fails(plugin(Overlooks, task="skip-gram"), "causality", words)


class TestTranslators:
    def test_a_source_that_is_not_read_whole(self) -> None:
        words = "source token 0 of 5 changes nothing in the first answer: read the whole source"
        assert_fails(plugin(LastWord, task="translate"), "causality", words)

    def test_a_target_that_sees_ahead(self) -> None:
        class Ahead(Translator):
            def write(self, target: Tensor) -> Tensor:
                return super().write(target) + 0.01 * super().write(target).roll(-1, 1)

        words = "changing target token 1 moves the logits of token 0: mask what lies ahead"
        assert_fails(plugin(Ahead, task="translate"), "causality", words, "batches")  # what fills up lies ahead too

    def test_a_row_that_does_not_see_its_own_token(self) -> None:
        class Late(Translator):
            def write(self, target: Tensor) -> Tensor:
                return F.pad(super().write(target)[:, :-1], (0, 0, 1, 0))

        words = "changing target token 1 leaves its own row's logits as they are"
        assert_fails(plugin(Late, task="translate"), "causality", words)

    def test_a_source_whose_filling_counts(self) -> None:
        class Filled(Translator):
            def read(self, source: Tensor) -> Tensor:
                return self.embed(source.clamp(min=0)).mean(1)

        words = "filling up a source with −1 moves the logits by .*: mask ids below 0"
        assert_fails(plugin(Filled, task="translate"), "batches", words)

    def test_a_target_whose_filling_counts(self) -> None:
        class Length(Translator):
            def write(self, target: Tensor) -> Tensor:
                return super().write(target) * (1 + (target < 0).sum(1)[:, None, None])

        assert_fails(plugin(Length, task="translate"), "batches", "filling up a target with −1 moves the logits")

    def test_a_translator_that_cannot_translate_a_batch(self) -> None:
        class Mute(Good):
            def forward(self, ids: Tensor) -> Any:
                at = int((ids[0] == 257).int().argmax())
                return super().forward(ids.clamp(max=256))[:, at:]

        found = results_of(plugin(Mute, task="translate"))
        assert found["batches"].message.startswith("a translator needs translate(source, target) -> logits")
        assert found["learns"].ok is found["gradient"].ok is False

    def test_rows_for_the_source(self) -> None:
        class Rows(Translator):
            def forward(self, ids: Tensor) -> Tensor:
                return F.pad(super().forward(ids), (0, 0, 5, 0))

        found = run_check(plugin(Rows, task="translate"), "shapes")
        assert found.message == "ids (1, 12) give logits (1, 12, 257); return (1, 7, 257)"
