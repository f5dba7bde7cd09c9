"""A plugin's sentence, its recipe, and its Config at both ends: each check fails on the one thing it is there for."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from pydantic import BaseModel, Field, model_validator
from torch import Tensor, nn

from tests.zoo.testing.fakes import Config, Good, assert_fails, plugin
from zoo.testing import CheckResult, check_plugin, run_check
from zoo.testing.template import AveragerPlugin


class TestBuilding:
    def test_a_default_that_is_missing(self) -> None:
        class Strict(BaseModel):
            width: int

        results = check_plugin(plugin(config=Strict))
        assert results[0] == CheckResult(
            "builds", False, "give every field of Config a valid default: width: Field required"
        )
        assert {result.ok for result in results[1:]} == {None}  # nothing else can be said
        assert {result.message for result in results[1:]} == {"not run: the model does not build"}

    def test_build_raises(self) -> None:
        class Raises(AveragerPlugin):
            def build(self, config: Any, vocab_size: int) -> Any:
                return nn.Linear(config.no_such_field, 1)

        first, *rest = check_plugin(Raises())
        line = r"correct this error in test_config_checks\.py, line \d+: AttributeError: .*no_such_field"
        assert re.match(line, first.message)
        assert {result.ok for result in rest} == {None}

    def test_build_gives_no_module(self) -> None:
        assert "return a torch.nn.Module" in check_plugin(plugin(lambda config, vocab: len))[0].message

    def test_ending_the_program_is_caught(self) -> None:
        assert check_plugin(plugin(lambda config, vocab: sys.exit(3)))[0].message == "correct this error: SystemExit: 3"

    def test_a_small_config_breaks(self) -> None:
        class Fragile(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                nn.Embedding(vocab_size, config.width // 8).weight[:, 0]

        assert_fails(
            plugin(Fragile), "small configs", "make width=4, context=2 work, or have Config refuse it", "large configs"
        )

    def test_a_choice_breaks(self) -> None:
        class Half(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                if config.kind == "other":
                    raise NotImplementedError("later")
                super().__init__(config, vocab_size)

        assert_fails(
            plugin(Half), "small configs", "make width=4, context=2, kind=other work.*NotImplementedError: later"
        )

    def test_all_fields_large_break(self) -> None:
        class Fragile(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                nn.Linear(1, 100 - config.width - config.context)

        words = "make width=64, context=64 work, or have Config refuse it: RuntimeError: .*negative dimension"
        assert_fails(plugin(Fragile), "large configs", words)

    def test_one_field_large_breaks_as_it_runs(self) -> None:
        class Fragile(Good):
            def mix(self, x: Tensor) -> Tensor:
                if self.config.width == 4 and self.config.context == 64:
                    raise ZeroDivisionError("a long text of thin vectors")
                return super().mix(x)

        words = "make width=4, context=64 work, or have Config refuse it: ZeroDivisionError: a long text"
        assert_fails(plugin(Fragile), "large configs", words)

    def test_what_config_refuses_is_not_tried(self) -> None:
        class Careful(Config):
            @model_validator(mode="after")
            def _fits(self) -> Careful:
                if self.width == 64:
                    raise ValueError("too wide")
                return self

        class Fragile(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                assert config.width < 64
                super().__init__(config, vocab_size)

        assert run_check(plugin(Fragile), "large configs").ok is False
        found = run_check(plugin(Fragile, config=Careful), "large configs")
        assert found == CheckResult(
            "large configs", True, "1 large configs can be built; 1 of them, small enough to be tried, run"
        )

    @pytest.mark.parametrize("check", ["small configs", "large configs"])
    def test_a_config_that_refuses_every_bound_says_nothing(self, check: str) -> None:
        class Stubborn(Config):
            @model_validator(mode="after")
            def _fits(self) -> Stubborn:
                if (self.width, self.context) != (16, 24):
                    raise ValueError("the default or nothing")
                return self

        found = run_check(plugin(config=Stubborn), check)
        assert found.ok is None
        assert found.message.startswith("Config refuses each of its own bounds, so nothing was tried")

    @pytest.mark.parametrize("check", ["small configs", "large configs"])
    def test_a_config_without_a_bound_says_nothing(self, check: str) -> None:
        class Boundless(BaseModel):
            width: int = 16
            context: int = 24
            kind: str = "plain"

        found = run_check(plugin(config=Boundless), check)
        assert found.ok is None
        assert found.message.startswith("no field of Config has a bound here, so nothing was tried")

    def test_a_giant_is_built_without_memory(self) -> None:
        class Giant(Config):
            width: int = Field(16, ge=4, le=2**20)

        class Huge(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)  # (2^20)^2 numbers are 4 TiB

        found = run_check(plugin(Huge, config=Giant), "large configs")
        assert found.message == "3 large configs can be built; 1 of them, small enough to be tried, run"

    def test_a_build_that_needs_memory_says_nothing(self) -> None:
        class Reads(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                float(self.inner.weight.sum())

        found = run_check(plugin(Reads), "large configs")
        assert found.ok is None
        assert "too large to try: build reads values" in found.message


class TestWords:
    @pytest.mark.parametrize("summary", ["", "Averager", "the mean of all.", "The mean of all", "The mean.\nOf all."])
    def test_a_summary_that_is_no_sentence(self, summary: str) -> None:
        assert_fails(plugin(summary=summary), "summary", "one sentence, from a capital letter to a full stop")

    @pytest.mark.parametrize(
        ("recipe", "words"),
        [
            ({"learning_rate": 0.1}, "names learning_rate, and a Recipe has no such field"),
            ({"batch": 0}, "recipe\\(\\) is no Recipe: batch: .*greater than or equal to 1"),
            ({"seconds": 1.0, "steps": 1}, "is no Recipe: .*one of the two"),
        ],
    )
    def test_a_recipe_that_is_none(self, recipe: dict[str, object], words: str) -> None:
        assert_fails(plugin(recipe=lambda self: recipe), "recipe", words)

    def test_a_recipe_with_a_budget_of_its_own(self) -> None:
        found = run_check(plugin(recipe=lambda self: {"seconds": 20.0, "rate": 0.01}), "recipe")
        assert found == CheckResult("recipe", True, "seconds=20.0, rate=0.01")
